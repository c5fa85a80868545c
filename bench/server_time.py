"""CPU time of the PostgreSQL server, added to that of a measured client."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench import network
from bench.runs import Run, Variant

EXIT_SECONDS = 5.0
"""Time in which the server's processes for the client exit, and are counted by their parent."""


@dataclass(frozen=True)
class ServerVariant:
    """A variant whose CPU time includes the server's processes for it, parallel workers too.

    A processor that another process has taken changes its seconds, but not its CPU time.
    """

    variant: Variant

    def __call__(self) -> Run:
        server = int(
            (network.DATA / "postgresql" / "postmaster.pid").read_text().split()[0]
        )
        children = _children(server)
        before = _exited_cpu_seconds(server)
        run = self.variant()
        _wait_until(lambda: _children(server) <= children)
        server_seconds = _exited_cpu_seconds(server) - before
        return replace(run, cpu_seconds=run.cpu_seconds + server_seconds)


def _children(pid: int) -> set[str]:
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def _exited_cpu_seconds(pid: int) -> float:
    """Return the CPU time of the children that have exited; each connection is one."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + EXIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the server's processes for the client did not exit")
        time.sleep(0.01)
