"""Responses with the task document, its queue position and the time of the next poll."""

import json
import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from django.utils.http import parse_etags

from api.http.request_parts import RequestParts
from tasks.scheduling import positions
from tasks.states import State
from tasks.status import document, estimates
from tasks.status.reader import TaskSnapshot

MIN_POLL_MS = 250
MAX_POLL_MS = 5 * 60_000
"""Longest advice by an estimate, which may be wrong."""
MAX_GUESS_MS = 10_000
"""Longest advice without an estimate."""
_NO_END = b'"ends_at":null'
CONTENT_TYPE = "application/json"
VARY = "Authorization, Accept, Accept-Language, Prefer"
SLACK_MS = 300
"""Milliseconds after the expected end, by which the final state is stored."""


@dataclass(frozen=True)
class Advice:
    """What a response says of a task beside its stored document, because it changes without."""

    queue: dict[str, Any] | None = None
    poll_after_ms: int | None = None
    ends_at: str | None = None
    """Estimated end; None if it is not known, or has passed."""

    @classmethod
    def for_task(cls, snapshot: TaskSnapshot) -> "Advice":
        if snapshot.is_final:
            return cls()
        position = estimates.queue_position(snapshot)
        remaining_ms = estimates.remaining_ms(snapshot, position)
        ends_at = None
        if remaining_ms is not None and remaining_ms > 0:
            end_time = time.time() + remaining_ms / 1000
            ends_at = document.format_rfc3339(datetime.fromtimestamp(end_time, UTC))
        return cls(position, _poll_after_ms(snapshot, remaining_ms), ends_at)

    def to_json(self) -> dict[str, Any]:
        """Return the members at the top of the document."""
        return {"queue": self.queue, "poll_after_ms": self.poll_after_ms}


def task_response(
    snapshot: TaskSnapshot, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    """Return the document with the advice of now."""
    advice = Advice.for_task(snapshot)
    body = complete_document(snapshot, advice)
    return HttpResponse(
        body,
        status=status,
        content_type=CONTENT_TYPE,
        headers=task_headers(snapshot, advice),
    )


def complete_document(snapshot: TaskSnapshot, advice: Advice) -> bytes:
    """Return the stored document with the advice put into its bytes."""
    body = snapshot.document
    if advice.ends_at is not None:
        # No text contains this: quotes in texts are escaped, and metadata has no nulls.
        body = body.replace(_NO_END, b'"ends_at":"%b"' % advice.ends_at.encode(), 1)
    return body[:-1] + b"," + json.dumps(advice.to_json()).encode()[1:]


def not_modified(snapshot: TaskSnapshot) -> HttpResponse:
    """Return 304, with the headers that say when to poll again."""
    return HttpResponse(
        status=HTTPStatus.NOT_MODIFIED,
        content_type=CONTENT_TYPE,
        headers=task_headers(snapshot, Advice.for_task(snapshot)),
    )


def accepted(snapshot: TaskSnapshot) -> HttpResponse:
    """Return 202 with the `Location` of the task."""
    return _with_location(task_response(snapshot, HTTPStatus.ACCEPTED), snapshot)


def completed(snapshot: TaskSnapshot) -> HttpResponse:
    """Return 200 for a task that finished while the client waited."""
    return _with_location(task_response(snapshot), snapshot)


def _with_location(response: HttpResponse, snapshot: TaskSnapshot) -> HttpResponse:
    response["Location"] = document.task_url(snapshot.task_id)
    return response


def client_etags(request: RequestParts) -> set[str]:
    """Return the ETags of `If-None-Match` without `W/`: weakness is ignored (RFC 9110, 13.1.2)."""
    etags = parse_etags(request.headers.get("If-None-Match", ""))
    return {etag.removeprefix("W/") for etag in etags}


def matches_etag(request: RequestParts, snapshot: TaskSnapshot) -> bool | None:
    """Return whether `If-None-Match` names the document; None if the header is absent."""
    if "If-None-Match" not in request.headers:
        return None
    return bool({_etag(snapshot).removeprefix("W/"), "*"} & client_etags(request))


def task_headers(snapshot: TaskSnapshot, advice: Advice) -> dict[str, str]:
    """Return the headers of a response with the document, or of 304."""
    # Caches must store neither the rows of a report nor a queue position, which changes
    # without the document.
    is_private = snapshot.state in (State.QUEUED, State.SUCCEEDED)
    headers = {
        "ETag": _etag(snapshot),
        "Cache-Control": f"private, {'no-store' if is_private else 'no-cache'}",
        "Vary": VARY,
    }
    if advice.poll_after_ms is not None:
        headers["Retry-After"] = str(math.ceil(advice.poll_after_ms / 1000))
    return headers


def _etag(snapshot: TaskSnapshot) -> str:
    """Return the ETag; it is weak, because it excludes the advice."""
    return f'W/"{snapshot.digest}"'


def _poll_after_ms(snapshot: TaskSnapshot, remaining_ms: float | None) -> int:
    """Return the milliseconds until the estimated end; if unknown, a quarter of the age."""
    if remaining_ms is not None and remaining_ms > 0:
        return round(min(MAX_POLL_MS, max(MIN_POLL_MS, remaining_ms + SLACK_MS)))
    age_ms = time.time() * 1000 - positions.created_at_ms(snapshot.task_id)
    # An overdue task is assumed to take as much again.
    guess_ms = max(0.0, age_ms) / 4 if remaining_ms is None else -remaining_ms
    return round(min(MAX_GUESS_MS, max(MIN_POLL_MS, guess_ms)))
