"""Answers what a task's state is: from Redis by one command, or else from the row."""

import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from school.access import Scope, can_still_see, still_visible
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
class TaskSnapshot:
    """A task's document as of now, and what is needed to say when to ask again."""

    task_id: uuid.UUID
    state: str
    queue: str
    document: bytes
    """JSON, as the client gets it but for what changes by the moment."""
    queue_positions: dict[str, Any]
    """By queue, what `backlog` made for the viewer."""
    version: int = 0
    expected_duration_ms: int | None = None
    eta_ms: int | None = None
    """As in the document's header."""

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def digest(self) -> str:
        """Equal where the document is: for comparing without sending it."""
        return hashlib.blake2b(self.document, digest_size=12).hexdigest()


def read_snapshot(
    task_id: uuid.UUID, *, viewer_id: int, token_version: int
) -> TaskSnapshot:
    """The task's document, for its requester alone.

    `stamp` is that of the viewer's token. While it, the viewer's in Redis and that of the
    document agree, no right has changed since the document's was checked: no database.
    """
    try:
        cached_task = redis_store.get_cached_task(task_id, viewer_id)
    except RedisUnavailable:
        cached_task = redis_store.MISS
    meta = cached_task.meta
    current_access = (viewer_id, token_version, token_version)
    if (
        meta is not None
        and (meta.viewer_id, meta.access_version, cached_task.access_version)
        == current_access
    ):
        return _from_cache(task_id, meta, cached_task)
    try:
        with database_breaker.guard():
            return _read_with_access_check(task_id, viewer_id, cached_task)
    except DatabaseUnavailable:
        # No right changes while it is away: a document of before may still be shown.
        if meta is None or (meta.viewer_id, meta.access_version) != (
            viewer_id,
            token_version,
        ):
            raise
        if not access_version.is_latest(
            viewer_id, token_version, current=cached_task.access_version
        ):
            raise
        return _from_cache(task_id, meta, cached_task)


def get_task_for(task_id: uuid.UUID, viewer: User) -> Task:
    """The viewer's own task if they may still see what it shows; else `TaskNotFound`.

    `TaskPurged` if there was one, as long as that is known.
    """
    task = Task.objects.filter(pk=task_id, requester=viewer).first()
    if task is None and Tombstone.objects.filter(pk=task_id, requester=viewer).exists():
        raise TaskPurged
    if task is None or not can_still_see(viewer, Scope.from_json(task.scope)):
        raise TaskNotFound
    return task


def tasks_for(viewer: User) -> QuerySet[Task]:
    """Those of the viewer's own tasks of which the same is true."""
    return Task.objects.filter(still_visible(viewer, "scope"), requester=viewer)


def from_row(task: Task, queue_positions: dict[str, Any] | None = None) -> TaskSnapshot:
    """The task's document from its row."""
    meta = projection.build_meta(task, Progress.from_task(task))
    return _from_meta(
        task.pk,
        meta,
        task_document.serialize_document(task_document.build_document(task)),
        queue_positions or {},
    )


def without_body(task: Task) -> TaskSnapshot:
    """The same without the document: enough to say when to ask again."""
    return _from_meta(
        task.pk, projection.build_meta(task, Progress.from_task(task)), b"", {}
    )


def _strip_exception(body: bytes) -> bytes:
    """Leave out what is there for Celery's sake alone."""
    fields = {
        name: value
        for name, value in json.loads(body).items()
        if not name.startswith("exc_")
    }
    if fields["error"]:
        # One that an earlier release wrote has no title yet.
        fields["error"] = task_document.build_problem(
            fields["error"], fields["language"]
        )
    return task_document.serialize_document(fields)


def _read_with_access_check(
    task_id: uuid.UUID, viewer_id: int, cached_task: redis_store.CachedTask
) -> TaskSnapshot:
    """Ask the database who may see the task, and the row for what Redis lacks."""
    viewer = User.objects.filter(pk=viewer_id, is_active=True).first()
    if viewer is None:
        raise InactiveUser
    task = get_task_for(task_id, viewer)
    if cached_task.access_version != viewer.access_version:
        access_version.cache(viewer)
    if task.access_version != viewer.access_version:
        task.access_version = viewer.access_version
        Task.objects.filter(pk=task.pk).update(access_version=viewer.access_version)
    meta = cached_task.meta
    if meta is not None and meta.version == task.version:
        if meta.access_version != viewer.access_version:
            projection.sync_document(task)
        # Redis is ahead of the row in its progress, which must not be seen to go back.
        return _from_cache(task_id, meta, cached_task)
    projection.sync_document(task)
    return from_row(task, cached_task.queue_positions)


def _from_cache(
    task_id: uuid.UUID,
    meta: redis_store.DocumentMeta,
    cached_task: redis_store.CachedTask,
) -> TaskSnapshot:
    body = cached_task.document
    if meta.state in CELERY_FAILURES:
        body = _strip_exception(body)
    return _from_meta(task_id, meta, body, cached_task.queue_positions)


def _from_meta(
    task_id: uuid.UUID,
    meta: redis_store.DocumentMeta,
    body: bytes,
    queue_positions: dict[str, Any],
) -> TaskSnapshot:
    return TaskSnapshot(
        task_id=task_id,
        state=meta.state,
        queue=meta.queue,
        document=body,
        queue_positions=queue_positions,
        version=meta.version,
        expected_duration_ms=meta.expected_duration_ms,
        eta_ms=meta.eta_ms,
    )
