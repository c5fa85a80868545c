"""Whether the promises were kept, for every task, as seen from outside."""

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
from tests.chaos.clients import Crowd
from tests.chaos.cluster import House
from tests.chaos.http_calls import Answer
from tests.chaos.ledger import FINAL, Entry
from tests.chaos.schedule import Blow

MOVES = {
    "": {"queued"},
    "queued": {"running", "canceled", "failed"},
    "running": {"queued", "succeeded", "failed", "canceled"},
    "succeeded": {"expired"},
}
MAX_ATTEMPTS = 3
PROMISES = (
    "lost", "finished twice", "stuck", "stale in Redis", "wrong ends", "asked in vain",
    "bounds exceeded", "files left over",
)  # fmt: skip
REDIS_AWAY_SECONDS = 1.0
"""Within which a request is answered 202 while Redis is away."""
DATABASE_AWAY_SECONDS = 2.0
"""Within which it is answered 503 while the database is."""
HANGS = 3.0
"""How many times that a machine full of faults may take before it counts as hanging."""
FREEZES = {"worker_frozen", "pool_child_frozen"}
WEB_STARTS_SECONDS = 10.0
"""After a fault of the web process, for which clients wait to be let in."""


@dataclass(frozen=True)
class Row:
    state: str
    version: int
    attempt: int
    code: str
    queue: str


@dataclass
class Verdict:
    """What was found: each broken promise with its culprits, and the figures."""

    blows: list[Blow]
    histories: dict[str, History]
    broken: dict[str, dict[str, str]] = field(
        default_factory=lambda: {promise: {} for promise in PROMISES}
    )
    states: Counter[str] = field(default_factory=Counter)
    waits: list[recovery.Wait] = field(default_factory=list)

    @property
    def is_kept(self) -> bool:
        return not any(self.broken.values())

    def find(self, promise: str, culprit: str, why: str) -> None:
        self.broken[promise].setdefault(culprit, why)


class Judge:
    def __init__(self, house: House, crowd: Crowd, blows: list[Blow]) -> None:
        self._house, self._crowd = house, crowd
        self._entries = crowd.ledger.entries
        self._rows = _rows(house)
        self._verdict = Verdict(blows, audit_triggers.histories(house))

    def judge(self) -> Verdict:
        verdict = self._verdict
        verdict.states.update(row.state for row in self._rows.values())
        for entry in self._entries.values():
            self._hear(entry)
        for task_id, history in verdict.histories.items():
            self._follow(task_id, history)
        self._look_into_redis()
        self._look_at_answers()
        queues = {task_id: row.queue for task_id, row in self._rows.items()}
        known = {id: moves for id, moves in verdict.histories.items() if id in queues}
        verdict.waits = recovery.waits(verdict.blows, known, self._entries, queues)
        for wait in verdict.waits:
            wait.blow.waits.append(wait.seconds)
            if wait.seconds > wait.allowed:
                why = f"{wait.seconds:.0f} s after {wait.blow.fault.name}, allowed {wait.allowed:.0f}"
                verdict.find("bounds exceeded", wait.task_id, why)
        return verdict

    def look_for_files(self) -> None:
        """Once the sweep has had its time: files that no succeeded task's row points to."""
        for name in self._files_left_over():
            self._verdict.find("files left over", name, "no row points to it")

    # --- Each accepted task, as its requester sees it --------------------------------

    def _hear(self, entry: Entry) -> None:
        row, id = self._rows.get(entry.task_id), entry.task_id
        answer = self._crowd.fetch(entry)
        if row is None or answer.status != 200:
            self._verdict.find("lost", id, f"the API says {answer.status}")
            return
        document = answer.document
        if document["state"] != row.state:
            said = f"the API says {document['state']}, the row {row.state}"
            self._verdict.find("stale in Redis", id, said)
        if row.state not in FINAL:
            self._verdict.find("stuck", id, f"it is still {row.state}")
            return
        for contradiction in entry.contradictions:
            self._verdict.find("finished twice", id, contradiction)
        if why := self._wrong_end(entry, row):
            self._verdict.find("wrong ends", id, why)
        if row.state == "succeeded":
            content = self._crowd.fetch(entry, "/result")
            digest = hashlib.sha256(content.content).hexdigest()
            if digest != document["result"]["sha256"]:
                why = f"its file ({content.status}) is not what the document says"
                self._verdict.find("wrong ends", id, why)

    def _wrong_end(self, entry: Entry, row: Row) -> str:
        """Why that is no end the task may have come to; empty if it is."""
        end, wish = (row.state, row.code), entry.wish
        if entry.cancel_accepted and row.state == "succeeded":
            return "its cancel was accepted, and it succeeded"
        charged = row.attempt - 1 + (row.code == "worker_lost")
        explained = self._attempts_explained(entry)
        if charged > explained:
            return f"{charged} attempts were lost, {explained} of them to a fault"
        if end == (wish.state, wish.code):
            return ""
        if row.state == "canceled" and (entry.cancel_asked or entry.revoked):
            return ""
        if row.code == "worker_lost" and row.attempt == MAX_ATTEMPTS:
            return ""
        if row.code == "internal" and self._was_hit_by(entry, "disk_full"):
            return ""
        wanted = " ".join((wish.state, wish.code)).strip()
        return f"{wish.report} ended {row.state} {row.code}, not {wanted}"

    def _attempts_explained(self, entry: Entry) -> int:
        """How many of its attempts it killed itself, or a fault that may cost one hit."""
        costly = [blow for blow in self._verdict.blows if blow.fault.may_cost_attempts]
        hit = sum(
            any(blow.overlaps(begin, end) for blow in costly)
            for begin, end in self._attempts(entry.task_id)
        )
        return hit + entry.wish.deaths

    def _was_hit_by(self, entry: Entry, name: str) -> bool:
        return any(
            blow.overlaps(begin, end)
            for begin, end in self._attempts(entry.task_id)
            for blow in self._verdict.blows
            if blow.fault.name == name
        )

    def _attempts(self, task_id: str) -> Iterator[tuple[float, float]]:
        history = self._verdict.histories[task_id]
        for move, following in zip(history, history[1:], strict=False):
            if move.is_claim:
                yield move.at, following.at

    # --- Every task, as the witness saw it -------------------------------------------

    def _follow(self, task_id: str, history: History) -> None:
        ends = [move for move in history if move.is_end]
        if len(ends) > 1:
            self._verdict.find("finished twice", task_id, f"it ended {len(ends)} times")
        for move in history:
            if move.became not in MOVES.get(move.was, set()):
                self._verdict.find("finished twice", task_id, f"forbidden: {move}")
        if not ends:
            self._verdict.find("stuck", task_id, "it has not ended")

    def _look_into_redis(self) -> None:
        for task_id, row in self._rows.items():
            held = self._house.redis.get(f"celery-task-meta-{task_id}")
            if held is None or not held.startswith(b'{"meta":'):
                continue  # the row answers
            ours = json.loads(held)["meta"]
            if (ours["version"], ours["state"]) != (row.version, row.state):
                said = f"Redis has {ours['state']} of version {ours['version']}, the row {row.state} of {row.version}"
                self._verdict.find("stale in Redis", task_id, said)

    # --- Every answer ----------------------------------------------------------------

    def _look_at_answers(self) -> None:
        ledger = self._crowd.ledger
        for key, ids in ledger.keys.items():
            if len(ids) > 1:
                why = f"one Idempotency-Key was answered with {len(ids)} tasks"
                self._verdict.find("finished twice", f"key {key}", why)
        for what, answers in (("ask", ledger.submits), ("poll", ledger.polls)):
            for answer in answers:
                allowed = HANGS * self.limit(answer) + self._locked_out(answer)
                if answer.seconds > allowed and not self._web_is_hit(answer):
                    culprit = f"{what} at {clock(answer.at)}"
                    why = f"{answer.status} after {answer.seconds:.1f} s"
                    faults = ", ".join(self._faults_during(answer)) or "no fault"
                    self._verdict.find("asked in vain", culprit, f"{why}: {faults}")

    def limit(self, answer: Answer) -> float:
        if self._during(answer, "database", after=5):
            return DATABASE_AWAY_SECONDS
        return REDIS_AWAY_SECONDS

    def _locked_out(self, answer: Answer) -> float:
        """Seconds for which a process that was frozen while it wrote may have held SQLite's lock."""
        if self._house.is_postgresql:
            return 0
        begin, end = answer.at, answer.at + answer.seconds
        return sum(
            min(end, blow.healed) - max(begin, blow.began)
            for blow in self._verdict.blows
            if blow.fault.name in FREEZES and blow.overlaps(begin, end)
        )

    def _web_is_hit(self, answer: Answer) -> bool:
        names = {"web_killed_after_commit", "deploy"}
        return any(
            blow.fault.name in names
            and blow.began <= answer.at + answer.seconds
            and answer.at <= blow.healed + WEB_STARTS_SECONDS
            for blow in self._verdict.blows
        )

    def _faults_during(self, answer: Answer) -> list[str]:
        begin, end = answer.at, answer.at + answer.seconds
        blows = self._verdict.blows
        return [blow.fault.name for blow in blows if blow.overlaps(begin, end)]

    def _during(self, answer: Answer, part: str, after: float = 0) -> bool:
        return any(
            blow.fault.part == part
            and blow.overlaps(answer.at - after, answer.at + answer.seconds)
            for blow in self._verdict.blows
        )

    # --- Files -----------------------------------------------------------------------

    def _files_left_over(self) -> Iterator[str]:
        named = {
            name
            for (name,) in self._house.query(
                "SELECT artifact FROM tasks_task WHERE state = 'succeeded'"
            )
        }
        folder = self._house.folder / "artifacts"
        for path in folder.glob("*/*"):
            if path.is_file() and path.relative_to(folder).as_posix() not in named:
                yield path.relative_to(folder).as_posix()


def _rows(house: House) -> dict[str, Row]:
    columns = "id, state, version, attempt, error, queue"
    return {
        str(uuid.UUID(str(id))): Row(state, version, attempt, _code(error), queue)
        for id, state, version, attempt, error, queue in house.query(
            f"SELECT {columns} FROM tasks_task"
        )
    }


def _code(error: Any) -> str:
    """Of the JSON, which one database gives as text."""
    known = json.loads(error) if isinstance(error, str) else error
    return str((known or {}).get("code", ""))


def clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at)) + f".{int(at % 1 * 1000):03}"


def age_files(folder: Path, seconds: float) -> None:
    """Let all files look older, so that sweeps for what lies around need not be awaited."""
    for path in folder.rglob("*"):
        if path.is_file():
            then = path.stat().st_mtime - seconds
            os.utime(path, (then, then))
