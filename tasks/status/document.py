"""The task document: what a client is told of a task, the same everywhere."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import override

from tasks import artifacts
from tasks.errors import FAILURES, ReportFailed
from tasks.models import Task
from tasks.progress import Progress
from tasks.states import State

Document = dict[str, Any]


def build_document(
    task: Task, progress: Progress | None = None, *, with_data: bool = True
) -> Document:
    """Describe the row; all but what changes by the moment: `queue` and `poll_after_ms`.

    Lists go `with_data=False`, without the report's own rows.
    """
    url = task_url(task.pk)
    return {
        "task_id": str(task.pk),
        "report": task.kind,
        "parameters": task.parameters,
        "format": task.format,
        "language": task.language,
        "state": task.state,
        "progress": (progress or Progress.from_task(task)).to_json(),
        "result": _build_result(task, f"{url}/result", with_data=with_data),
        "error": task.error and build_problem(task.error, task.language),
        "attempt": task.attempt,
        "cancel_requested_at": _format_or_none(task.cancel_requested_at),
        "created_at": _format_or_none(task.created_at),
        "started_at": _format_or_none(task.started_at),
        "finished_at": _format_or_none(task.finished_at),
        "expires_at": _format_or_none(task.expires_at),
        "links": {"self": url, "cancel": f"{url}/cancel", "result": f"{url}/result"},
    }


def serialize_document(document: Document) -> bytes:
    """The same bytes for the same document, whoever writes it: clients compare them."""
    text = json.dumps(
        document, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":")
    )
    return text.encode()


def task_url(task_id: uuid.UUID) -> str:
    """Where the task is to be asked for: a path, after the public URL if there is one."""
    return f"{settings.PUBLIC_URL}/tasks/{task_id}"


def build_problem(error: Document, language: str) -> Document:
    """What the row keeps of a failure, as a problem: with a page about it, and a title."""
    code = error["code"]
    with override(language):
        # A code of another release is shown all the same.
        title = str(FAILURES.get(code, ReportFailed).title)
    return {"type": f"/problems/{code}", "title": title, **error}


def _build_result(task: Task, url: str, *, with_data: bool) -> Document | None:
    if task.state != State.SUCCEEDED or task.result is None:
        return None
    result = {**task.result, "url": url}
    is_inline = (
        task.format == "json" and result["bytes"] <= settings.INLINE_RESULT_BYTES
    )
    if is_inline and with_data:
        # From the artifact, so that the row stays small.
        content = artifacts.read_artifact(task.artifact)
        if content is not None:
            result["data"] = json.loads(content)
    return result


def format_rfc3339(value: datetime) -> str:
    """The instant in UTC, to the millisecond."""
    text = value.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _format_or_none(value: datetime | None) -> str | None:
    return None if value is None else format_rfc3339(value)
