"""Submission of a report by an HTTP request: its idempotency key, limits and response."""

import re
from collections.abc import Callable
from functools import partial
from typing import cast

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from api.http import admission
from api.http.long_polling import WaitPreference, wait_for_end
from api.http.rate_limit_headers import RateLimit, rate_limit_headers, set_rate_limits
from api.http.task_responses import accepted, completed
from api.problems.registry import Problem
from school.models import User
from tasks.errors import TooManyActive
from tasks.status import reader
from tasks.submission.service import Submission

IDEMPOTENCY_KEY_PATTERN = re.compile(r'"([!#-~ ]{1,255})"|([!#-~]{1,255})')


def read_idempotency_key(request: Request) -> str:
    """Return the idempotency key, sent as plain text or as an RFC 8941 string; empty if absent."""
    header = request.headers.get("Idempotency-Key")
    if header is None:
        return ""
    match = IDEMPOTENCY_KEY_PATTERN.fullmatch(header)
    if match is None:
        raise Problem("invalid_idempotency_key")
    return match[1] or match[2]


def submit_and_respond(
    request: Request,
    wait_preference: WaitPreference,
    submit: Callable[[], Submission],
) -> HttpResponse:
    """Submit the report and return its task, after its end if the client waits for it.

    A user who submits much at once waits or is refused.
    """
    viewer = cast(User, request.user)
    try:
        with admission.submits.admit(viewer.pk):
            submission = submit()
    except admission.TooManyAtOnce:
        raise Problem("too_many_submits", retry_after=1) from None
    except TooManyActive as error:
        limit = _active_limit(viewer, remaining=0, reset_seconds=error.retry_after)
        raise Problem(
            error.code,
            retry_after=error.retry_after,
            headers=rate_limit_headers([limit]),
            **error.members,
        ) from None
    response = _submission_response(request, submission, wait_preference)
    quota = submission.quota
    limit = _active_limit(viewer, None if quota is None else quota.remaining)
    set_rate_limits(response, [limit])
    if submission.is_replay:
        response["Idempotency-Replayed"] = "true"
    return response


def _active_limit(
    viewer: User, remaining: int | None, reset_seconds: int | None = None
) -> RateLimit:
    """Return the limit of the viewer's active tasks."""
    quota = settings.MAX_ACTIVE_PER_ROLE[viewer.role]
    return RateLimit(
        "active-reports", quota, remaining=remaining, reset_seconds=reset_seconds
    )


def _submission_response(
    request: Request, submission: Submission, wait_preference: WaitPreference
) -> HttpResponse:
    task, viewer = submission.task, cast(User, request.user)
    read_task = partial(
        reader.read_snapshot,
        task.pk,
        viewer_id=viewer.pk,
        token_version=viewer.access_version,
        generation=viewer.session_generation,
    )
    if not wait_preference.seconds:
        # A new task has only its row; Redis has the progress of an existing one.
        snapshot = read_task() if submission.is_replay else reader.from_row(task)
        return wait_preference.set_header(accepted(snapshot))
    with wait_preference.reserve(viewer.pk) as wait_preference:
        snapshot = wait_for_end(request, task.pk, read_task, wait_preference.seconds)
    return wait_preference.set_header(
        completed(snapshot) if snapshot.is_final else accepted(snapshot)
    )
