"""State of a process, read from /proc; unknown on systems other than Linux."""

from dataclasses import dataclass
from pathlib import Path

_HALTED = "TtZX"
"""Stopped, stopped by a tracer, zombie, dead."""


@dataclass(frozen=True)
class ProcessStat:
    state: str
    cpu_ticks: int
    start_ticks: int
    """Time of its start since the boot; with the id it identifies a process for good."""

    @property
    def can_run(self) -> bool:
        return self.state not in _HALTED


def read_stat(pid: int) -> ProcessStat | None:
    """Return the state of a process, or None if there is none or the system does not tell."""
    try:
        # proc(5): after the name in brackets, field 0 is the state, 11 utime, 12 stime,
        # 19 the start.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return ProcessStat(fields[0], int(fields[11]) + int(fields[12]), int(fields[19]))


def start_ticks(pid: int) -> int:
    """Return the start of a process; 0 if it is unknown."""
    stat = read_stat(pid)
    return stat.start_ticks if stat else 0
