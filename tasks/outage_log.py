"""Log of a server's outages: one line when one begins, and one when it ends.

Whoever meets an error reports it here. A thread then asks for the state of the server until
all is well again, so that a process logs the end even if it has nothing to do.
"""

import threading
import time
from collections.abc import Callable
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)

CHECK_SECONDS = 2.0
QUIET_SECONDS = 5.0
"""Seconds without an error after which an outage counts as over."""


class Problem(Protocol):
    """Reason of an outage and its remedy; equal reasons have the same kind."""

    @property
    def kind(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def remedy(self) -> str: ...


class OutageLog:
    """Log of one server's outages in this process; each reason appears once per outage."""

    def __init__(
        self,
        server: str,
        explain: Callable[[Exception], Problem],
        diagnose: Callable[[], Problem | None],
    ) -> None:
        self._server, self._explain, self._diagnose = server, explain, diagnose
        self._lock = threading.Lock()
        self._generation = 0
        self.reset()

    def reset(self) -> None:
        """Forget the outage, as in a new process; a running check ends by itself."""
        self._lock = threading.Lock()  # a fork may have copied a lock that is held
        self._generation += 1
        self._is_watching = False
        self._kinds: set[str] = set()
        self._began_at = self._failed_at = 0.0

    def report(self, error: Exception) -> None:
        """Take note of an error of the server; the first of its kind is logged."""
        self._note(self._explain(error))

    def start_check(self) -> None:
        """Ask for the state of the server in a thread, until all is well."""
        with self._lock:
            if self._is_watching:
                return
            self._is_watching = True
        arguments = (self._generation,)
        threading.Thread(target=self._watch, args=arguments, daemon=True).start()

    def _note(self, problem: Problem) -> None:
        with self._lock:
            self._failed_at = time.monotonic()
            self._began_at = self._began_at or self._failed_at
            is_new = problem.kind not in self._kinds
            self._kinds.add(problem.kind)
        if is_new:
            log.error(
                f"{self._server}_unavailable",
                reason=problem.reason,
                remedy=problem.remedy,
            )
        self.start_check()

    def _watch(self, generation: int) -> None:
        while generation == self._generation:
            problem = self._diagnose()
            if generation != self._generation:
                return
            if problem is not None:
                self._note(problem)
            elif self._end():
                return
            time.sleep(CHECK_SECONDS)

    def _end(self) -> bool:
        """Log the end of the outage if there was none lately; return True if all is well."""
        with self._lock:
            now = time.monotonic()
            if self._began_at and now < self._failed_at + QUIET_SECONDS:
                return False
            began_at, self._began_at = self._began_at, 0.0
            self._kinds.clear()
            self._is_watching = False
        if began_at:
            seconds = round(now - began_at)
            log.warning(f"{self._server}_available", after_seconds=seconds)
        return True
