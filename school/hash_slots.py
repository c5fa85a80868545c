"""Slots that bound the passwords hashed at once in a process."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

MAX_THREADS = max(1, (os.cpu_count() or 1) - 1)
"""Hashes computed at once; one core is left for other requests."""
MAX_WAITING = 16
WAIT_SECONDS = 2.0


class HasherBusy(Exception):
    """Too many passwords are being hashed in this process."""


class HashSlots:
    """Slots for hashes; up to `MAX_WAITING` more wait for `WAIT_SECONDS` at most."""

    def __init__(self) -> None:
        self._slots = threading.Semaphore(MAX_THREADS)
        self._lock = threading.Lock()
        self._present = 0

    @contextmanager
    def take(self) -> Iterator[None]:
        """Run the block in a slot, or raise `HasherBusy`."""
        with self._lock:
            if self._present >= MAX_THREADS + MAX_WAITING:
                raise HasherBusy
            self._present += 1
        try:
            if not self._slots.acquire(timeout=WAIT_SECONDS):
                raise HasherBusy
            try:
                yield
            finally:
                self._slots.release()
        finally:
            with self._lock:
                self._present -= 1


hash_slots = HashSlots()
