"""Jobs of the dispatcher: functions with an interval, isolated from each other's errors."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from school.db import connections
from school.db.outage import DATABASE_ERRORS, outage
from tasks.circuit_breaker import RedisUnavailable

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Job:
    """A function that the dispatcher calls."""

    name: str
    run: Callable[[], object]
    every: float = 0.0
    """Seconds between two calls; 0 is once per tick."""


class Schedule:
    """Due times of jobs in one process."""

    def __init__(self) -> None:
        self._next_due: dict[str, float] = {}

    def is_due(self, job: Job) -> bool:
        """Return whether the job is due, and plan its next call if it is."""
        now = time.monotonic()
        if now < self._next_due.get(job.name, 0.0):
            return False
        self._next_due[job.name] = now + job.every
        return True


def run_isolated(run: Callable[[], object], *, name: str) -> None:
    """Call the function; log any error, so that the next function runs all the same.

    `RedisUnavailable` is not logged: the circuit breaker raises it again and again. Nor is
    what an outage of the database causes: it is logged once.
    """
    try:
        run()
    except RedisUnavailable:
        pass
    except (
        Exception
    ) as error:  # process boundary: one bad row must not stop the other jobs
        if not (outage.is_open and isinstance(error, DATABASE_ERRORS)):
            log.exception("job_failed", job=name)
        connections.close()
