"""Task documents in Redis: ordered writes, and one read for all that a poll needs."""

import json
import uuid
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import client, to_json
from tasks.redis_store.epoch import epoch_guard
from tasks.redis_store.events import EVENT_STREAM_MAXLEN

# Replaces a document only by one with a higher version, or with the same version and no
# lower sequence. A value in another format, such as the bare REVOKED result written by
# `celery control revoke`, counts as missing; `ARGV[5]` says whether a missing document may
# be created. PUBLISH follows Celery's convention and wakes `AsyncResult.get()`. XADD wakes
# our long polls.
_PUT_IF_NEWER = """
local prefix = redis.call('GETRANGE', KEYS[1], 0, 80)
local version, sequence = string.match(prefix, '^{"meta":{"version":(%d+),"sequence":(%d+),')
if version then
  version, sequence = tonumber(version), tonumber(sequence)
  if version > tonumber(ARGV[1]) then return 0 end
  if version == tonumber(ARGV[1]) and sequence > tonumber(ARGV[2]) then return 0 end
elseif ARGV[5] == '0' then
  return 0
end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
redis.call('PUBLISH', KEYS[1], ARGV[3])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[7], '*', 'task_id', ARGV[6], 'sequence', ARGV[2])
return 1
"""


@dataclass(frozen=True)
class DocumentMeta:
    """Metadata of a document, needed before it may be returned to a viewer."""

    version: int
    sequence: int
    """Milliseconds since the attempt began; orders the progress within a version."""
    viewer_id: int
    access_version: int
    state: str
    queue: str
    expected_duration_ms: int | None = None
    """Expected total duration of the attempt."""
    eta_ms: int | None = None
    """Expected end of a running task: milliseconds since 1970, by the writer's clock."""


@dataclass(frozen=True)
class CachedTask:
    """All data for one poll, read by one MGET."""

    meta: DocumentMeta | None
    document: bytes
    access_version: int | None
    queue_positions: dict[str, Any]


_META_FIELDS = {field.name for field in fields(DocumentMeta)}

MISS = CachedTask(meta=None, document=b"", access_version=None, queue_positions={})


@dataclass(frozen=True)
class Envelope:
    """A task document in the JSON format of Celery's result backend."""

    meta: DocumentMeta
    celery_fields: dict[str, Any]
    document: bytes
    ttl_seconds: int

    def to_json(self) -> bytes:
        return b'{"meta":%b,%b,"result":%b}' % (
            to_json(asdict(self.meta)),
            to_json(self.celery_fields)[1:-1],
            self.document,
        )


def put_document(task_id: uuid.UUID, envelope: Envelope, *, create: bool) -> bool:
    """Write a task document unless a newer one exists; return True if written."""
    meta = envelope.meta
    with breaker.guard():
        script = client().register_script(_PUT_IF_NEWER)
        result = script(
            keys=[_document_key(task_id), "task-events"],
            args=[
                meta.version,
                meta.sequence,
                envelope.to_json(),
                envelope.ttl_seconds,
                int(create),
                str(task_id),
                EVENT_STREAM_MAXLEN,
            ],
        )
    return bool(result)


def drop_document(task_id: uuid.UUID) -> None:
    with breaker.guard():
        client().delete(_document_key(task_id))


def get_cached_task(task_id: uuid.UUID, viewer_id: int) -> CachedTask:
    viewer_keys = (
        f"access-version:{viewer_id}",
        f"queue-positions:{viewer_id}",
        "mirror-epoch",
    )
    with breaker.guard():
        values = cast(
            "list[bytes | None]", client().mget(_document_key(task_id), *viewer_keys)
        )
    envelope, access_version, positions, epoch = values
    is_current = epoch_guard.is_current(epoch)
    meta, document = _parse_envelope((is_current and envelope) or b"")
    return CachedTask(
        meta=meta,
        document=document,
        access_version=None if access_version is None else int(access_version),
        queue_positions=json.loads(positions or b"{}"),
    )


def _document_key(task_id: uuid.UUID) -> str:
    return f"celery-task-meta-{task_id}"


def _parse_envelope(envelope: bytes) -> tuple[DocumentMeta | None, bytes]:
    if not envelope.startswith(b'{"meta":'):
        return None, b""
    meta_json, _, document = envelope.partition(b',"result":')
    meta = json.loads(meta_json + b"}")["meta"]
    # A newer release may write fields that this one does not know.
    values = {name: meta[name] for name in _META_FIELDS & meta.keys()}
    return DocumentMeta(**values), document[:-1]
