"""Long polling of a task with `Prefer: wait=N` (RFC 7240) or `?wait=N`."""

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import cast

from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework.exceptions import ErrorDetail, ValidationError

from api.http import admission, disconnects
from api.http.query_params import parse_flag
from api.http.request_parts import RequestParts
from api.http.task_responses import matches_etag
from tasks.status.reader import TaskSnapshot
from tasks.status.waiters import Waiter, listener, wait_for_task

MAX_WAIT_SECONDS = 25
WAITER = "school.waiter"
"""Variable of a WSGI environment: the waiter of this request, which another path may go on with."""
_SECONDS = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True)
class WaitPreference:
    """Granted wait of a request, and the value of its `Preference-Applied` header."""

    seconds: int = 0
    preference_applied: str = ""

    @classmethod
    def from_request(cls, request: RequestParts) -> "WaitPreference":
        query_seconds = _query_seconds(request)
        if query_seconds is not None:
            return cls(
                min(query_seconds, MAX_WAIT_SECONDS) if listener.has_capacity else 0
            )
        header_seconds = _preference_seconds(request.headers.get("Prefer", ""))
        if header_seconds is None or not listener.has_capacity:
            return cls()
        seconds = min(header_seconds, MAX_WAIT_SECONDS)
        return cls(seconds, f"wait={seconds}")

    @contextmanager
    def reserve(
        self, user_id: int, limiter: admission.UserLimiter | None = None
    ) -> Iterator["WaitPreference"]:
        """Grant the wait during the block, or none to a user with too many waits."""
        if not self.seconds:
            yield self
            return
        with ExitStack() as exit_stack:
            try:
                exit_stack.enter_context((limiter or admission.waits).admit(user_id))
                granted = self
            except admission.TooManyAtOnce:
                granted = WaitPreference()
            yield granted

    def set_header(self, response: HttpResponse) -> HttpResponse:
        if self.preference_applied:
            response["Preference-Applied"] = self.preference_applied
        return response


def wait_for_change(
    request: RequestParts,
    task_id: uuid.UUID,
    read_task: Callable[[], TaskSnapshot],
    seconds: int,
) -> TaskSnapshot:
    """Read the task, and wait until it has a change that the client does not know.

    A change is another state or a cancel request; progress alone counts only after a while.
    The client knows the document that `If-None-Match` names, or without it the first one
    that is read.
    """
    watches_progress = parse_flag(request, "progress")
    if not seconds:
        return read_task()

    def is_done(initial: TaskSnapshot, current: TaskSnapshot) -> bool:
        # Later progress changes the ETag, too, but alone does not end the wait at once.
        if current.is_final or matches_etag(request, initial) is False:
            return True
        if waiter.progress_due and current.document != initial.document:
            return True
        return current.version != initial.version

    waiter: Waiter[TaskSnapshot] = Waiter(
        is_done,
        viewer_id=cast(int, request.user.pk),
        watches_progress=watches_progress,
    )
    waiter.go_on_from(request.META.get(WAITER))
    request.META[WAITER] = waiter
    with disconnects.on_disconnect(request, waiter.cancel):
        return wait_for_task(task_id, read_task, waiter, seconds=seconds)


def wait_for_end(
    request: RequestParts,
    task_id: uuid.UUID,
    read_task: Callable[[], TaskSnapshot],
    seconds: int,
) -> TaskSnapshot:
    """Read the task, and wait until it is final."""
    if not seconds:
        return read_task()
    waiter: Waiter[TaskSnapshot] = Waiter(
        lambda _initial, current: current.is_final,
        viewer_id=cast(int, request.user.pk),
        wants_progress=False,
    )
    with disconnects.on_disconnect(request, waiter.cancel):
        return wait_for_task(task_id, read_task, waiter, seconds=seconds)


def _query_seconds(request: RequestParts) -> int | None:
    value = request.query_params.get("wait")
    if value is not None and not _SECONDS.fullmatch(value):
        error = ErrorDetail(_("Give whole seconds."), "invalid")
        raise ValidationError({"wait": [error]})
    return None if value is None else int(value)


def _preference_seconds(header: str) -> int | None:
    """Return the seconds of `wait`; invalid preferences are ignored, as RFC 7240 requires."""
    for preference in header.split(","):
        name, _separator, value = preference.partition(";")[0].partition("=")
        seconds = value.strip().strip('"')
        if name.strip().lower() == "wait" and _SECONDS.fullmatch(seconds):
            return int(seconds)
    return None
