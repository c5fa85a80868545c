"""Examples of tasks and problems, built by the code that builds the real documents."""

import hashlib
import json
import uuid
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override

from api.problems.registry import problem_document
from school.models import Enrolment
from tasks.errors import FieldError
from tasks.failures import TimedOut
from tasks.models import Task
from tasks.rendering.cells import describe_column
from tasks.rendering.columns import Row
from tasks.rendering.table import Table
from tasks.reporting import registry
from tasks.reports.class_performance import ClassPerformance, Parameters
from tasks.scheduling import positions
from tasks.states import ExpiryReason, State
from tasks.status import document as task_document
from tasks.worker.file_names import file_name

TASK_ID = uuid.UUID("01a20946-63d7-7452-9ebd-6b7659a55ab6")
REQUEST_ID = "7d0f4a52-1c3e-4b6f-9a57-2f1f0c1f7b11"
CREATED_AT = datetime.fromtimestamp(positions.created_at_ms(TASK_ID) / 1000, UTC)
STARTED_AT, FINISHED_AT = (
    CREATED_AT + timedelta(seconds=1),
    CREATED_AT + timedelta(seconds=3),
)
ABOUT = "1º ano A · Escola Municipal 1 · 2026"
ROWS: list[Row] = [
    (
        "Escola Municipal 1",
        "2026",
        "1º ano A",
        "Matemática",
        term,
        25,
        *map(Decimal, figures),
        1,
        1,
    )
    for term, figures in [
        (1, ("7.12", "3.5", "9.7", "1.43", "80.0")),
        (2, ("6.98", "2.2", "10.0", "1.71", "76.0")),
    ]
]

PARAMETER_EXAMPLES: dict[str, Any] = {
    "Accept-Language": "en",
    "Idempotency-Key": "4b3c9b0e-8f0f-4f3a-9c1b-0a6d5f1e7c52",
    "If-Match": '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
    "If-None-Match": 'W/"5d41402abc4b2a76b9719d91"',
    "If-Range": '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
    "Prefer": "wait=20",
    "Range": "bytes=0-499",
    "class_id": 1,
    "created_after": "2026-11-25T12:00:00Z",
    "format": "csv",
    "cursor": "cD0wMWEyMDk0Ni02M2Q3LTc0NTItOWViZC02Yjc2NTlhNTVhYjY=",
    "grade_level": 1,
    "grade_level_id": 1,
    "inline": True,
    "page_size": 25,
    "report": "class_performance",
    "progress": True,
    "school_id": 1,
    "school_year_id": 1,
    "search": "escola",
    "state": ["succeeded", "failed"],
    "student_id": 1,
    "task_id": str(TASK_ID),
    "total": True,
    "updated_after": "2026-11-25T12:00:00Z",
    "wait": 20,
    "year": 2026,
}

_STARTED_FIELDS = {"attempt": 1, "started_at": STARTED_AT}
_FINISHED_FIELDS = {
    "finished_at": FINISHED_AT,
    "expires_at": FINISHED_AT + settings.ARTIFACT_TTL,
}
_PARTIAL_PROGRESS = {"stage": "writing", "progress_done": 12, "progress_total": 40}
_FULL_PROGRESS = {
    "stage": "finished",
    "progress_done": len(ROWS),
    "progress_total": len(ROWS),
}
_TASK_FIELDS: dict[str, dict[str, Any]] = {
    "queued": {},
    "running": {**_STARTED_FIELDS, **_PARTIAL_PROGRESS},
    "running, to be canceled": {
        **_STARTED_FIELDS,
        **_PARTIAL_PROGRESS,
        "cancel_requested_at": FINISHED_AT,
    },
    "succeeded": {**_STARTED_FIELDS, **_FINISHED_FIELDS, **_FULL_PROGRESS},
    "succeeded, as csv": {
        **_STARTED_FIELDS,
        **_FINISHED_FIELDS,
        **_FULL_PROGRESS,
        "format": "csv",
    },
    "failed": {**_STARTED_FIELDS, **_FINISHED_FIELDS, **_PARTIAL_PROGRESS},
    "canceled": {**_FINISHED_FIELDS, "cancel_requested_at": FINISHED_AT},
    "expired": {
        **_STARTED_FIELDS,
        **_FINISHED_FIELDS,
        **_FULL_PROGRESS,
        "parameters": {},
        "expiry_reason": ExpiryReason.RETENTION,
    },
}
"""Fields of the row that differ from a new row, by the name of the example."""
TASK_EXAMPLES = list(_TASK_FIELDS)


def task_example(
    name: str, *, language: str = "en", with_data: bool = True
) -> dict[str, Any]:
    """Build the document of a sample task, including its volatile fields."""
    row = _row(name, language)
    body = task_document.build_document(row, with_data=False)
    if row.result and with_data:
        body["result"]["columns"] = row.result["columns"]
        if registry.format_classes()[row.format].is_inlined:
            body["result"]["data"] = json.loads(render_file(row.format))
    is_queued = row.state == State.QUEUED
    return {
        **body,
        "queue": {"position": 3, "estimated_wait_seconds": 6} if is_queued else None,
        "poll_after_ms": None if row.is_final else 2150,
    }


def problem_example(code: str, *, language: str = "en") -> dict[str, Any]:
    """Build a problem document in the active language; `language` is that of its task."""
    path = _INSTANCE_PATHS.get(code, "/reports")
    body = problem_document(code, path, members=_extra_members(code, language))
    return {**body, "request_id": REQUEST_ID}


_INSTANCE_PATHS = {
    "token_not_valid": "/auth/token/refresh",
    "authentication_failed": "/auth/token",
    "not_found": f"/tasks/{TASK_ID}",
    "purged": f"/tasks/{TASK_ID}",
    "task_not_finished": f"/tasks/{TASK_ID}",
    "task_finished": f"/tasks/{TASK_ID}/cancel",
    **dict.fromkeys(
        ["no_result", "result_expired", "precondition_failed",
         "range_not_satisfiable", "link_not_valid", "permission_denied"],
        f"/tasks/{TASK_ID}/result",
    ),
}  # fmt: skip


def _extra_members(code: str, language: str) -> dict[str, Any]:
    """Return the members that only some problems have."""
    example_by_code = {
        "task_finished": "succeeded",
        "task_not_finished": "running",
        "no_result": "failed",
    }
    if code in example_by_code:
        return {
            "task": task_example(
                example_by_code[code], language=language, with_data=False
            )
        }
    load = {"own_queued": 3, "own_running": 1, "queue_length": 12, "limit": 4}
    if code == "too_many_active":
        return {"load": load}
    if code == "too_many_results":
        return {"storage": {"stored_bytes": 2147483700, "limit_bytes": 2147483648}}
    if code == "queue_full":
        return {"load": load | {"limit": 12}}
    if code == "invalid_request":
        field_error = FieldError(
            "/parameters/class_id", "not_found", _("There is no such class.")
        )
        return {"errors": [asdict(field_error)]}
    return {}


def _row(name: str, language: str) -> Task:
    state, *_rest = name.split(",")
    with override(language):
        title = str(ClassPerformance.title)
    row = Task(
        pk=TASK_ID,
        kind=ClassPerformance.kind(),
        title=title,
        about=ABOUT,
        state=state,
        language=language,
        created_at=CREATED_AT,
        updated_at=CREATED_AT,
        **{"format": "json", "parameters": {"class_id": 1}} | _TASK_FIELDS[name],
    )
    if state == State.FAILED:
        row.error = TimedOut().to_json(language)
    if state == State.SUCCEEDED:
        row.result = _result(row)
    return row


def _result(row: Task) -> dict[str, Any]:
    content, format = render_file(row.format), registry.format_classes()[row.format]
    with override(row.language):
        columns = [describe_column(column) for column in _table(row.format).columns]
    return {
        "rows": len(ROWS),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "media_type": format.media_type,
        "filename": file_name(row, format.extension),
        "summary": None,
        "skipped": {"total": 0, "reasons": []},
        "data_as_of": task_document.format_rfc3339(STARTED_AT),
        "columns": columns,
    }


def render_file(format: str) -> bytes:
    """Write the sample rows in the format."""
    output = BytesIO()
    registry.format_classes()[format]().write_table(_table(format), output)
    return output.getvalue()


def _table(format: str) -> Table:
    report = ClassPerformance(Parameters(), Enrolment.objects.none())
    table = Table(str(report.title), report.columns(), iter(ROWS))
    return table.for_audience(registry.format_classes()[format].audience)
