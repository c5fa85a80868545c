"""The mix of reports that are asked for, each with the end it should come to."""

import random
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLASSES = {
    "admin": range(1, 9),
    "secretary": (1, 2),
    "teacher": (1, 2),
    "guardian": (1, 2),
    "stranger": (4, 5),
}
"""The users of the demo network, and classes of which each one sees something."""
HANG_SECONDS = {"hanging": 4, "stuck_in_c": 10}
"""The time limits of the kinds that hang."""
ALWAYS = 99


@dataclass(frozen=True)
class Wish:
    report: str
    parameters: dict[str, Any]
    format: str = "json"
    state: str = "succeeded"
    code: str = ""
    seconds: float = 0.5
    """How long it takes by itself."""
    deaths: int = 0
    """How many of its workers it kills."""

    @property
    def body(self) -> dict[str, Any]:
        return {
            "report": self.report,
            "parameters": self.parameters,
            "format": self.format,
        }


class Wishes:
    """Deals wishes from a deck that holds each sort in its proportion, shuffled by a seed."""

    def __init__(self, seed: int, folder: Path) -> None:
        self._random = random.Random(f"wishes {seed}")
        self._folder = folder
        self._lock = threading.Lock()
        self._deck: list[Callable[[str], Wish]] = []
        folder.mkdir(parents=True, exist_ok=True)

    def draw(self, user: str) -> Wish:
        with self._lock:
            if not self._deck:
                self._deck = [deal for deal, n in self._sorts() for _ in range(n)]
                self._random.shuffle(self._deck)
            return self._deck.pop()(user)

    def slow(self, low: float, high: float, report: str = "slow") -> Wish:
        # To the microsecond, so that no two are equal requests.
        seconds = round(self._random.uniform(low, high), 6)
        return Wish(report, {"seconds": seconds}, self._format(), seconds=seconds)

    def killer(self, times: int) -> Wish:
        parameters = {"tally": str(self._folder / uuid.uuid4().hex), "times": times}
        if times == ALWAYS:
            return Wish("killer", parameters, "json", "failed", "worker_lost", deaths=3)
        return Wish("killer", parameters, deaths=times)

    def _sorts(self) -> list[tuple[Callable[[str], Wish], int]]:
        return [
            (self._card, 34),
            (self._performance, 26),
            (lambda _: self.slow(0.1, 1.5), 24),
            (lambda _: self.slow(3, 8), 3),
            (lambda _: self.slow(0.5, 3, "slow_export"), 5),
            (lambda _: self._failing("data", "data_error"), 2),
            (lambda _: self._failing("code", "internal"), 2),
            (lambda _: self.killer(1), 2),
            (lambda _: self.killer(ALWAYS), 1),
            (lambda _: Wish("hungry", {}, "json", "failed", "memory_limit", 5), 1),
            (lambda _: self._hanging("hanging"), 1),
            (lambda _: self._hanging("stuck_in_c"), 1),
        ]

    def _card(self, user: str) -> Wish:
        return Wish("report_card", self._class_of(user), self._format())

    def _performance(self, user: str) -> Wish:
        if user == "guardian":  # not offered to families
            return self._card(user)
        parameters = {**self._class_of(user), "term": self._random.randint(1, 3)}
        return Wish("class_performance", parameters, self._format())

    def _class_of(self, user: str) -> dict[str, Any]:
        return {"class_id": self._random.choice(CLASSES[user])}

    def _failing(self, of: str, code: str) -> Wish:
        return Wish("failing", {"of": of}, self._format(), "failed", code)

    def _hanging(self, report: str) -> Wish:
        seconds = HANG_SECONDS[report]
        return Wish(report, {}, self._format(), "failed", "timeout", seconds)

    def _format(self) -> str:
        return self._random.choice(("json", "csv", "xlsx"))
