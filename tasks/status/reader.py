"""Answers what a task's state is: from Redis by one command, or else from the row."""

import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from school.access import Scope, still_seen, still_sees
from school.models import User
from tasks import redis_store
from tasks.circuit_breaker import (
    DatabaseUnavailable,
    RedisUnavailable,
    database_breaker,
)
from tasks.errors import InactiveUser, TaskNotFound, TaskPurged
from tasks.models import Task, Tombstone
from tasks.progress import Progress
from tasks.states import CELERY_FAILURES, FINAL
from tasks.status import access_version, projection
from tasks.status import document as task_document


@dataclass(frozen=True)
class Reading:
    """A task's document as of now, and what is needed to say when to ask again."""

    task_id: uuid.UUID
    state: str
    queue: str
    document: bytes
    """JSON, as the client gets it but for what changes by the moment."""
    places: dict[str, Any]
    """By queue, what `backlog` made for the viewer."""
    version: int = 0
    takes_ms: int | None = None
    ends_at_ms: int | None = None
    """As in the document's header."""

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def mark(self) -> str:
        """Equal where the document is: for comparing without sending it."""
        return hashlib.blake2b(self.document, digest_size=12).hexdigest()


def read(task_id: uuid.UUID, *, viewer_id: int, stamp: int) -> Reading:
    """The task's document, for its requester alone.

    `stamp` is that of the viewer's token. While it, the viewer's in Redis and that of the
    document agree, no right has changed since the document's was checked: no database.
    """
    try:
        poll = redis_store.poll(task_id, viewer_id)
    except RedisUnavailable:
        poll = redis_store.NOTHING
    header = poll.header
    trusted = (viewer_id, stamp, stamp)
    if header is not None and (header.viewer, header.stamp, poll.stamp) == trusted:
        return _as_held(task_id, header, poll)
    try:
        with database_breaker.guard():
            return _after_checking(task_id, viewer_id, poll)
    except DatabaseUnavailable:
        # No right changes while it is away: a document of before may still be shown.
        if header is None or (header.viewer, header.stamp) != (viewer_id, stamp):
            raise
        if not access_version.may_be_current(viewer_id, stamp, held=poll.stamp):
            raise
        return _as_held(task_id, header, poll)


def own_task(task_id: uuid.UUID, viewer: User) -> Task:
    """The viewer's own task if they may still see what it shows; else `TaskNotFound`.

    `TaskPurged` if there was one, as long as that is known.
    """
    task = Task.objects.filter(pk=task_id, requester=viewer).first()
    if task is None and Tombstone.objects.filter(pk=task_id, requester=viewer).exists():
        raise TaskPurged
    if task is None or not still_sees(viewer, Scope.from_json(task.scope)):
        raise TaskNotFound
    return task


def own_tasks(viewer: User) -> QuerySet[Task]:
    """Those of the viewer's own tasks of which the same is true."""
    return Task.objects.filter(still_seen(viewer, "scope"), requester=viewer)


def describe(task: Task, places: dict[str, Any] | None = None) -> Reading:
    """The task's document from its row."""
    header = projection.header(task, Progress.from_task(task))
    return _with_header(
        task.pk, header, task_document.to_json(task_document.build(task)), places or {}
    )


def outline(task: Task) -> Reading:
    """The same without the document: enough to say when to ask again."""
    return _with_header(
        task.pk, projection.header(task, Progress.from_task(task)), b"", {}
    )


def _without_exception(document: bytes) -> bytes:
    """Leave out what is there for Celery's sake alone."""
    fields = {
        name: value
        for name, value in json.loads(document).items()
        if not name.startswith("exc_")
    }
    if fields["error"]:
        # One that an earlier release wrote has no title yet.
        fields["error"] = task_document.failure(fields["error"], fields["language"])
    return task_document.to_json(fields)


def _after_checking(
    task_id: uuid.UUID, viewer_id: int, poll: redis_store.Poll
) -> Reading:
    """Ask the database who may see the task, and the row for what Redis lacks."""
    viewer = User.objects.filter(pk=viewer_id, is_active=True).first()
    if viewer is None:
        raise InactiveUser
    task = own_task(task_id, viewer)
    if poll.stamp != viewer.stamp:
        access_version.remember(viewer)
    if task.access_version != viewer.stamp:
        task.access_version = viewer.stamp
        Task.objects.filter(pk=task.pk).update(access_version=viewer.stamp)
    header = poll.header
    if header is not None and header.version == task.version:
        if header.stamp != viewer.stamp:
            projection.write(task)
        # Redis is ahead of the row in its progress, which must not be seen to go back.
        return _as_held(task_id, header, poll)
    projection.write(task)
    return describe(task, poll.places)


def _as_held(
    task_id: uuid.UUID, header: redis_store.Header, poll: redis_store.Poll
) -> Reading:
    document = poll.document
    if header.state in CELERY_FAILURES:
        document = _without_exception(document)
    return _with_header(task_id, header, document, poll.places)


def _with_header(
    task_id: uuid.UUID,
    header: redis_store.Header,
    document: bytes,
    places: dict[str, Any],
) -> Reading:
    return Reading(
        task_id=task_id,
        state=header.state,
        queue=header.queue,
        document=document,
        places=places,
        version=header.version,
        takes_ms=header.takes_ms,
        ends_at_ms=header.ends_at_ms,
    )
