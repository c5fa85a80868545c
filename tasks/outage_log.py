"""Log of a server's outages: one line when one begins, and one when it ends.

Whoever meets an error reports it here. A thread then checks the server until all is well
again, so that a process logs the end even if it has nothing to do. Long-running processes keep
the thread, which pings the server, so that they log the begin in the same way.
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
    """Log of one server's outages in this process.

    `connect` returns a function that raises an error if the server does not answer.
    """

    def __init__(
        self,
        server: str,
        *,
        explain: Callable[[Exception], Problem],
        diagnose: Callable[[], Problem | None],
        connect: Callable[[], Callable[[], object]],
    ) -> None:
        self._server, self._explain, self._diagnose = server, explain, diagnose
        self._connect = connect
        self._generation = 0
        self.reset()

    def reset(self) -> None:
        """Forget the outage, as in a new process; a running thread ends by itself."""
        self._lock = threading.Lock()  # a fork may have copied a lock that is held
        self._generation += 1
        self._is_permanent = self._is_watching = False
        self._error: Exception | None = None
        self._kinds: set[str] = set()
        self._began_at = self._failed_at = 0.0

    def report(self, error: Exception) -> None:
        """Take note of an error of the server, whose reason the check will find and log."""
        with self._lock:
            self._failed_at, self._error = time.monotonic(), error
        self._start_thread()

    def start_watch(self) -> None:
        """Check the server now, and watch it for as long as this process lives."""
        self._is_permanent = True
        self._start_thread()

    def _start_thread(self) -> None:
        with self._lock:
            if self._is_watching:
                return
            self._is_watching = True
        arguments = (self._generation,)
        threading.Thread(target=self._watch, args=arguments, daemon=True).start()

    def _watch(self, generation: int) -> None:
        ping, is_well = self._connect(), False
        while generation == self._generation:
            if not is_well or self._error or not self._answers(ping):
                is_well = self._check(generation)
            if is_well and not self._is_permanent:
                with self._lock:
                    if self._error is None:
                        self._is_watching = False
                        return
            time.sleep(CHECK_SECONDS)

    def _answers(self, ping: Callable[[], object]) -> bool:
        try:
            ping()
        except (
            Exception
        ) as error:  # thread boundary: whatever it is, the check explains it
            self._error = error
            return False
        return True

    def _check(self, generation: int) -> bool:
        """Log what the server's state says; return True if all is well."""
        error, self._error = self._error, None
        # The state says more than an error such as a closed connection.
        problem = self._diagnose()
        if problem is None and error is not None:
            problem = self._explain(error)
        if generation != self._generation:
            return False
        if problem is None:
            return self._end()
        self._note(problem)
        return False

    def _note(self, problem: Problem) -> None:
        """Log the begin of an outage, and later each reason that is new."""
        self._failed_at = time.monotonic()
        if problem.kind in self._kinds:
            return
        event = "still_unavailable" if self._kinds else "unavailable"
        self._began_at = self._began_at if self._kinds else self._failed_at
        self._kinds.add(problem.kind)
        log.error(
            f"{self._server}_{event}", reason=problem.reason, remedy=problem.remedy
        )

    def _end(self) -> bool:
        """Log the end of the outage after a quiet time; return True if all is well."""
        now = time.monotonic()
        if self._kinds:
            if self._error or now < self._failed_at + QUIET_SECONDS:
                return False
            seconds = round(now - self._began_at)
            log.warning(f"{self._server}_available", after_seconds=seconds)
            self._kinds.clear()
        return True
