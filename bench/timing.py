"""Entry point of a measured process: prepare, do the timed work, print the measurements.

Imports only the standard library, because the peers run it in their own environment.
"""

import gc
import importlib
import json
import sys
import time
from collections.abc import Callable
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Any

Work = Callable[[], Any]
"""Timed function; if it returns a function, that computes the answer after the clock stops."""


def run_and_print(work: Work) -> None:
    """Do the work once and print its time, memory and answer as a line of JSON.

    The CPU time is that of this process and of the children that it waited for.
    """
    gc.collect()
    base = _read_status_bytes("VmRSS")
    before, started_at = _cpu_times(), time.perf_counter()
    answer = work()
    seconds, after = time.perf_counter() - started_at, _cpu_times()
    result = {
        "seconds": seconds,
        "base_bytes": base,
        "resident_bytes": _read_status_bytes("VmHWM"),
        "cpu_seconds": sum(after) - sum(before),
        "children_seconds": after[1] - before[1],
        "answer": answer() if callable(answer) else answer,
    }
    sys.stdout.write("\n" + json.dumps(result) + "\n")


def _cpu_times() -> tuple[float, float]:
    """Return the CPU seconds of the process and of its children; `os.times` counts in hundredths."""
    own, children = map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime, children.ru_utime + children.ru_stime


def _read_status_bytes(name: str) -> int:
    """Return a value of `/proc/self/status`; `ru_maxrss` would include the parent's peak."""
    with open("/proc/self/status") as file:
        lines = [line.split() for line in file if line.startswith(f"{name}:")]
    return int(lines[0][1]) * 1024


def main() -> None:
    """Run `python -m bench.timing module:prepare_function '{"argument": "value"}'`."""
    module, _colon, name = sys.argv[1].partition(":")
    prepare = getattr(importlib.import_module(module), name)
    run_and_print(prepare(**json.loads(sys.argv[2])))


if __name__ == "__main__":
    main()
