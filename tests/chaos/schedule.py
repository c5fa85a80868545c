"""Seeded schedule of faults, injected one at a time and sometimes in pairs."""

import random
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.chaos.clients import Clients
from tests.chaos.cluster import Cluster
from tests.chaos.faults import FAULTS, Fault, FaultContext

PAIR_PROBABILITY = 0.25


@dataclass
class Injection:
    """One injected fault."""

    fault: Fault
    started_at: float
    healed_at: float = 0.0
    recovers_from: float = 0.0
    """Time from which the bound counts: its healing, unless the service itself heals it."""
    error: str = ""
    recovery_seconds: list[float] = field(default_factory=list)
    """Recovery time of each task that was hit, filled in by the checks."""

    def overlaps(self, begin: float, end: float) -> bool:
        return self.started_at <= end and begin <= self.healed_at

    def __str__(self) -> str:
        return f"{self.fault.name} ({self.healed_at - self.started_at:.1f} s)"


class Schedule:
    """Draws faults from a shuffled deck, so that each fault occurs equally often."""

    def __init__(
        self, cluster: Cluster, clients: Clients, *, seed: int, names: Sequence[str]
    ) -> None:
        self._cluster, self._clients = cluster, clients
        self._rng = random.Random(f"faults {seed}")
        self._names = [
            name
            for name in names or FAULTS
            if not FAULTS[name].unavailable_reason(cluster)
        ]
        self._deck: list[str] = []
        # Keep the threads until the end: a process started by a thread dies with the thread.
        self._executor = ThreadPoolExecutor(2)
        self.injections: list[Injection] = []

    def run(
        self,
        *,
        until: float,
        max_faults: int | None = None,
        pause_range: tuple[float, float],
        max_fault_seconds: float,
    ) -> Iterator[Injection]:
        """Inject faults until the time or the number is reached; yield each once it is healed."""
        while time.monotonic() < until and not self._cluster.stop_event.is_set():
            if max_faults is not None and len(self.injections) >= max_faults:
                return
            futures = [
                self._start(fault, max_fault_seconds) for fault in self._next_faults()
            ]
            for future in futures:
                yield future.result()
            self._cluster.pause(self._rng.uniform(*pause_range))

    def close(self) -> None:
        self._executor.shutdown()

    def _next_faults(self) -> list[Fault]:
        first = FAULTS[self._draw_name()]
        if self._rng.random() < PAIR_PROBABILITY:
            for index in reversed(range(len(self._deck))):
                second = FAULTS[self._deck[index]]
                if _are_compatible(first, second):
                    del self._deck[index]
                    return [first, second]
        return [first]

    def _draw_name(self) -> str:
        if not self._deck:
            self._deck = list(self._names)
            self._rng.shuffle(self._deck)
        return self._deck.pop()

    def _start(self, fault: Fault, max_fault_seconds: float) -> "Future[Injection]":
        low, high = fault.duration_range
        # Squaring makes short durations more frequent.
        seconds = min(max_fault_seconds, low + (high - low) * self._rng.random() ** 2)
        rng = random.Random(self._rng.random())
        context = FaultContext(self._cluster, self._clients, rng, seconds)
        return self._executor.submit(self._inject, fault, context)

    def _inject(self, fault: Fault, context: FaultContext) -> Injection:
        injection = Injection(fault, started_at=time.time())
        self.injections.append(injection)
        try:
            injection.recovers_from = fault.inject(context) or 0.0
        except Exception:  # another fault interfered; printed in the summary
            injection.error = traceback.format_exc(limit=-2)
        injection.healed_at = time.time()
        injection.recovers_from = injection.recovers_from or injection.healed_at
        return injection


def _are_compatible(one: Fault, other: Fault) -> bool:
    return (
        "all" not in (one.component, other.component)
        and one.component != other.component
    )
