"""Responses with the task document, its queue position and the time of the next poll."""

import json
import math
import time
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from django.utils.http import parse_etags
from rest_framework.request import Request

from tasks.scheduling import positions
from tasks.states import FINAL, State
from tasks.status import document
from tasks.status.reader import TaskSnapshot

MIN_POLL_MS = 250
MAX_POLL_MS = 10_000
VARY = "Authorization, Accept, Accept-Language, Prefer"
SLACK_MS = 300
"""Milliseconds after the expected end, by which the final state is stored."""


def task_response(
    snapshot: TaskSnapshot, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    """Return the stored document with the volatile fields."""
    volatile = volatile_fields(snapshot)
    body = complete_document(snapshot, volatile)
    response = HttpResponse(body, status=status, content_type="application/json")
    _set_headers(response, snapshot, volatile)
    return response


def complete_document(snapshot: TaskSnapshot, volatile: dict[str, Any]) -> bytes:
    """Return the stored document with the volatile fields appended to its bytes."""
    return snapshot.document[:-1] + b"," + json.dumps(volatile).encode()[1:]


def not_modified(snapshot: TaskSnapshot) -> HttpResponse:
    """Return 304, with the headers that say when to poll again."""
    response = HttpResponse(
        status=HTTPStatus.NOT_MODIFIED, content_type="application/json"
    )
    _set_headers(response, snapshot, volatile_fields(snapshot))
    return response


def accepted(snapshot: TaskSnapshot) -> HttpResponse:
    """Return 202 with the `Location` of the task."""
    return _with_location(task_response(snapshot, HTTPStatus.ACCEPTED), snapshot)


def completed(snapshot: TaskSnapshot) -> HttpResponse:
    """Return 200 for a task that finished while the client waited."""
    return _with_location(task_response(snapshot), snapshot)


def _with_location(response: HttpResponse, snapshot: TaskSnapshot) -> HttpResponse:
    response["Location"] = document.task_url(snapshot.task_id)
    return response


def client_etags(request: Request) -> set[str]:
    """Return the ETags of `If-None-Match` without `W/`: weakness is ignored (RFC 9110, 13.1.2)."""
    etags = parse_etags(request.headers.get("If-None-Match", ""))
    return {etag.removeprefix("W/") for etag in etags}


def matches_etag(request: Request, snapshot: TaskSnapshot) -> bool | None:
    """Return whether `If-None-Match` names the document; None if the header is absent."""
    if "If-None-Match" not in request.headers:
        return None
    return bool({_etag(snapshot).removeprefix("W/"), "*"} & client_etags(request))


def volatile_fields(snapshot: TaskSnapshot) -> dict[str, Any]:
    """Return the fields that change while the task does not; they are not stored."""
    is_final = snapshot.state in FINAL
    queue_position = None
    if snapshot.state == State.QUEUED:
        queue_position = positions.estimate_position(
            snapshot.task_id, snapshot.queue_positions.get(snapshot.queue, [])
        )
    return {
        "queue": queue_position,
        "poll_after_ms": None if is_final else _poll_after_ms(snapshot, queue_position),
    }


def _set_headers(
    response: HttpResponse, snapshot: TaskSnapshot, volatile: dict[str, Any]
) -> None:
    response["ETag"] = _etag(snapshot)
    # Caches must store neither the rows of a report nor a queue position, which changes
    # without the document.
    is_private = snapshot.state in (State.QUEUED, State.SUCCEEDED)
    response["Cache-Control"] = f"private, {'no-store' if is_private else 'no-cache'}"
    response["Vary"] = VARY
    if volatile["poll_after_ms"] is not None:
        response["Retry-After"] = str(math.ceil(volatile["poll_after_ms"] / 1000))


def _etag(snapshot: TaskSnapshot) -> str:
    """Return the ETag; it is weak, because it excludes the volatile fields."""
    return f'W/"{snapshot.digest}"'


def _poll_after_ms(
    snapshot: TaskSnapshot, queue_position: dict[str, Any] | None
) -> int:
    """Estimate the milliseconds until the end; if unknown, a quarter of the task's age."""
    now_ms = time.time() * 1000
    age_ms = max(0.0, now_ms - positions.created_at_ms(snapshot.task_id))
    remaining_ms = _remaining_ms(snapshot, queue_position, now_ms)
    if remaining_ms is None:
        wait_ms = age_ms / 4
    elif remaining_ms > 0:
        wait_ms = remaining_ms + SLACK_MS
    else:
        wait_ms = -remaining_ms  # overdue: assume that it takes as much again
    return round(min(MAX_POLL_MS, max(MIN_POLL_MS, wait_ms)))


def _remaining_ms(
    snapshot: TaskSnapshot, queue_position: dict[str, Any] | None, now_ms: float
) -> float | None:
    if snapshot.state != State.QUEUED:
        return None if snapshot.eta_ms is None else snapshot.eta_ms - now_ms
    if snapshot.expected_duration_ms is None:
        return None
    # Until the dispatcher has published positions, assume that it is next.
    wait_seconds = (queue_position or {"estimated_wait_seconds": 0})[
        "estimated_wait_seconds"
    ]
    return (
        None
        if wait_seconds is None
        else wait_seconds * 1000 + snapshot.expected_duration_ms
    )
