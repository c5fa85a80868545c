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

SOONEST_MS = 250
LATEST_MS = 10_000
SLACK_MS = 300
"""What is made as expected has been settled by then, too."""


def answer(reading: TaskSnapshot, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    """Answer with the document's own bytes, to which the moment is added."""
    now = moment(reading)
    body = reading.document[:-1] + b"," + json.dumps(now).encode()[1:]
    response = HttpResponse(body, status=status, content_type="application/json")
    _tell(response, reading, now)
    return response


def unchanged(reading: TaskSnapshot) -> HttpResponse:
    """304: it is as the client knows it. The headers still say when to ask again."""
    response = HttpResponse(
        status=HTTPStatus.NOT_MODIFIED, content_type="application/json"
    )
    _tell(response, reading, moment(reading))
    return response


def accepted(reading: TaskSnapshot) -> HttpResponse:
    """202: it is in hand; `Location` is where to see what becomes of it."""
    return _located(answer(reading, HTTPStatus.ACCEPTED), reading)


def ended(reading: TaskSnapshot) -> HttpResponse:
    """200: it was in hand, and has ended while the client waited."""
    return _located(answer(reading), reading)


def _located(response: HttpResponse, reading: TaskSnapshot) -> HttpResponse:
    response["Location"] = document.task_url(reading.task_id)
    return response


def is_known(request: Request, reading: TaskSnapshot) -> bool | None:
    """Whether the client has the document already; None if it does not say what it has."""
    given = request.headers.get("If-None-Match")
    if given is None:
        return None
    # Strong or weak is the same here (RFC 9110, 13.1.2).
    known = {etag.removeprefix("W/") for etag in parse_etags(given)}
    return bool({_etag(reading).removeprefix("W/"), "*"} & known)


def moment(reading: TaskSnapshot) -> dict[str, Any]:
    """What changes without the task changing: not part of the stored document."""
    is_final = reading.state in FINAL
    place = None
    if reading.state == State.QUEUED:
        place = positions.estimate_position(
            reading.task_id, reading.queue_positions.get(reading.queue, [])
        )
    return {
        "queue": place,
        "poll_after_ms": None if is_final else _poll_after_ms(reading, place),
    }


def _tell(response: HttpResponse, reading: TaskSnapshot, now: dict[str, Any]) -> None:
    response["ETag"] = _etag(reading)
    # The rows of a report stay in nobody's cache; nor does a place in the queue, which
    # changes without the document.
    is_private = reading.state in (State.QUEUED, State.SUCCEEDED)
    response["Cache-Control"] = f"private, {'no-store' if is_private else 'no-cache'}"
    response["Vary"] = "Authorization, Accept, Accept-Language, Prefer"
    if now["poll_after_ms"] is not None:
        response["Retry-After"] = str(math.ceil(now["poll_after_ms"] / 1000))


def _etag(reading: TaskSnapshot) -> str:
    """Weak: the moment is left out of it."""
    return f'W/"{reading.digest}"'


def _poll_after_ms(reading: TaskSnapshot, place: dict[str, Any] | None) -> int:
    """When it is likely to have ended; where that is not known, later for what is older."""
    now = time.time() * 1000
    age = max(0.0, now - positions.created_at_ms(reading.task_id))
    left = _left_ms(reading, place, now)
    if left is None:
        wait = age / 4
    elif left > 0:
        wait = left + SLACK_MS
    else:
        wait = -left  # it runs over: perhaps by as much again
    return round(min(LATEST_MS, max(SOONEST_MS, wait)))


def _left_ms(
    reading: TaskSnapshot, place: dict[str, Any] | None, now: float
) -> float | None:
    if reading.state != State.QUEUED:
        return None if reading.eta_ms is None else reading.eta_ms - now
    if reading.expected_duration_ms is None:
        return None
    # Before the dispatcher has looked it may be the next one to be made.
    waits = (place or {"estimated_wait_seconds": 0})["estimated_wait_seconds"]
    return None if waits is None else waits * 1000 + reading.expected_duration_ms
