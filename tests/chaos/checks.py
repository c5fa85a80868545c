"""Invariant checks of every task after a chaos run, from outside the service."""

import hashlib
import json
import os
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos import audit_triggers, recovery
from tests.chaos.audit_triggers import History
from tests.chaos.clients import Clients
from tests.chaos.cluster import Cluster
from tests.chaos.http_calls import Response
from tests.chaos.ledger import FINAL, LedgerEntry
from tests.chaos.schedule import Injection

LEGAL_TRANSITIONS = {
    "": {"queued"},
    "queued": {"running", "canceled", "failed"},
    "running": {"queued", "succeeded", "failed", "canceled"},
    "succeeded": {"expired"},
}
MAX_ATTEMPTS = 3
INVARIANTS = (
    "lost", "finished twice", "stuck", "stale in Redis", "wrong outcome", "slow response",
    "slow recovery", "leftover files",
)  # fmt: skip
MAX_SECONDS_WITHOUT_REDIS = 1.0
"""Seconds within which a submission is answered 202 while Redis is unavailable."""
MAX_SECONDS_WITHOUT_DATABASE = 2.0
"""Seconds within which a submission is answered 503 while the database is unavailable."""
ORDERLY_STOPS = {"deploy", "shift_clock"}
"""Faults that stop workers by SIGTERM: a report that holds Python's lock cannot be handed over."""
HANG_FACTOR = 3.0
"""Multiple of these limits that a machine under faults may take before it counts as hanging."""
FREEZING_FAULTS = {"freeze_worker", "freeze_pool_child", "freeze_worker_for_good"}
WEB_STARTUP_SECONDS = 10.0
"""Seconds after a fault of the web process in which clients may wait for a connection."""


@dataclass(frozen=True)
class TaskRow:
    state: str
    version: int
    attempt: int
    error_code: str
    queue: str


@dataclass
class ChaosResult:
    """Violations of each invariant by subject, and the figures of the run."""

    injections: list[Injection]
    histories: dict[str, History]
    violations: dict[str, dict[str, str]] = field(
        default_factory=lambda: {invariant: {} for invariant in INVARIANTS}
    )
    state_counts: Counter[str] = field(default_factory=Counter)
    recoveries: list[recovery.Recovery] = field(default_factory=list)

    @property
    def is_ok(self) -> bool:
        return not any(self.violations.values())

    def add_violation(self, invariant: str, subject: str, reason: str) -> None:
        self.violations[invariant].setdefault(subject, reason)


class Checker:
    def __init__(
        self, cluster: Cluster, clients: Clients, injections: list[Injection]
    ) -> None:
        self._cluster, self._clients = cluster, clients
        self._entries = clients.ledger.entries
        self._rows = _load_rows(cluster)
        self._result = ChaosResult(injections, audit_triggers.load_histories(cluster))

    def check_all(self) -> ChaosResult:
        result = self._result
        result.state_counts.update(row.state for row in self._rows.values())
        for entry in self._entries.values():
            self._check_entry(entry)
        for task_id, history in result.histories.items():
            self._check_history(task_id, history)
        self._check_redis()
        self._check_responses()
        queues = {task_id: row.queue for task_id, row in self._rows.items()}
        histories = {
            id: history for id, history in result.histories.items() if id in queues
        }
        result.recoveries = recovery.measure_recoveries(
            result.injections, histories, self._entries, queues
        )
        for recovery_time in result.recoveries:
            recovery_time.injection.recovery_seconds.append(recovery_time.seconds)
            if recovery_time.seconds > recovery_time.limit_seconds:
                reason = f"{recovery_time.seconds:.0f} s after {recovery_time.injection.fault.name}, allowed {recovery_time.limit_seconds:.0f}"
                result.add_violation("slow recovery", recovery_time.task_id, reason)
        return result

    def check_leftover_files(self) -> None:
        """Report files that no succeeded task refers to; call it after the sweep."""
        for name in self._leftover_files():
            self._result.add_violation("leftover files", name, "no row refers to it")

    # --- Accepted tasks, as their requesters see them --------------------------------

    def _check_entry(self, entry: LedgerEntry) -> None:
        row, id = self._rows.get(entry.task_id), entry.task_id
        response = self._clients.fetch(entry)
        if row is None or response.status != 200:
            self._result.add_violation("lost", id, f"the API answers {response.status}")
            return
        document = response.document
        if document["state"] != row.state:
            message = f"the API shows {document['state']}, the row {row.state}"
            self._result.add_violation("stale in Redis", id, message)
        if row.state not in FINAL:
            self._result.add_violation("stuck", id, f"it is still {row.state}")
            return
        for contradiction in entry.contradictions:
            self._result.add_violation("finished twice", id, contradiction)
        if reason := self._explain_wrong_end(entry, row):
            self._result.add_violation("wrong outcome", id, reason)
        if row.state == "succeeded":
            content = self._clients.fetch(entry, "/result")
            digest = hashlib.sha256(content.content).hexdigest()
            if digest != document["result"]["sha256"]:
                reason = f"its file ({content.status}) has another SHA-256 digest"
                self._result.add_violation("wrong outcome", id, reason)

    def _explain_wrong_end(self, entry: LedgerEntry, row: TaskRow) -> str:
        """Explain why the final state is not allowed; empty if it is."""
        end, request = (row.state, row.error_code), entry.request
        if entry.is_cancel_accepted and row.state == "succeeded":
            return "it succeeded although its cancel was accepted"
        lost_attempts = row.attempt - 1 + (row.error_code == "worker_lost")
        explained_attempts = self._count_explained_attempts(entry)
        if lost_attempts > explained_attempts:
            return f"{lost_attempts} attempts were lost, faults explain {explained_attempts}"
        if end == (request.expected_state, request.expected_error):
            return ""
        if row.state == "canceled" and (entry.has_cancel_request or entry.is_revoked):
            return ""
        if row.error_code == "worker_lost" and row.attempt == MAX_ATTEMPTS:
            return ""
        if row.error_code == "internal" and self._was_hit_by(entry, "fill_disk"):
            return ""
        expected_end = " ".join(
            (request.expected_state, request.expected_error)
        ).strip()
        return (
            f"{request.report} ended {row.state} {row.error_code}, not {expected_end}"
        )

    def _count_explained_attempts(self, entry: LedgerEntry) -> int:
        """Count attempts lost to the report itself or to a fault that may cost attempts."""
        costly_injections = [
            injection
            for injection in self._result.injections
            if injection.fault.may_cost_attempts
            or entry.request.report == "stuck_in_c"
            and injection.fault.name in ORDERLY_STOPS
        ]
        hit_count = sum(
            any(injection.overlaps(begin, end) for injection in costly_injections)
            for begin, end in self._attempt_intervals(entry.task_id)
        )
        return hit_count + entry.request.worker_kills

    def _was_hit_by(self, entry: LedgerEntry, name: str) -> bool:
        return any(
            injection.overlaps(begin, end)
            for begin, end in self._attempt_intervals(entry.task_id)
            for injection in self._result.injections
            if injection.fault.name == name
        )

    def _attempt_intervals(self, task_id: str) -> Iterator[tuple[float, float]]:
        history = self._result.histories[task_id]
        for transition, next_transition in zip(history, history[1:], strict=False):
            if transition.is_claim:
                yield transition.recorded_at, next_transition.recorded_at

    # --- All tasks, as the audit table recorded them ---------------------------------

    def _check_history(self, task_id: str, history: History) -> None:
        final_transitions = [
            transition for transition in history if transition.is_final
        ]
        if len(final_transitions) > 1:
            self._result.add_violation(
                "finished twice", task_id, f"it ended {len(final_transitions)} times"
            )
        for transition in history:
            allowed = LEGAL_TRANSITIONS.get(transition.from_state, set())
            if transition.to_state not in allowed:
                self._result.add_violation(
                    "finished twice", task_id, f"forbidden: {transition}"
                )
        if not final_transitions:
            self._result.add_violation("stuck", task_id, "it has no final transition")

    def _check_redis(self) -> None:
        for task_id, row in self._rows.items():
            document = self._cluster.redis.get(f"celery-task-meta-{task_id}")
            if document is None or not document.startswith(b'{"meta":'):
                continue  # without a document, polls are answered from the row
            meta = json.loads(document)["meta"]
            if (meta["version"], meta["state"]) != (row.version, row.state):
                message = f"Redis has {meta['state']} of version {meta['version']}, the row {row.state} of {row.version}"
                self._result.add_violation("stale in Redis", task_id, message)

    # --- Response times --------------------------------------------------------------

    def _check_responses(self) -> None:
        ledger = self._clients.ledger
        for key, ids in ledger.task_ids_by_key.items():
            if len(ids) > 1:
                reason = f"one Idempotency-Key gave {len(ids)} tasks"
                self._result.add_violation("finished twice", f"key {key}", reason)
        for kind, responses in (
            ("submit", ledger.submit_responses),
            ("poll", ledger.poll_responses),
        ):
            for response in responses:
                limit_seconds = HANG_FACTOR * self.max_seconds(
                    response
                ) + self._lock_wait_seconds(response)
                if response.seconds > limit_seconds and not self._is_web_down(response):
                    subject = f"{kind} at {format_time(response.sent_at)}"
                    reason = f"{response.status} after {response.seconds:.1f} s"
                    faults = ", ".join(self._faults_during(response)) or "no fault"
                    self._result.add_violation(
                        "slow response", subject, f"{reason}: {faults}"
                    )

    def max_seconds(self, response: Response) -> float:
        if self._is_component_faulty(response, "database", after=5):
            return MAX_SECONDS_WITHOUT_DATABASE
        return MAX_SECONDS_WITHOUT_REDIS

    def _lock_wait_seconds(self, response: Response) -> float:
        """Return the seconds for which a frozen process may have held SQLite's write lock."""
        if self._cluster.is_postgresql:
            return 0
        begin, end = response.sent_at, response.sent_at + response.seconds
        return sum(
            min(end, injection.healed_at) - max(begin, injection.started_at)
            for injection in self._result.injections
            if injection.fault.name in FREEZING_FAULTS
            and injection.overlaps(begin, end)
        )

    def _is_web_down(self, response: Response) -> bool:
        names = {"kill_web_after_commit", "deploy"}
        return any(
            injection.fault.name in names
            and injection.started_at <= response.sent_at + response.seconds
            and response.sent_at <= injection.healed_at + WEB_STARTUP_SECONDS
            for injection in self._result.injections
        )

    def _faults_during(self, response: Response) -> list[str]:
        begin, end = response.sent_at, response.sent_at + response.seconds
        injections = self._result.injections
        return [
            injection.fault.name
            for injection in injections
            if injection.overlaps(begin, end)
        ]

    def _is_component_faulty(
        self, response: Response, component: str, after: float = 0
    ) -> bool:
        return any(
            injection.fault.component == component
            and injection.overlaps(
                response.sent_at - after, response.sent_at + response.seconds
            )
            for injection in self._result.injections
        )

    # --- Files -----------------------------------------------------------------------

    def _leftover_files(self) -> Iterator[str]:
        referenced_paths = {
            name
            for (name,) in self._cluster.query(
                "SELECT artifact FROM tasks_task WHERE state = 'succeeded'"
            )
        }
        folder = self._cluster.folder / "artifacts"
        for path in folder.glob("*/*"):
            if (
                path.is_file()
                and path.relative_to(folder).as_posix() not in referenced_paths
            ):
                yield path.relative_to(folder).as_posix()


def _load_rows(cluster: Cluster) -> dict[str, TaskRow]:
    columns = "id, state, version, attempt, error, queue"
    return {
        str(uuid.UUID(str(id))): TaskRow(
            state, version, attempt, _error_code(error), queue
        )
        for id, state, version, attempt, error, queue in cluster.query(
            f"SELECT {columns} FROM tasks_task"
        )
    }


def _error_code(error: Any) -> str:
    """Return the error code of the JSON column, which SQLite gives as text."""
    details = json.loads(error) if isinstance(error, str) else error
    return str((details or {}).get("code", ""))


def format_time(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at)) + f".{int(at % 1 * 1000):03}"


def age_files(folder: Path, seconds: float) -> None:
    """Move the modification time of all files back, so that the next sweep considers them."""
    for path in folder.rglob("*"):
        if path.is_file():
            modified_at = path.stat().st_mtime - seconds
            os.utime(path, (modified_at, modified_at))
