"""The task document as it is answered: with its place in the queue and when to ask again."""

import json
import math
import time
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

from tasks.queues import backlog
from tasks.states import FINAL, State
from tasks.telling import documents
from tasks.telling.reading import Reading

SOONEST_MS = 250
LATEST_MS = 10_000


def answer(reading: Reading, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    """Answer with the document's own bytes, to which the moment is added."""
    now = moment(reading)
    body = reading.document[:-1] + b"," + json.dumps(now).encode()[1:]
    response = HttpResponse(body, status=status, content_type="application/json")
    response["Cache-Control"] = "private, no-store"
    response["Vary"] = "Authorization, Accept-Language"
    if now["poll_after_ms"] is not None:
        response["Retry-After"] = str(math.ceil(now["poll_after_ms"] / 1000))
    return response


def accepted(reading: Reading) -> HttpResponse:
    """202: it is in hand; `Location` is where to see what becomes of it."""
    response = answer(reading, HTTPStatus.ACCEPTED)
    response["Location"] = documents.address(reading.task_id)
    return response


def moment(reading: Reading) -> dict[str, Any]:
    """What changes without the task changing: not part of the stored document."""
    is_final = reading.state in FINAL
    place = None
    if reading.state == State.QUEUED:
        place = backlog.place(reading.task_id, reading.places.get(reading.queue, []))
    return {
        "queue": place,
        "poll_after_ms": None if is_final else _poll_after_ms(reading, place),
    }


def _poll_after_ms(reading: Reading, place: dict[str, Any] | None) -> int:
    """Soon for what is new, later for what is old or far back in its queue."""
    age = max(0, round(time.time() * 1000) - backlog.asked_at(reading.task_id))
    wait = ((place or {}).get("wait_seconds") or 0) * 1000
    return int(min(LATEST_MS, max(SOONEST_MS, age // 4, wait // 4)))
