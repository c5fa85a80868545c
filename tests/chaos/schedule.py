"""Which fault strikes when: by the seed, one at a time and sometimes two at once."""

import random
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.chaos.clients import Crowd
from tests.chaos.cluster import House
from tests.chaos.faults import FAULTS, Fault, Scene

SHARE_OF_PAIRS = 0.25


@dataclass
class Blow:
    """One fault that struck."""

    fault: Fault
    began: float
    healed: float = 0.0
    error: str = ""
    waits: list[float] = field(default_factory=list)
    """What it cost each task it hit; filled by `recovery`."""

    def overlaps(self, begin: float, end: float) -> bool:
        return self.began <= end and begin <= self.healed

    def __str__(self) -> str:
        return f"{self.fault.name} ({self.healed - self.began:.1f} s)"


class Schedule:
    """Deals faults from a shuffled deck of all, so that each kind comes equally often."""

    def __init__(
        self, house: House, crowd: Crowd, *, seed: int, names: Sequence[str]
    ) -> None:
        self._house, self._crowd = house, crowd
        self._dice = random.Random(f"faults {seed}")
        self._names = [
            name for name in names or FAULTS if not FAULTS[name].impossible(house)
        ]
        self._deck: list[str] = []
        # Its threads live until the end: what a thread has started ends with it.
        self._hands = ThreadPoolExecutor(2)
        self.blows: list[Blow] = []

    def deal(
        self,
        *,
        until: float,
        at_most: int | None = None,
        pauses: tuple[float, float],
        longest: float,
    ) -> Iterator[Blow]:
        """Strike until that time or that often; each blow as it is healed."""
        while time.monotonic() < until and not self._house.over.is_set():
            if at_most is not None and len(self.blows) >= at_most:
                return
            under_way = [self._strike(fault, longest) for fault in self._next()]
            for one in under_way:
                yield one.result()
            self._house.pause(self._dice.uniform(*pauses))

    def close(self) -> None:
        self._hands.shutdown()

    def _next(self) -> list[Fault]:
        first = FAULTS[self._draw()]
        if self._dice.random() < SHARE_OF_PAIRS:
            for index in reversed(range(len(self._deck))):
                second = FAULTS[self._deck[index]]
                if _go_together(first, second):
                    del self._deck[index]
                    return [first, second]
        return [first]

    def _draw(self) -> str:
        if not self._deck:
            self._deck = list(self._names)
            self._dice.shuffle(self._deck)
        return self._deck.pop()

    def _strike(self, fault: Fault, longest: float) -> "Future[Blow]":
        low, high = fault.lasts
        # Short ones more often than long ones.
        seconds = min(longest, low + (high - low) * self._dice.random() ** 2)
        dice = random.Random(self._dice.random())
        scene = Scene(self._house, self._crowd, dice, seconds)
        return self._hands.submit(self._inflict, fault, scene)

    def _inflict(self, fault: Fault, scene: Scene) -> Blow:
        blow = Blow(fault, began=time.time())
        self.blows.append(blow)
        try:
            fault.strike(scene)
        except Exception:  # another fault stood in its way; shown at the end
            blow.error = traceback.format_exc(limit=-2)
        blow.healed = time.time()
        return blow


def _go_together(one: Fault, other: Fault) -> bool:
    return "all" not in (one.part, other.part) and one.part != other.part
