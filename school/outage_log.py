"""Log of a server's outages: one line when one begins, and one when it ends.

Whoever meets an error reports it here. A thread then checks the server until all is well
again, so that a process logs the end even if it has nothing to do. Where the thread is kept, it
probes the server, so that an idle process logs the begin in the same way.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)

CHECK_SECONDS = 2.0
QUIET_SECONDS = 5.0
"""Seconds without an error after which an outage counts as over.

While a server restarts some connections are lost later than others.
"""


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

    `diagnose` connects to the server and returns what is wrong with it; `explain` says what an
    error means where nothing is wrong any more. `facts` are logged with each reason.
    """

    def __init__(
        self,
        server: str,
        *,
        explain: Callable[[Exception], Problem],
        diagnose: Callable[[], Problem | None],
        facts: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._server, self._facts = server, facts
        self._explain, self._diagnose = explain, diagnose
        self._generation = 0
        self.reset()

    def reset(self) -> None:
        """Forget the outage, as in a new process; a running thread ends by itself."""
        self._lock = threading.Lock()  # a fork may have copied a lock that is held
        self._generation += 1
        self._is_watching = self._is_open = False
        self._connect: Callable[[], Callable[[], object]] | None = None
        self._error: Exception | None = None
        self._kinds: set[str] = set()
        self._began_at = self._failed_at = 0.0

    @property
    def is_open(self) -> bool:
        """Return True from the first error on, until the server has been well for a while."""
        return self._is_open

    def report(self, error: Exception) -> None:
        """Take note of an error of the server, whose reason the check will find and log."""
        with self._lock:
            self._note_failure()
            self._error = error
        self.check()

    def check(self) -> None:
        """Check the server in the background, until all is well."""
        with self._lock:
            if self._is_watching:
                return
            self._is_watching = True
        arguments = (self._generation,)
        threading.Thread(target=self._watch, args=arguments, daemon=True).start()

    def start_watch(self, connect: Callable[[], Callable[[], object]]) -> None:
        """Check the server now, and probe it for as long as this process lives.

        `connect` returns the probe, a function that raises an error if the server fails.
        """
        self._connect = connect
        self.check()

    def _watch(self, generation: int) -> None:
        probe, is_well = self._connect and self._connect(), False
        while generation == self._generation:
            if not is_well or self._error or not self._answers(probe):
                is_well = self._check(generation)
            if is_well and self._connect is None:
                with self._lock:
                    if self._error is None:
                        self._is_watching = False
                        return
            probe = probe or (self._connect and self._connect())
            time.sleep(CHECK_SECONDS)

    def _answers(self, probe: Callable[[], object] | None) -> bool:
        try:
            if probe is not None:
                probe()
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
            if self._kinds:
                return False  # the outage ends just now, and its reason is known
            problem = self._explain(error)
        if generation != self._generation:
            return False
        if problem is None:
            return self._end()
        self._note(problem)
        return False

    def _note_failure(self) -> None:
        now = time.monotonic()
        self._began_at = self._began_at if self._is_open else now
        self._is_open, self._failed_at = True, now

    def _note(self, problem: Problem) -> None:
        """Log the begin of an outage, and later each reason that is new."""
        self._note_failure()
        if problem.kind in self._kinds:
            return
        event = "still_unavailable" if self._kinds else "unavailable"
        self._kinds.add(problem.kind)
        log.error(
            f"{self._server}_{event}",
            **self._facts(),
            reason=problem.reason,
            remedy=problem.remedy,
        )

    def _end(self) -> bool:
        """Log the end of the outage after a quiet time; return True if all is well."""
        with self._lock:
            if self._is_open:
                is_quiet = time.monotonic() >= self._failed_at + QUIET_SECONDS
                if self._error or not is_quiet:
                    return False
            has_logged, self._is_open = bool(self._kinds), False
            self._kinds.clear()
        if has_logged:
            seconds = round(self._failed_at - self._began_at, 1)
            log.warning(f"{self._server}_available", outage_seconds=seconds)
        return True
