"""Runs ways of doing the same in turn, each in a fresh process, and compares their medians."""

import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.options import Options

ROOT = Path(__file__).parent.parent
SAMPLE_SECONDS = 0.05
"""Between two looks at what a process holds."""


@dataclass(frozen=True)
class Run:
    """One way, done once."""

    seconds: float
    cpu_seconds: float
    """Of the process and of the children that it waited for."""
    answer: Any = None
    children_seconds: float = 0.0
    """What of the processor time was the children's."""
    base_bytes: int = 0
    """What the process held before it began (RSS)."""
    resident_bytes: int = 0
    """The most that the process itself held at one time (RSS)."""
    peak_bytes: int = 0
    """The most that it held with its children at one time (PSS); 0 if nobody looked."""


@dataclass(frozen=True)
class Variant:
    """A way of doing it: a function that prepares, as `bench.timing` calls it."""

    name: str
    """As `module:function`."""
    arguments: Mapping[str, Any]
    python: str = sys.executable
    environment: Mapping[str, str] | None = None
    cores: Collection[int] | None = None
    """The processors that it may use; all if not said."""
    samples_memory: bool = False
    """Whether its memory is looked at, which takes a little of the processor."""

    def __call__(self) -> Run:
        process = subprocess.Popen(
            [self.python, "-m", "bench.timing", self.name, json.dumps(self.arguments)],
            cwd=ROOT,
            env=dict(self.environment or os.environ),
            stdout=subprocess.PIPE,
            preexec_fn=self._set_affinity if self.cores else None,
        )
        peak = _sample_peak(process) if self.samples_memory else 0
        output = process.communicate()[0]
        if process.returncode:
            raise RuntimeError(f"{self.name} failed with {process.returncode}")
        result = json.loads(output.splitlines()[-1])
        return Run(**result, peak_bytes=peak)

    def _set_affinity(self) -> None:
        os.sched_setaffinity(0, self.cores or ())


Runs = dict[str, list[Run]]


def run_interleaved(
    variants: Mapping[str, Callable[[], Run]], rounds: int, *, warm: bool = True
) -> Runs:
    """Each way once a round, every other round backwards; a first round only warms up.

    Whatever the machine does meanwhile, it does to all of them.
    """
    runs: Runs = {name: [] for name in variants}
    for number in range(-1 if warm else 0, rounds):
        order = list(variants)[:: 1 if number % 2 == 0 else -1]
        for name in order:
            run = variants[name]()
            if number >= 0:
                runs[name].append(run)
    return runs


def median(runs: Sequence[Run], name: str = "seconds") -> float:
    return float(statistics.median(getattr(run, name) for run in runs))


def ratio(ours: Sequence[Run], theirs: Sequence[Run], name: str = "seconds") -> float:
    """Of the medians."""
    return median(ours, name) / median(theirs, name)


def check_same(runs: Runs, *names: str) -> None:
    """Refuse to compare ways that do not come to the same."""
    answers = {json.dumps(run.answer) for name in names for run in runs[name]}
    if len(answers) != 1:
        raise RuntimeError(f"{', '.join(names)} differ: {sorted(answers)}")


def table(runs: Runs, baseline: str) -> str:
    """Each way's median, fastest and slowest time, processor time, and ratio to one of them."""
    lines = [
        f"| way | seconds | fastest, slowest | CPU seconds | × {baseline} |",
        "|---|---|---|---|---|",
    ]
    for name, variant_runs in runs.items():
        times = [run.seconds for run in variant_runs]
        lines.append(
            f"| {name} | {median(variant_runs):.3f} | {min(times):.3f}, {max(times):.3f} "
            f"| {median(variant_runs, 'cpu_seconds'):.3f} | {ratio(variant_runs, runs[baseline]):.2f} |"
        )
    return "\n".join(lines)


def describe_conditions(options: Options, subject: str = "") -> str:
    """Of what and how often, and how busy the machine was at the end."""
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    rounds = "once" if options.rounds == 1 else f"{options.rounds} rounds"
    return (
        f"{subject or f'{options.students:,} students'}, {rounds}; "
        f"load average at the end: {load}."
    )


def _sample_peak(process: subprocess.Popen[bytes]) -> int:
    peak = 0
    while process.poll() is None:
        peak = max(peak, tree_pss_bytes(process.pid))
        time.sleep(SAMPLE_SECONDS)
    return peak


def tree_pss_bytes(pid: int) -> int:
    """The bytes that a process and all below it hold now, what they share divided (PSS)."""
    return sum(map(_pss_bytes, [pid, *_descendants(pid, _command(pid))]))


def _descendants(pid: int, command: bytes) -> Iterator[int]:
    """Those below it that do not run that command, which the process above all runs.

    Until a new one runs its own program it is its parent, seen twice.
    """
    children: list[int] = []
    with suppress(OSError):  # gone by now
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            children += map(int, path.read_text().split())
    for child in children:
        if _command(child) != command:
            yield child
            yield from _descendants(child, command)


def _command(pid: int) -> bytes:
    with suppress(OSError):  # gone by now
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _pss_bytes(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # gone by now
        return 0
    match = re.search(r"(?m)^Pss: +(\d+) kB", text)
    return int(match[1]) * 1024 if match else 0
