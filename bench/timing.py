"""What a measured process does itself: prepares, works against the clock, and tells of it.

It imports nothing but the standard library, for the peers run it in their own environment.
"""

import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

Work = Callable[[], Any]
"""What is timed; where it returns a function, that tells the answer after the clock stopped."""


def run_and_print(work: Work) -> None:
    """Do the work once and print how long it took, as a line of JSON.

    The processor time is of this process and of the children that it waited for.
    """
    gc.collect()
    base = _read_status_bytes("VmRSS")
    before, began = os.times(), time.perf_counter()
    answer = work()
    seconds, after = time.perf_counter() - began, os.times()
    result = {
        "seconds": seconds,
        "base_bytes": base,
        "resident_bytes": _read_status_bytes("VmHWM"),
        "cpu_seconds": sum(after[:4]) - sum(before[:4]),
        "children_seconds": sum(after[2:4]) - sum(before[2:4]),
        "answer": answer() if callable(answer) else answer,
    }
    sys.stdout.write("\n" + json.dumps(result) + "\n")


def _read_status_bytes(name: str) -> int:
    """What the kernel says of this program alone: `ru_maxrss` would be also its parent's."""
    with open("/proc/self/status") as file:
        lines = [line.split() for line in file if line.startswith(f"{name}:")]
    return int(lines[0][1]) * 1024


def main() -> None:
    """`python -m bench.timing module:function '{"name": "value"}'`: the function prepares."""
    module, _colon, name = sys.argv[1].partition(":")
    prepare = getattr(importlib.import_module(module), name)
    run_and_print(prepare(**json.loads(sys.argv[2])))


if __name__ == "__main__":
    main()
