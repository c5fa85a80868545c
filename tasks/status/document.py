"""Task document: the JSON that every endpoint returns for a task."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import get_language_info, override

from tasks import artifacts
from tasks.failures import FAILURES, ReportFailed
from tasks.models import Task
from tasks.progress import Progress
from tasks.rendering.format_registry import format_classes
from tasks.states import EXPIRY_LABELS, STATE_LABELS, State

Document = dict[str, Any]


def build_document(
    task: Task, progress: Progress | None = None, *, with_data: bool = True
) -> Document:
    """Build the document from the row, without the volatile `queue` and `poll_after_ms`.

    Lists pass `with_data=False`, which omits the report's rows (`result.data`) and columns.
    """
    url, labels = task_url(task.pk), _labels(task.language)
    # Another release may have other codes.
    return {
        "task_id": str(task.pk),
        "report": task.kind,
        "title": task.title or task.kind,
        "about": task.about,
        "label": task.label or None,
        "metadata": task.metadata,
        "parameters": task.parameters,
        "format": task.format,
        "format_label": labels.formats.get(task.format, task.format),
        "language": task.language,
        "language_label": get_language_info(task.language.lower())["name_local"],
        "state": task.state,
        "state_label": labels.states.get(task.state, task.state),
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
        "expiry_reason_label": labels.expiry_reasons.get(
            task.expiry_reason, task.expiry_reason
        )
        or None,
        "links": {
            "self": url,
            "cancel": f"{url}/cancel",
            "rerun": f"{url}/rerun",
            "result": f"{url}/result",
        },
    }


def serialize_document(document: Document) -> bytes:
    """Serialize deterministically, because clients compare digests of the bytes."""
    text = json.dumps(
        document, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":")
    )
    return text.encode()


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


@dataclass(frozen=True)
class _Labels:
    """Labels of the codes of a document, in one language."""

    states: Mapping[str, str]
    formats: Mapping[str, str]
    expiry_reasons: Mapping[str, str]


@lru_cache(maxsize=16)
def _labels(language: str) -> _Labels:
    formats = {name: format.label for name, format in format_classes().items()}
    with override(language):
        return _Labels(
            states={code: str(label) for code, label in STATE_LABELS.items()},
            formats={name: str(label) for name, label in formats.items()},
            expiry_reasons={code: str(label) for code, label in EXPIRY_LABELS.items()},
        )


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
