"""Task snapshots for polls: read from Redis by one command, or else from the row."""

import json
import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from school import second_factor
from school.access import can_still_see
from school.models import User
from school.scope import Scope
from tasks import redis_store
from tasks.circuit_breaker import (
    DatabaseUnavailable,
    RedisUnavailable,
    database_breaker,
)
from tasks.errors import (
    InactiveUser,
    PasswordChangeRequired,
    SecondFactorRequired,
    TaskNotFound,
    TaskPurged,
)
from tasks.models import Task, Tombstone
from tasks.progress import Progress
from tasks.states import CELERY_FAILURES, FINAL
from tasks.status import access_version, projection
from tasks.status import document as task_document

ETAG_DIGITS = 24


@dataclass(frozen=True)
class TaskSnapshot:
    """A task's document at one point in time, with the data for `poll_after_ms`."""

    task_id: uuid.UUID
    state: str
    queue: str
    document: bytes
    """JSON as sent to the client, without the volatile fields."""
    queue_positions: dict[str, Any]
    """The viewer's `PositionSample`s by queue."""
    version: int = 0
    expected_duration_ms: int | None = None
    eta_ms: int | None = None
    """Expected end of a running task, as in `DocumentMeta`."""
    document_digest: str = ""
    """Digest of `document` if it is known already, by `digest_document`."""

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @cached_property
    def digest(self) -> str:
        """Hash of the document, for the `ETag`."""
        digest = self.document_digest or redis_store.digest_document(self.document)
        return digest[:ETAG_DIGITS]


def read_snapshot(
    task_id: uuid.UUID, *, viewer_id: int, token_version: int | None, generation: int
) -> TaskSnapshot:
    """Return the task's document if the viewer is its requester.

    `token_version` is the access version in the viewer's token. If it equals the viewer's
    version in Redis and the document's version, access has not changed since it was last
    checked, and the database is not queried. `generation` is the session generation in the
    token: whatever raises the viewer's also raises their access version, so it need only be
    compared with the row's. A `token_version` of None always queries the database.

    Raises `InactiveUser`, `PasswordChangeRequired`, `SecondFactorRequired`, `TaskNotFound`,
    `TaskPurged` or `DatabaseUnavailable`.
    """
    cached_task = _read_cached(task_id, viewer_id)
    if current := _current_snapshot(task_id, viewer_id, token_version, cached_task):
        return current
    meta = cached_task.meta
    try:
        with database_breaker.guard():
            return _read_with_access_check(task_id, viewer_id, generation, cached_task)
    except DatabaseUnavailable:
        # Access cannot change while the database is unavailable, so a document checked
        # before the outage may be returned.
        if token_version is None or meta is None:
            raise
        if (meta.viewer_id, meta.access_version) != (
            viewer_id,
            token_version,
        ):
            raise
        if not access_version.is_latest(
            viewer_id, token_version, current=cached_task.access_version
        ):
            raise
        return from_cache(task_id, meta, cached_task)


def read_current(
    task_id: uuid.UUID, *, viewer_id: int, token_version: int
) -> TaskSnapshot | None:
    """Return the document in Redis if the viewer may read it; None if only the row tells."""
    cached_task = _read_cached(task_id, viewer_id)
    return _current_snapshot(task_id, viewer_id, token_version, cached_task)


def load_viewer(viewer_id: int, generation: int) -> User:
    """Return the user of a token if they may go on.

    Raises `InactiveUser`, `PasswordChangeRequired` or `SecondFactorRequired`.
    """
    viewers = User.objects.filter(
        pk=viewer_id, is_active=True, session_generation=generation
    )
    viewer = viewers.first()
    if viewer is None:
        raise InactiveUser
    if second_factor.is_missing(viewer):
        raise SecondFactorRequired
    if viewer.must_change_password:
        raise PasswordChangeRequired
    return viewer


def get_task_for(task_id: uuid.UUID, viewer: User) -> Task:
    """Return the viewer's own task if they may still see its scope.

    Raises `TaskPurged` while its tombstone exists, otherwise `TaskNotFound`.
    """
    task = Task.objects.filter(pk=task_id, requester=viewer).first()
    if task is None and Tombstone.objects.filter(pk=task_id, requester=viewer).exists():
        raise TaskPurged
    if task is None or not can_still_see(viewer, Scope.from_json(task.scope)):
        raise TaskNotFound
    return task


def from_row(
    task: Task,
    queue_positions: dict[str, Any] | None = None,
    *,
    with_data: bool = True,
) -> TaskSnapshot:
    """Build a snapshot from the row."""
    meta = projection.build_meta(task, Progress.from_task(task))
    return _from_meta(
        task.pk,
        meta,
        task_document.serialize_document(
            task_document.build_document(task, with_data=with_data)
        ),
        queue_positions or {},
    )


def from_cache(
    task_id: uuid.UUID,
    meta: redis_store.DocumentMeta,
    cached_task: redis_store.CachedTask,
) -> TaskSnapshot:
    """Build a snapshot from the document in Redis."""
    body, digest = cached_task.document, cached_task.digest
    if meta.state in CELERY_FAILURES:
        body, digest = _strip_exception(body), ""
    return _from_meta(task_id, meta, body, cached_task.queue_positions, digest)


def without_body(task: Task) -> TaskSnapshot:
    """Build a snapshot without the document; enough to compute `poll_after_ms`."""
    return _from_meta(
        task.pk, projection.build_meta(task, Progress.from_task(task)), b"", {}
    )


def _strip_exception(body: bytes) -> bytes:
    """Remove the exception keys, which only Celery needs."""
    fields = {
        name: value
        for name, value in json.loads(body).items()
        if not name.startswith("exc_")
    }
    if fields["error"]:
        # A document written by an earlier release has no title yet.
        fields["error"] = task_document.build_problem(
            fields["error"], fields["language"]
        )
    return task_document.serialize_document(fields)


def _read_cached(task_id: uuid.UUID, viewer_id: int) -> redis_store.CachedTask:
    """Read the task from Redis; without Redis it is missing."""
    try:
        return redis_store.get_cached_task(task_id, viewer_id)
    except RedisUnavailable:
        return redis_store.MISS


def _current_snapshot(
    task_id: uuid.UUID,
    viewer_id: int,
    token_version: int | None,
    cached_task: redis_store.CachedTask,
) -> TaskSnapshot | None:
    """Return the cached snapshot if its viewer's access has not changed since the check."""
    meta = cached_task.meta
    if meta is None:
        return None
    versions = (meta.viewer_id, meta.access_version, cached_task.access_version)
    if versions != (viewer_id, token_version, token_version):
        return None
    return from_cache(task_id, meta, cached_task)


def _read_with_access_check(
    task_id: uuid.UUID,
    viewer_id: int,
    generation: int,
    cached_task: redis_store.CachedTask,
) -> TaskSnapshot:
    """Check the viewer's access in the database; read the row if Redis is out of date."""
    viewer = load_viewer(viewer_id, generation)
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
        # Progress in Redis is newer than in the row, and must not appear to go back.
        return from_cache(task_id, meta, cached_task)
    projection.sync_document(task)
    return from_row(task, cached_task.queue_positions)


def _from_meta(
    task_id: uuid.UUID,
    meta: redis_store.DocumentMeta,
    body: bytes,
    queue_positions: dict[str, Any],
    digest: str = "",
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
        document_digest=digest,
    )
