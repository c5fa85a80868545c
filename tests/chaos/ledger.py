"""Thread-safe record of all submissions, their responses and the states polled."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.http_calls import Response
from tests.chaos.workload import PlannedRequest

FINAL = {"succeeded", "failed", "canceled", "expired"}


@dataclass
class LedgerEntry:
    """An accepted task (202) and the states seen since."""

    task_id: str
    user: str
    request: PlannedRequest
    accepted_at: float
    has_cancel_request: bool = False
    is_cancel_accepted: bool = False
    is_revoked: bool = False
    last_state: str = "queued"
    contradictions: list[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.last_state not in FINAL

    def record_state(self, document: dict[str, Any]) -> None:
        """Record a polled state; a change of a final state is a contradiction."""
        state = document["state"]
        if not self.is_open and state != self.last_state:
            self.contradictions.append(
                f"a poll showed {self.last_state}, a later one {state}"
            )
        self.last_state = state


class Ledger:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.entries: dict[str, LedgerEntry] = {}
        self.submit_responses: list[Response] = []
        self.poll_responses: list[Response] = []
        self.task_ids_by_key: dict[str, set[str]] = {}
        """Task ids returned for each `Idempotency-Key`."""
        self.duplicate_count = 0

    def add(
        self,
        user: str,
        request: PlannedRequest,
        response: Response,
        idempotency_key: str,
    ) -> LedgerEntry:
        task_id = response.document["task_id"]
        with self._lock:
            if idempotency_key:
                self.task_ids_by_key.setdefault(idempotency_key, set()).add(task_id)
            if task_id in self.entries:
                self.duplicate_count += 1
            entry = LedgerEntry(
                task_id, user, request, response.sent_at + response.seconds
            )
            return self.entries.setdefault(task_id, entry)

    def open_entries(self, user: str | None = None) -> list[LedgerEntry]:
        """Return the entries not yet seen in a final state."""
        return [
            entry
            for entry in list(self.entries.values())
            if entry.is_open and user in (None, entry.user)
        ]

    def submit_statuses(self) -> Counter[int]:
        return Counter(response.status for response in self.submit_responses)
