"""Progress of a report, and the tracker that counts its rows."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

if TYPE_CHECKING:
    from tasks.models import Task

Row = TypeVar("Row")

UNIT_LABELS = {"rows": _("rows"), "students": _("students")}
"""Labels of what is counted; a kind of report says which."""
STAGE_LABELS = {
    "queued": _("Queued"),
    "preparing": _("Preparing"),
    "writing": _("Writing"),
    "finished": _("Finished"),
}
NOTIFY_INTERVAL = 0.5
ESTIMATE_DENOMINATOR = 50
"""An estimate of the remaining time needs at least 1/50 of the rows."""


@dataclass(frozen=True)
class Progress:
    """Completed work, in rows; `total` is None until it is known."""

    stage: str
    done: int = 0
    total: int | None = None
    seconds_left: float | None = None
    """Estimated time for the remaining rows; None until enough rows are done."""

    @classmethod
    def from_task(cls, task: "Task") -> Self:
        return cls(task.stage, task.progress_done, task.progress_total)

    @property
    def percent(self) -> int | None:
        if self.stage == "finished":
            return 100
        if not self.total:
            return None
        # Only the final state reports 100.
        return min(99, 100 * self.done // self.total)

    def to_json(self, unit: str, language: str) -> dict[str, Any]:
        """Return the member of the task document; each response fills in `ends_at`."""
        return {
            "stage": self.stage,
            "stage_label": _stage_label(self.stage, language),
            "done": self.done,
            "total": self.total,
            "percent": self.percent,
            "unit": unit,
            "unit_label": _unit_label(unit, language),
            "ends_at": None,
        }


@cache
def _stage_label(stage: str, language: str) -> str:
    with override(language):
        return str(STAGE_LABELS.get(stage, stage))


@cache
def _unit_label(unit: str, language: str) -> str:
    with override(language):
        return str(UNIT_LABELS.get(unit, unit))  # another release may have other units


class Tracker:
    """Row counter of one attempt: publishes progress and stops the attempt on request."""

    def __init__(self, notify: Callable[[Progress], object]) -> None:
        self.stop_reason: Exception | None = None
        """Exception that ends the attempt; set by the heartbeat thread."""
        self._notify = notify
        self._is_publishing = False
        self._next_notify_at = math.inf
        self._notified = ("preparing", 0)
        self._stage_started_at = time.monotonic()
        self._stage = "preparing"
        self._done = 0
        self._total: int | None = None

    @property
    def progress(self) -> Progress:
        return Progress(self._stage, self._done, self._total)

    @property
    def estimate(self) -> Progress:
        """The progress with `seconds_left`, extrapolated from the pace of this stage."""
        progress = self.progress
        done, total = progress.done, progress.total
        if not total or done * ESTIMATE_DENOMINATOR < total:
            return progress
        elapsed = time.monotonic() - self._stage_started_at
        seconds_left = elapsed * max(0, total - done) / done
        return replace(progress, seconds_left=seconds_left)

    def begin_publishing(self) -> None:
        """Publish the progress from now on; it is as in the row until then."""
        self._is_publishing = True
        self._next_notify_at = 0.0
        self.notify_if_behind()

    def start_stage(self, stage: str, total: int | None = None) -> None:
        if self._is_publishing:
            self._next_notify_at = 0.0
        self._stage_started_at = time.monotonic()
        self._stage, self._done, self._total = stage, 0, total
        self.advance(0)

    def track(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            yield row
            self.advance()

    def advance(self, by: int = 1) -> None:
        """Count rows. Allocates no objects, because it is called for millions of rows."""
        self._done += by
        self.raise_if_stopped()
        now = time.monotonic()
        if now >= self._next_notify_at:
            self._notify_at(now)

    def notify_if_behind(self) -> None:
        """Publish rows that were counted since the last notification.

        The heartbeat's thread calls it, because the next row may be long in coming.
        """
        now = time.monotonic()
        is_behind = (self._stage, self._done) != self._notified
        if is_behind and now >= self._next_notify_at:
            self._notify_at(now)

    def _notify_at(self, now: float) -> None:
        self._next_notify_at = now + NOTIFY_INTERVAL
        self._notified = (self._stage, self._done)
        self._notify(self.estimate)

    def raise_if_stopped(self) -> None:
        """Raise the stop reason if one is set."""
        if self.stop_reason is not None:
            raise self.stop_reason
