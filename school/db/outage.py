"""Outage of the database: logged once when it begins, with its reason, and once when it ends.

One state for each process. The connections report to it, so that it does not matter which
part of the service needs the database, and what that part makes of the error.
"""

import time
from threading import Lock

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError

from school.db.diagnosis import Diagnosis, describe_address, diagnose

log = structlog.get_logger(__name__)

DATABASE_ERRORS = (OperationalError, InterfaceError)
CALM_SECONDS = 1.0
"""Time without a failure after which an answer ends the outage.

While a server restarts some connections are lost later than others.
"""


class Outage:
    """State of the database as this process sees it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.reset()

    def reset(self) -> None:
        """Forget an outage, as in a new process."""
        self._began_at: float | None = None
        self._failed_at = 0.0
        self._answered_at: float | None = None

    @property
    def is_open(self) -> bool:
        return self._began_at is not None

    def report_error(self, error: Exception) -> None:
        """Note that a connection failed or was lost."""
        self.report(diagnose(error))

    def report(self, diagnosis: Diagnosis) -> None:
        if self._note_failure():
            log.error(
                "database_unavailable",
                address=describe_address(settings.DATABASES["default"]),
                reason=diagnosis.reason,
                remedy=diagnosis.remedy,
            )

    def report_answer(self) -> None:
        """Note that the database has answered a statement."""
        now = time.monotonic()
        with self._lock:
            if self._began_at is None:
                return
            self._answered_at = self._answered_at or now
            if now - self._failed_at < CALM_SECONDS:
                return
            seconds = self._answered_at - self._began_at
            self._began_at = self._answered_at = None
        log.warning("database_available", outage_seconds=round(seconds, 1))

    def _note_failure(self) -> bool:
        """Return True if the outage begins with this failure."""
        now = time.monotonic()
        with self._lock:
            is_new = self._began_at is None
            self._began_at = now if self._began_at is None else self._began_at
            self._failed_at, self._answered_at = now, None
            return is_new


outage = Outage()
