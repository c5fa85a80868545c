"""Mix of report requests, each with its expected final state."""

import random
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLASS_IDS_BY_USER = {
    "admin": range(1, 9),
    "secretary": (1, 2),
    "teacher": (1, 2),
    "guardian": (1, 2),
    "stranger": (4, 5),
}
"""Users of the demo network, with ids of classes in which each sees students."""
HANG_SECONDS = {"hanging": 4, "stuck_in_c": 10}
"""Time limits of the kinds that hang."""
ALWAYS = 99
"""Number of worker kills that no task survives."""


@dataclass(frozen=True)
class PlannedRequest:
    report: str
    parameters: dict[str, Any]
    format: str = "json"
    expected_state: str = "succeeded"
    expected_error: str = ""
    seconds: float = 0.5
    """Run time of the report itself."""
    worker_kills: int = 0
    """Number of worker processes that the report kills."""

    @property
    def body(self) -> dict[str, Any]:
        return {
            "report": self.report,
            "parameters": self.parameters,
            "format": self.format,
        }


class Workload:
    """Draws requests from a seeded, shuffled deck that holds each kind in proportion."""

    def __init__(self, seed: int, folder: Path) -> None:
        self._rng = random.Random(f"wishes {seed}")
        self._folder = folder
        self._lock = threading.Lock()
        self._deck: list[Callable[[str], PlannedRequest]] = []
        folder.mkdir(parents=True, exist_ok=True)

    def draw_request(self, user: str) -> PlannedRequest:
        with self._lock:
            if not self._deck:
                self._deck = [create for create, n in self._mix() for _ in range(n)]
                self._rng.shuffle(self._deck)
            return self._deck.pop()(user)

    def slow_report(
        self, low: float, high: float, report: str = "slow"
    ) -> PlannedRequest:
        # Microseconds keep requests distinct, so that none is a duplicate of another.
        seconds = round(self._rng.uniform(low, high), 6)
        return PlannedRequest(
            report, {"seconds": seconds}, self._format(), seconds=seconds
        )

    def killer_report(self, times: int) -> PlannedRequest:
        parameters = {"tally": str(self._folder / uuid.uuid4().hex), "times": times}
        if times == ALWAYS:
            return PlannedRequest(
                "killer", parameters, "json", "failed", "worker_lost", worker_kills=3
            )
        return PlannedRequest("killer", parameters, worker_kills=times)

    def _mix(self) -> list[tuple[Callable[[str], PlannedRequest], int]]:
        return [
            (self._report_card, 34),
            (self._class_performance, 26),
            (lambda _: self.slow_report(0.1, 1.5), 24),
            (lambda _: self.slow_report(3, 8), 3),
            (lambda _: self.slow_report(0.5, 3, "slow_export"), 5),
            (lambda _: self._failing("data", "data_error"), 2),
            (lambda _: self._failing("code", "internal"), 2),
            (lambda _: self.killer_report(1), 2),
            (lambda _: self.killer_report(ALWAYS), 1),
            (
                lambda _: PlannedRequest(
                    "hungry", {}, "json", "failed", "memory_limit", 5
                ),
                1,
            ),
            (lambda _: self._hanging("hanging"), 1),
            (lambda _: self._hanging("stuck_in_c"), 1),
        ]

    def _report_card(self, user: str) -> PlannedRequest:
        return PlannedRequest(
            "report_card", self._class_parameters(user), self._format()
        )

    def _class_performance(self, user: str) -> PlannedRequest:
        if user == "guardian":  # not offered to families
            return self._report_card(user)
        parameters = {**self._class_parameters(user), "term": self._rng.randint(1, 3)}
        return PlannedRequest("class_performance", parameters, self._format())

    def _class_parameters(self, user: str) -> dict[str, Any]:
        return {"class_id": self._rng.choice(CLASS_IDS_BY_USER[user])}

    def _failing(self, cause: str, code: str) -> PlannedRequest:
        return PlannedRequest("failing", {"of": cause}, self._format(), "failed", code)

    def _hanging(self, report: str) -> PlannedRequest:
        seconds = HANG_SECONDS[report]
        return PlannedRequest(report, {}, self._format(), "failed", "timeout", seconds)

    def _format(self) -> str:
        return self._rng.choice(("json", "csv", "xlsx"))
