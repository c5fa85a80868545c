"""The task document as it is answered: with its place in the queue and when to ask again."""

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
SLACK_MS = 300
"""What is made as expected has been settled by then, too."""


def task_response(
    snapshot: TaskSnapshot, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    """Answer with the document's own bytes, to which the moment is added."""
    volatile = volatile_fields(snapshot)
    body = snapshot.document[:-1] + b"," + json.dumps(volatile).encode()[1:]
    response = HttpResponse(body, status=status, content_type="application/json")
    _set_headers(response, snapshot, volatile)
    return response


def not_modified(snapshot: TaskSnapshot) -> HttpResponse:
    """304: it is as the client knows it. The headers still say when to ask again."""
    response = HttpResponse(
        status=HTTPStatus.NOT_MODIFIED, content_type="application/json"
    )
    _set_headers(response, snapshot, volatile_fields(snapshot))
    return response


def accepted(snapshot: TaskSnapshot) -> HttpResponse:
    """202: it is in hand; `Location` is where to see what becomes of it."""
    return _with_location(task_response(snapshot, HTTPStatus.ACCEPTED), snapshot)


def completed(snapshot: TaskSnapshot) -> HttpResponse:
    """200: it was in hand, and has ended while the client waited."""
    return _with_location(task_response(snapshot), snapshot)


def _with_location(response: HttpResponse, snapshot: TaskSnapshot) -> HttpResponse:
    response["Location"] = document.task_url(snapshot.task_id)
    return response


def matches_etag(request: Request, snapshot: TaskSnapshot) -> bool | None:
    """Whether the client has the document already; None if it does not say what it has."""
    if_none_match = request.headers.get("If-None-Match")
    if if_none_match is None:
        return None
    # Strong or weak is the same here (RFC 9110, 13.1.2).
    client_etags = {etag.removeprefix("W/") for etag in parse_etags(if_none_match)}
    return bool({_etag(snapshot).removeprefix("W/"), "*"} & client_etags)


def volatile_fields(snapshot: TaskSnapshot) -> dict[str, Any]:
    """What changes without the task changing: not part of the stored document."""
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
    # The rows of a report stay in nobody's cache; nor does a place in the queue, which
    # changes without the document.
    is_private = snapshot.state in (State.QUEUED, State.SUCCEEDED)
    response["Cache-Control"] = f"private, {'no-store' if is_private else 'no-cache'}"
    response["Vary"] = "Authorization, Accept, Accept-Language, Prefer"
    if volatile["poll_after_ms"] is not None:
        response["Retry-After"] = str(math.ceil(volatile["poll_after_ms"] / 1000))


def _etag(snapshot: TaskSnapshot) -> str:
    """Weak: the moment is left out of it."""
    return f'W/"{snapshot.digest}"'


def _poll_after_ms(
    snapshot: TaskSnapshot, queue_position: dict[str, Any] | None
) -> int:
    """When it is likely to have ended; where that is not known, later for what is older."""
    now_ms = time.time() * 1000
    age_ms = max(0.0, now_ms - positions.created_at_ms(snapshot.task_id))
    remaining_ms = _remaining_ms(snapshot, queue_position, now_ms)
    if remaining_ms is None:
        wait_ms = age_ms / 4
    elif remaining_ms > 0:
        wait_ms = remaining_ms + SLACK_MS
    else:
        wait_ms = -remaining_ms  # it runs over: perhaps by as much again
    return round(min(MAX_POLL_MS, max(MIN_POLL_MS, wait_ms)))


def _remaining_ms(
    snapshot: TaskSnapshot, queue_position: dict[str, Any] | None, now_ms: float
) -> float | None:
    if snapshot.state != State.QUEUED:
        return None if snapshot.eta_ms is None else snapshot.eta_ms - now_ms
    if snapshot.expected_duration_ms is None:
        return None
    # Before the dispatcher has looked it may be the next one to be made.
    wait_seconds = (queue_position or {"estimated_wait_seconds": 0})[
        "estimated_wait_seconds"
    ]
    return (
        None
        if wait_seconds is None
        else wait_seconds * 1000 + snapshot.expected_duration_ms
    )
