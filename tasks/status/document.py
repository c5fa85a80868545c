"""Task document: the JSON that every endpoint returns for a task."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.functional import Promise
from django.utils.translation import get_language_info, override

from tasks import artifacts
from tasks.failures import FAILURES, ReportFailed
from tasks.models import Task
from tasks.progress import Progress
from tasks.rendering.format_registry import format_classes
from tasks.states import EXPIRY_LABELS, STATE_LABELS, State

Document = dict[str, Any]

_encoder = DjangoJSONEncoder(ensure_ascii=False, separators=(",", ":"))


def build_document(
    task: Task, progress: Progress | None = None, *, with_data: bool = True
) -> Document:
    """Build the document from the row, without the volatile `queue` and `poll_after_ms`.

    Lists pass `with_data=False`, which omits the report's rows (`result.data`) and columns.
    """
    url = task_url(task.pk)
    return {
        "task_id": str(task.pk),
        "report": task.kind,
        "title": task.title or task.kind,
        "about": task.about,
        "label": task.label or None,
        "metadata": task.metadata,
        "parameters": task.parameters,
        "format": task.format,
        "format_label": _format_label(task.format, task.language),
        "language": task.language,
        "language_label": get_language_info(task.language.lower())["name_local"],
        "state": task.state,
        "state_label": _state_label(task.state, task.language),
        "progress": (progress or Progress.from_task(task)).to_json(
            task.progress_unit, task.language
        ),
        "result": _build_result(task, f"{url}/result", with_data=with_data),
        "error": task.error and build_problem(task.error, task.language),
        "attempt": task.attempt,
        "cancel_requested_at": _format_or_none(task.cancel_requested_at),
        "created_at": _format_or_none(task.created_at),
        "updated_at": _format_or_none(task.updated_at),
        "started_at": _format_or_none(task.started_at),
        "finished_at": _format_or_none(task.finished_at),
        "expires_at": _format_or_none(task.expires_at),
        "expiry_reason": task.expiry_reason or None,
        "expiry_reason_label": _expiry_label(task.expiry_reason, task.language) or None,
        "links": {
            "self": url,
            "cancel": f"{url}/cancel",
            "rerun": f"{url}/rerun",
            "result": f"{url}/result",
        },
    }


def serialize_document(document: Document) -> bytes:
    """Serialize deterministically, because clients compare digests of the bytes."""
    return _encoder.encode(document).encode()


def task_url(task_id: uuid.UUID) -> str:
    """Return the URL of the task: a path, prefixed with `PUBLIC_URL` if that is set."""
    return f"{settings.PUBLIC_URL}/tasks/{task_id}"


def build_problem(error: Document, language: str) -> Document:
    """Build a problem document from the row's `error`: add `type` and `title`."""
    code = error["code"]
    with override(language):
        # A code of another release gets the generic title.
        title = str(FAILURES.get(code, ReportFailed).title)
    return {"type": f"/problems/{code}", "title": title, **error}


@cache
def _format_label(format: str, language: str) -> str:
    labels = {name: one.label for name, one in format_classes().items()}
    return _label(labels, format, language)


@cache
def _state_label(state: str, language: str) -> str:
    return _label(STATE_LABELS, state, language)


@cache
def _expiry_label(reason: str, language: str) -> str:
    return _label(EXPIRY_LABELS, reason, language)


def _label(labels: Mapping[str, str | Promise], code: str, language: str) -> str:
    with override(language):
        return str(labels.get(code, code))  # another release may have other codes


def _build_result(task: Task, url: str, *, with_data: bool) -> Document | None:
    if task.state != State.SUCCEEDED or task.result is None:
        return None
    result = {**task.result, "url": url}
    if not with_data:
        result.pop("columns", None)
        return result
    format = format_classes().get(task.format)  # None if another release had it
    is_inlined = (
        format is not None
        and format.is_inlined
        and result["bytes"] <= settings.INLINE_RESULT_BYTES
    )
    if is_inlined:
        # Read from the artifact, so that the row stays small.
        content = artifacts.read_artifact(task.artifact)
        if content is not None:
            result["data"] = json.loads(content)
    return result


def format_rfc3339(value: datetime) -> str:
    """Format an aware datetime by RFC 3339, in UTC with milliseconds."""
    text = value.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _format_or_none(value: datetime | None) -> str | None:
    return None if value is None else format_rfc3339(value)
