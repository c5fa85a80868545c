"""What was asked, what was promised, and what was seen of it: written down at once."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.http_calls import Answer
from tests.chaos.workload import Wish

FINAL = {"succeeded", "failed", "canceled", "expired"}


@dataclass
class Entry:
    """A task that was answered 202."""

    task_id: str
    user: str
    wish: Wish
    accepted_at: float
    cancel_asked: bool = False
    cancel_accepted: bool = False
    revoked: bool = False
    seen: str = "queued"
    contradictions: list[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.seen not in FINAL

    def see(self, document: dict[str, Any]) -> None:
        """Note the state a poll showed; what was final must stay as it was."""
        state = document["state"]
        if not self.is_open and state != self.seen:
            self.contradictions.append(f"a poll said {self.seen}, a later one {state}")
        self.seen = state


class Ledger:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.entries: dict[str, Entry] = {}
        self.submits: list[Answer] = []
        self.polls: list[Answer] = []
        self.keys: dict[str, set[str]] = {}
        """The ids that answered each `Idempotency-Key`."""
        self.joined = 0

    def accept(self, user: str, wish: Wish, answer: Answer, key: str) -> Entry:
        task_id = answer.document["task_id"]
        with self._lock:
            if key:
                self.keys.setdefault(key, set()).add(task_id)
            if task_id in self.entries:
                self.joined += 1
            entry = Entry(task_id, user, wish, answer.at + answer.seconds)
            return self.entries.setdefault(task_id, entry)

    def open(self, user: str | None = None) -> list[Entry]:
        """Those that no poll has seen final."""
        return [
            entry
            for entry in list(self.entries.values())
            if entry.is_open and user in (None, entry.user)
        ]

    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.submits)
