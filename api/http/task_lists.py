"""Responses with a page of tasks: their `ETag`, and long polling for any change of them."""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, cast

from django.http import HttpResponse
from rest_framework.request import Request

from api.http import disconnects
from api.http.query_params import parse_flag
from api.http.task_responses import (
    VARY,
    Advice,
    client_etags,
    complete_document,
)
from tasks.status.reader import TaskSnapshot
from tasks.status.waiters import Waiter, wait_for_list

DIGEST_BYTES = 12


@dataclass(frozen=True)
class TaskPage:
    """Page of a viewer's tasks at one point in time."""

    snapshots: list[TaskSnapshot]
    members: dict[str, Any]
    """Members of the response beside `results`."""

    @cached_property
    def state_digest(self) -> str:
        """Digest of what transitions change: the tasks of the page and their versions."""
        versions = [[str(s.task_id), s.version] for s in self.snapshots]
        return _digest([self.members, versions])

    @cached_property
    def etag(self) -> str:
        """ETag in quotes, of the state and of the progress.

        The two are apart, so that a wait can tell progress from a transition.
        """
        digests = [snapshot.digest for snapshot in self.snapshots]
        return f'"{self.state_digest}.{_digest(digests)}"'

    def is_known_state(self, etags: set[str]) -> bool:
        """Return whether one of the client's ETags is of this state, with any progress."""
        return any(etag.startswith(f'"{self.state_digest}.') for etag in etags)


def wait_for_list_change(
    request: Request,
    read_first: Callable[[], TaskPage],
    read_again: Callable[[], TaskPage],
    seconds: int,
) -> TaskPage:
    """Read the page, and wait until a task on it has a change that the client does not know.

    As for a single task, a change is a transition, progress alone counts only after a while,
    and the client knows what `If-None-Match` names, or else the first page that is read.
    """
    if not seconds:
        return read_first()
    etags = client_etags(request)

    def is_done(first: TaskPage, current: TaskPage) -> bool:
        known_etags = {first.etag} if etags <= {"*"} else etags
        if not current.is_known_state(known_etags):
            return True
        return waiter.progress_due and current.etag not in known_etags

    waiter: Waiter[TaskPage] = Waiter(
        is_done,
        viewer_id=cast(int, request.user.pk),
        watches_progress=parse_flag(request, "progress"),
    )
    with disconnects.on_disconnect(request, waiter.cancel):
        return wait_for_list(read_first, read_again, waiter, seconds=seconds)


def list_response(request: Request, page: TaskPage) -> HttpResponse:
    """Return the page, or 304 if the client knows it."""
    advice_by_task = [Advice.for_task(snapshot) for snapshot in page.snapshots]
    if {page.etag, "*"} & client_etags(request):
        response = HttpResponse(
            status=HTTPStatus.NOT_MODIFIED, content_type="application/json"
        )
    else:
        results = map(complete_document, page.snapshots, advice_by_task)
        head = json.dumps(page.members).encode()[:-1]
        body = b'%b,"results":[%b]}' % (head, b",".join(results))
        response = HttpResponse(body, content_type="application/json")
    response["ETag"] = f"W/{page.etag}"
    # Queue positions change without the page.
    response["Cache-Control"] = "private, no-store"
    response["Vary"] = VARY
    polls_ms = [a.poll_after_ms for a in advice_by_task if a.poll_after_ms]
    if polls_ms:
        response["Retry-After"] = str(math.ceil(min(polls_ms) / 1000))
    return response


def _digest(value: Any) -> str:
    content = json.dumps(value, separators=(",", ":")).encode()
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).hexdigest()
