"""Waiting for a task within a request: `Prefer: wait=N` (RFC 7240) or `?wait=N`."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

from api.http import disconnects
from api.http.task_responses import is_known
from tasks.status.reader import TaskSnapshot
from tasks.status.waiters import Waiter, listener, wait_for_task

MOST_SECONDS = 25
_SECONDS = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True)
class Patience:
    """For how long a client wants to wait; `preference` is what it is told to be granted."""

    seconds: int = 0
    preference: str = ""

    @classmethod
    def of(cls, request: Request) -> "Patience":
        asked = _in_query(request)
        if asked is not None:
            return cls(min(asked, MOST_SECONDS) if listener.has_capacity else 0)
        preferred = _preferred(request.headers.get("Prefer", ""))
        if preferred is None or not listener.has_capacity:
            return cls()
        seconds = min(preferred, MOST_SECONDS)
        return cls(seconds, f"wait={seconds}")

    def told(self, response: HttpResponse) -> HttpResponse:
        if self.preference:
            response["Preference-Applied"] = self.preference
        return response


def until_news(
    request: Request, task_id: uuid.UUID, read: Callable[[], TaskSnapshot], seconds: int
) -> TaskSnapshot:
    """Read, and wait until there is something that the client does not know: another state,
    or that a cancel was asked for; progress alone counts only after a while.

    What `If-None-Match` names is what the client knows; without it that is whatever is
    found first.
    """

    def is_over(first: TaskSnapshot, now: TaskSnapshot) -> bool:
        if now.is_final or is_known(request, now) is False:
            return True
        if waiter.progress_due and now.document != first.document:
            return True
        return now.version != first.version

    waiter = Waiter(is_over)
    return _wait(request, task_id, read, waiter, seconds)


def until_end(
    request: Request, task_id: uuid.UUID, read: Callable[[], TaskSnapshot], seconds: int
) -> TaskSnapshot:
    """Read, and wait for the end."""
    waiter = Waiter(lambda _first, now: now.is_final, wants_progress=False)
    return _wait(request, task_id, read, waiter, seconds)


def _wait(
    request: Request,
    task_id: uuid.UUID,
    read: Callable[[], TaskSnapshot],
    waiter: Waiter,
    seconds: int,
) -> TaskSnapshot:
    if not seconds:
        return read()
    with disconnects.noticed(request, waiter.cancel):
        return wait_for_task(task_id, read, waiter, seconds=seconds)


def _in_query(request: Request) -> int | None:
    given = request.query_params.get("wait")
    if given is not None and not _SECONDS.fullmatch(given):
        error = ErrorDetail(_("Give whole seconds."), "invalid")
        raise ValidationError({"wait": [error]})
    return None if given is None else int(given)


def _preferred(header: str) -> int | None:
    """What a preference says; one that makes no sense is ignored, as RFC 7240 has it."""
    for preference in header.split(","):
        name, _is, value = preference.partition(";")[0].partition("=")
        seconds = value.strip().strip('"')
        if name.strip().lower() == "wait" and _SECONDS.fullmatch(seconds):
            return int(seconds)
    return None
