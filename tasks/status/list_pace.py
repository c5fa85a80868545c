"""Pace at which the waits of one viewer read the viewer's list of tasks again.

The list of a viewer with many tasks is slow to read. Ten waits that read it at each change
would keep all other requests of the process waiting.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakValueDictionary

LIST_READ_INTERVAL = 0.25
"""Seconds between two reads of one wait; the changes in between are read together."""
LIST_READ_SHARE = 0.1
"""Part of the time that the reads of one viewer may take in this process."""
MAX_PAUSE_SECONDS = 3.0
"""Longest pause after one read, which may have been slow for another reason."""
MAX_LIST_READS = 4
"""Reads at once in this process, so that they leave connections to others."""

R = TypeVar("R")
_list_reads = threading.BoundedSemaphore(MAX_LIST_READS)


class Pace:
    """Pace of one viewer's reads, by the duration of the latest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next_read_at = 0.0
        self._pause = 0.0

    def reserve(self, earliest: float) -> float:
        """Return the time of the next read that is free."""
        with self._lock:
            read_at = max(earliest, self._next_read_at)
            self._next_read_at = read_at + self._pause
            return read_at

    def read(self, read_list: Callable[[], R]) -> R:
        """Read, and set the pause until the next read."""
        started_at = time.monotonic()
        try:
            return read_list()
        finally:
            seconds = time.monotonic() - started_at
            self._pause = min(seconds / LIST_READ_SHARE, MAX_PAUSE_SECONDS)


_paces: WeakValueDictionary[int, Pace] = WeakValueDictionary()


def pace_of(viewer_id: int) -> Pace:
    """Return the pace that all waits of the viewer share, as long as there are any."""
    return _paces.setdefault(viewer_id, Pace())


class PacedReader:
    """Reader of the list in one wait: waits for its turn before it reads."""

    def __init__(
        self, viewer_id: int, *, seconds: float, is_canceled: Callable[[], bool]
    ) -> None:
        self._pace = pace_of(viewer_id)
        self._last_read_at = time.monotonic()
        self._deadline = self._last_read_at + seconds
        self._is_canceled = is_canceled

    def read_first(self, read_list: Callable[[], R]) -> R:
        return self._pace.read(read_list)

    def read_again(self, read_list: Callable[[], R]) -> R:
        """Read in turn; the last read, at the end of the wait, is not put off."""
        earliest = max(time.monotonic(), self._last_read_at + LIST_READ_INTERVAL)
        read_at = min(self._pace.reserve(earliest), max(self._deadline, earliest))
        while not self._is_canceled() and (left := read_at - time.monotonic()) > 0:
            time.sleep(min(left, LIST_READ_INTERVAL))
        with _list_reads:
            self._last_read_at = time.monotonic()
            return self._pace.read(read_list)
