"""Examples of answers for the contract, made by what makes the real ones."""

import hashlib
import json
import uuid
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override

from api.problems.registry import problem
from api.serializers import catalogue
from school.models import Enrolment
from tasks.errors import FieldError, TimedOut
from tasks.models import Task
from tasks.rendering.columns import Row
from tasks.rendering.table import Table
from tasks.reporting import registry
from tasks.reports.class_performance import ClassPerformance, Parameters
from tasks.scheduling import positions
from tasks.states import State
from tasks.status import document as task_document

TASK_ID = uuid.UUID("01a20946-63d7-7452-9ebd-6b7659a55ab6")
REQUEST_ID = "7d0f4a52-1c3e-4b6f-9a57-2f1f0c1f7b11"
ASKED = datetime.fromtimestamp(positions.created_at_ms(TASK_ID) / 1000, UTC)
BEGUN, ENDED = ASKED + timedelta(seconds=1), ASKED + timedelta(seconds=3)
ROWS: list[Row] = [
    (
        "Escola Municipal 1",
        "2026",
        "1º ano A",
        "Matemática",
        term,
        25,
        *map(Decimal, figures),
    )
    for term, figures in [
        (1, ("7.12", "3.5", "9.7", "1.43", "80.0")),
        (2, ("6.98", "2.2", "10.0", "1.71", "76.0")),
    ]
]

PARAMETERS: dict[str, Any] = {
    "Accept-Language": "en",
    "Idempotency-Key": "4b3c9b0e-8f0f-4f3a-9c1b-0a6d5f1e7c52",
    "If-Match": '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
    "If-None-Match": 'W/"5d41402abc4b2a76b9719d91"',
    "If-Range": '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
    "Prefer": "wait=20",
    "Range": "bytes=0-499",
    "created_after": "2026-11-25T12:00:00Z",
    "cursor": "cD0wMWEyMDk0Ni02M2Q3LTc0NTItOWViZC02Yjc2NTlhNTVhYjY=",
    "page_size": 25,
    "report": "class_performance",
    "school_id": 1,
    "search": "escola",
    "state": "succeeded",
    "task_id": str(TASK_ID),
    "wait": 20,
    "year": 2026,
}

_BEGUN = {"attempt": 1, "started_at": BEGUN}
_ENDED = {"finished_at": ENDED, "expires_at": ENDED + settings.ARTIFACT_TTL}
_HALF = {"stage": "writing", "progress_done": 12, "progress_total": 40}
_WHOLE = {"stage": "finished", "progress_done": len(ROWS), "progress_total": len(ROWS)}
_STATES: dict[str, dict[str, Any]] = {
    "queued": {},
    "running": {**_BEGUN, **_HALF},
    "running, to be canceled": {**_BEGUN, **_HALF, "cancel_requested_at": ENDED},
    "succeeded": {**_BEGUN, **_ENDED, **_WHOLE},
    "succeeded, as csv": {**_BEGUN, **_ENDED, **_WHOLE, "format": "csv"},
    "failed": {**_BEGUN, **_ENDED, **_HALF},
    "canceled": {**_ENDED, "cancel_requested_at": ENDED},
    "expired": {**_BEGUN, **_ENDED, **_WHOLE, "parameters": {}},
}
"""What the row holds beside what every row does, by the name of the example."""
STATES = list(_STATES)


def task(name: str, *, language: str = "en", with_data: bool = True) -> dict[str, Any]:
    """The document of an invented task, with the moment as it may be then."""
    row = _row(name, language)
    document = task_document.build_document(row, with_data=False)
    if row.result and row.format == "json" and with_data:
        document["result"]["data"] = json.loads(_file("json"))
    is_queued = row.state == State.QUEUED
    return {
        **document,
        "queue": {"position": 3, "estimated_wait_seconds": 6} if is_queued else None,
        "poll_after_ms": None if row.is_final else 2150,
    }


def of_problem(code: str, *, language: str = "en") -> dict[str, Any]:
    """A document of that problem: in the language that is active, its task's in that one."""
    document = problem(code, _INSTANCES.get(code, "/reports"))
    return {**document, "request_id": REQUEST_ID, **_members(code, language)}


_INSTANCES = {
    "token_not_valid": "/auth/token/refresh",
    "authentication_failed": "/auth/token",
    "not_found": f"/tasks/{TASK_ID}",
    "purged": f"/tasks/{TASK_ID}",
    "not_ended": f"/tasks/{TASK_ID}",
    "too_late": f"/tasks/{TASK_ID}/cancel",
    **dict.fromkeys(
        ["no_result", "result_expired", "precondition_failed",
         "range_not_satisfiable", "link_not_valid", "permission_denied"],
        f"/tasks/{TASK_ID}/result",
    ),
}  # fmt: skip


def _members(code: str, language: str) -> dict[str, Any]:
    """What the documents of some problems have beside the members of all."""
    tasks = {"too_late": "succeeded", "not_ended": "running", "no_result": "failed"}
    if code in tasks:
        return {"task": task(tasks[code], language=language, with_data=False)}
    waiting = {"own_queued": 3, "own_running": 1, "queue_length": 12, "limit": 4}
    if code == "too_many_active":
        return {"waiting": waiting}
    if code == "queue_full":
        return {"waiting": waiting | {"limit": 12}}
    if code == "invalid_request":
        flaw = FieldError(
            "/parameters/class_id", "not_found", _("There is no such class.")
        )
        return {"errors": [asdict(flaw)]}
    return {}


def _row(name: str, language: str) -> Task:
    state, *_rest = name.split(",")
    row = Task(
        pk=TASK_ID,
        kind=ClassPerformance.kind(),
        state=state,
        language=language,
        created_at=ASKED,
        **{"format": "json", "parameters": {"class_id": 1}} | _STATES[name],
    )
    if state == State.FAILED:
        row.error = TimedOut().to_json(language)
    if state == State.SUCCEEDED:
        row.result = _result(row)
    return row


def _result(row: Task) -> dict[str, Any]:
    content, format = _file(row.format), registry.format_classes()[row.format]
    with override(row.language):
        title = str(ClassPerformance.title)
    return {
        "rows": len(ROWS),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "media_type": format.media_type,
        "filename": f"{title} {ASKED:%Y-%m-%d}.{format.extension}",
        "summary": None,
        "skipped": {"total": 0, "reasons": []},
        "data_as_of": task_document.format_rfc3339(BEGUN),
    }


def _file(format: str) -> bytes:
    report = ClassPerformance(Parameters(), Enrolment.objects.none())
    table = Table(str(report.title), report.columns(), iter(ROWS))
    written = BytesIO()
    registry.format_classes()[format]().write_table(table, written)
    return written.getvalue()


def _page() -> dict[str, Any]:
    found = [task(name, with_data=False) for name in ("running", "succeeded")]
    older = f"/tasks?cursor={PARAMETERS['cursor']}"
    return {"next": older, "previous": None, "results": found}


def _link() -> dict[str, Any]:
    return {
        "url": f"/tasks/{TASK_ID}/result?link=Wzcs...",
        "expires_at": task_document.format_rfc3339(
            ENDED + settings.RESULT_LINK_LIFETIME
        ),
    }


def _health(status: str, **checks: bool) -> dict[str, Any]:
    parts = ("database", "redis", "dispatcher", "default", "reports", "reports.bulk")
    return {"status": status, "checks": {**dict.fromkeys(parts, True), **checks}}


_SCHOOL = {"school_id": 1, "name": "Escola Municipal 1"}
_CLASS = {"class_id": 1, "name": "1º ano A", "year": 2026}
_OF_SCHOOL = {**_CLASS, "school": _SCHOOL["name"]}
_STUDENT = {"student_id": 7, "name": "Ana Ávila", "registration": "2026000007"}


def _listed(*records: dict[str, Any]) -> dict[str, Any]:
    return {"next": None, "previous": None, "results": list(records)}


def _entry() -> dict[str, Any]:
    return {**catalogue.described(ClassPerformance), "typical_seconds": 0.4}


def _me() -> dict[str, Any]:
    scope = {"everything": False, "networks": [], "schools": [], "students": []}
    return {
        "username": "teacher",
        "name": "Ana Ávila",
        "roles": ["teacher"],
        "scope": {**scope, "classes": [_OF_SCHOOL]},
    }


_TOKENS = {"access": "eyJhbGciOi...", "refresh": "eyJhbGciOi..."}
ANSWERS: dict[tuple[str, str], Callable[[], Any]] = {
    ("log_in", "200"): lambda: _TOKENS,
    ("refresh_token", "200"): lambda: _TOKENS,
    ("list_tasks", "200"): _page,
    ("get_result", "200"): lambda: json.loads(_file("json")),
    ("create_result_link", "200"): _link,
    ("get_me", "200"): _me,
    ("list_reports", "200"): lambda: {"results": [_entry()]},
    ("get_report", "200"): _entry,
    ("list_schools", "200"): lambda: _listed(_SCHOOL),
    ("list_classes", "200"): lambda: _listed({**_OF_SCHOOL, "school_id": 1}),
    ("search_students", "200"): lambda: {
        "results": [{**_STUDENT, "classes": [_CLASS]}],
        "next": None,
    },
    ("healthz", "200"): lambda: {"status": "ok"},
    ("readyz", "200"): lambda: _health("ok"),
    ("readyz", "503"): lambda: _health("unavailable", dispatcher=False),
}
"""By operation and status, what is answered."""
