"""Interleaved runs of variants, each in a fresh process, compared by their medians."""

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
"""Interval between two memory samples."""


@dataclass(frozen=True)
class Run:
    """Measured values of one run of a variant."""

    seconds: float
    cpu_seconds: float
    """CPU time of the process and of the children that it waited for."""
    answer: Any = None
    children_seconds: float = 0.0
    """CPU time of the children alone."""
    base_bytes: int = 0
    """Memory of the process before the work (RSS)."""
    resident_bytes: int = 0
    """Peak memory of the process itself (RSS)."""
    peak_bytes: int = 0
    """Peak memory of the process with its children (PSS); 0 if not sampled."""


@dataclass(frozen=True)
class Variant:
    """One way to do the measured work: a `prepare` function for `bench.timing`."""

    name: str
    """Function to run, as `module:function`."""
    arguments: Mapping[str, Any]
    python: str = sys.executable
    environment: Mapping[str, str] | None = None
    cores: Collection[int] | None = None
    """Processors that the process may use; all if None."""
    samples_memory: bool = False
    """True to sample memory, which takes a little CPU time."""

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
    """Run each variant once per round, in reverse order every other round.

    The first round only warms up, unless `warm` is false. Interleaving spreads disturbances of
    the machine over all variants.
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
    """Return the ratio of the medians."""
    return median(ours, name) / median(theirs, name)


def check_same(runs: Runs, *names: str) -> None:
    """Raise `RuntimeError` unless all variants gave the same answer."""
    answers = {json.dumps(run.answer) for name in names for run in runs[name]}
    if len(answers) != 1:
        raise RuntimeError(f"{', '.join(names)} differ: {sorted(answers)}")


def table(runs: Runs, baseline: str) -> str:
    """Return a table of each variant's times, CPU time, and ratio to the baseline."""
    lines = [
        f"| variant | seconds | fastest, slowest | CPU seconds | × {baseline} |",
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
    """Describe the data, the number of rounds, and the load average at the end."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
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
    """Return the proportional memory (PSS) of a process and its descendants."""
    return sum(map(_pss_bytes, [pid, *_descendants(pid, _command(pid))]))


def _descendants(pid: int, command: bytes) -> Iterator[int]:
    """Yield the descendants whose command line differs from that of the root process.

    Between fork and exec, a child is a copy of its parent and would be counted twice.
    """
    children: list[int] = []
    with suppress(OSError):  # the process has exited
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            children += map(int, path.read_text().split())
    for child in children:
        if _command(child) != command:
            yield child
            yield from _descendants(child, command)


def _command(pid: int) -> bytes:
    with suppress(OSError):  # the process has exited
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _pss_bytes(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # the process has exited
        return 0
    match = re.search(r"(?m)^Pss: +(\d+) kB", text)
    return int(match[1]) * 1024 if match else 0
