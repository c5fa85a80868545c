"""Task documents in Redis: ordered writes, and one read for all that a poll needs."""

import json
import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from functools import lru_cache
from hmac import compare_digest
from typing import Any, cast

from django.conf import settings

from tasks.circuit_breaker import breaker
from tasks.redis_store.access_versions import access_version_key, parse_access_version
from tasks.redis_store.client import client, to_json
from tasks.redis_store.epoch import epoch_guard
from tasks.redis_store.events import EVENT_STREAM_MAXLEN, announce_removal
from tasks.redis_store.joint_reads import joint_reads
from tasks.redis_store.queues import parse_queue_positions, queue_positions_key
from tasks.redis_store.signing import digest_document, mac, put_over_forged

# Replaces a document only by one with a higher version, or with the same version and no
# lower sequence; otherwise returns the newer document, which the caller verifies. A value in
# another format, such as the bare REVOKED result written by `celery control revoke`, counts
# as missing; `ARGV[5]` says whether a missing document may be created. PUBLISH follows
# Celery's convention and wakes `AsyncResult.get()`. XADD wakes our long polls; a stream that
# it cannot append to is begun anew.
_PUT_IF_NEWER = """
local prefix = redis.pcall('GETRANGE', KEYS[1], 0, 80)
local version, sequence
if type(prefix) == 'string' then
  version, sequence = string.match(prefix, '^{"meta":{"version":(%d+),"sequence":(%d+),')
end
if version then
  version, sequence = tonumber(version), tonumber(sequence)
  local is_same = version == tonumber(ARGV[1])
  if version > tonumber(ARGV[1]) or (is_same and sequence > tonumber(ARGV[2])) then
    return redis.call('GET', KEYS[1])
  end
elseif ARGV[5] == '0' then
  return 0
end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
redis.call('PUBLISH', KEYS[1], ARGV[3])
local function append()
  return redis.pcall('XADD', KEYS[2], 'MAXLEN', '~', ARGV[7], '*', 'task_id', ARGV[6], 'sequence', ARGV[2], 'viewer_id', ARGV[8])
end
if type(append()) ~= 'string' then
  redis.call('DEL', KEYS[2])
  append()
end
return 1
"""

_SIGNED_PREFIX = re.compile(
    rb'(\{"meta":\{"version":\d{1,10},"sequence":\d{1,10},)"mac":"([0-9a-f]{32})",'
)
_RESULT = b',"result":'


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
    digest: str
    """Digest of the document, by `digest_document`."""
    access_version: int | None
    queue_positions: dict[str, Any]


MAX_REMEMBERED_ENVELOPE = 4096
"""Bytes of an envelope up to which its verification is kept."""
_META_FIELDS = {field.name for field in fields(DocumentMeta)}
_REQUIRED_META_FIELDS = {"valid_until_ms"} | {
    field.name for field in fields(DocumentMeta) if field.default is MISSING
}

MISS = CachedTask(
    meta=None, document=b"", digest="", access_version=None, queue_positions={}
)


@dataclass(frozen=True)
class Envelope:
    """A task document in the JSON format of Celery's result backend."""

    meta: DocumentMeta
    celery_fields: dict[str, Any]
    document: bytes
    ttl_seconds: int

    def sign(self, key: str) -> bytes:
        """Return the JSON with the code of all of it, for this Redis key.

        The end of the TTL is signed too: a document that is written back later is missing.
        """
        meta = asdict(self.meta)
        prefix = b'{"meta":{"version":%d,"sequence":%d,' % (
            meta.pop("version"),
            meta.pop("sequence"),
        )
        meta["valid_until_ms"] = round((time.time() + self.ttl_seconds) * 1000)
        rest = to_json(meta)[1:] + b"," + to_json(self.celery_fields)[1:-1]
        code = _envelope_mac(key, prefix + rest, digest_document(self.document))
        return b'%b"mac":"%b",%b%b%b}' % (prefix, code, rest, _RESULT, self.document)


def put_document(task_id: uuid.UUID, envelope: Envelope, *, create: bool) -> bool:
    """Write a task document unless a newer one exists; return True if written."""
    meta, key = envelope.meta, _document_key(task_id)
    args: list[bytes | int | str] = [
        meta.version,
        meta.sequence,
        envelope.sign(key),
        envelope.ttl_seconds,
        int(create),
        str(task_id),
        EVENT_STREAM_MAXLEN,
        meta.viewer_id,
    ]
    with breaker.guard():
        script = client().register_script(_PUT_IF_NEWER)
        return put_over_forged(
            lambda: cast("int | bytes", script(keys=[key, "task-events"], args=args)),
            key,
            lambda value: _parse_envelope(key, value)[0] is not None,
        )


def drop_document(task_id: uuid.UUID, viewer_id: int) -> None:
    with breaker.guard():
        client().delete(_document_key(task_id))
    announce_removal(task_id, viewer_id)


def get_cached_task(task_id: uuid.UUID, viewer_id: int) -> CachedTask:
    return get_cached_tasks([task_id], viewer_id)[0]


def get_cached_tasks(task_ids: Sequence[uuid.UUID], viewer_id: int) -> list[CachedTask]:
    """Return the data of polls of a viewer's tasks, by one MGET."""
    keys = [_document_key(task_id) for task_id in task_ids]
    viewer_keys = (
        access_version_key(viewer_id),
        queue_positions_key(viewer_id),
        "mirror-epoch",
    )
    values = _mget([*keys, *viewer_keys], is_short=len(keys) == 1)
    *envelopes, access_version, positions, epoch = values
    is_current = epoch_guard.is_current(epoch)
    viewer_version = parse_access_version(viewer_id, access_version)
    queue_positions = parse_queue_positions(viewer_id, positions)
    cached_tasks = []
    for key, envelope in zip(keys, envelopes, strict=True):
        meta, document, digest = _parse_envelope(key, (is_current and envelope) or b"")
        cached_tasks.append(
            CachedTask(meta, document, digest, viewer_version, queue_positions)
        )
    return cached_tasks


def _mget(keys: Sequence[str], *, is_short: bool) -> list[bytes | None]:
    if is_short:
        return joint_reads.mget(keys)
    # A long read of many tasks would hold up the polls that go with it.
    with breaker.guard():
        return cast("list[bytes | None]", client().mget(keys))


def _document_key(task_id: uuid.UUID) -> str:
    return f"celery-task-meta-{task_id}"


def _parse_envelope(
    key: str, envelope: bytes
) -> tuple[DocumentMeta | None, bytes, str]:
    """Return the metadata, the document and its digest; no metadata unless it verifies."""
    if len(envelope) > MAX_REMEMBERED_ENVELOPE:
        verified = _verify_envelope(key, envelope)
    else:
        verified = _verify_once(key, envelope, settings.REDIS_SIGNING_KEY)
    if verified is None or verified.valid_until_ms < time.time() * 1000:
        return None, b"", ""
    return verified.meta, verified.document, verified.digest


@dataclass(frozen=True)
class _VerifiedEnvelope:
    meta: DocumentMeta
    valid_until_ms: int
    document: bytes
    digest: str


@lru_cache(maxsize=1024)
def _verify_once(key: str, envelope: bytes, _secret: str) -> _VerifiedEnvelope | None:
    """Verify an envelope of usual size, which polls read again until it changes.

    The secret is an argument because what was verified by another does not count.
    """
    return _verify_envelope(key, envelope)


def _verify_envelope(key: str, envelope: bytes) -> _VerifiedEnvelope | None:
    signed = _SIGNED_PREFIX.match(envelope)
    end = envelope.find(_RESULT)
    if signed is None or end < 0 or not envelope.endswith(b"}"):
        return None
    document = envelope[end + len(_RESULT) : -1]
    digest = digest_document(document)
    header = signed[1] + envelope[signed.end() : end]
    if not compare_digest(signed[2], _envelope_mac(key, header, digest)):
        return None
    meta = json.loads(header + b"}")["meta"]
    # Another release may write fields that this one does not know, or lack one.
    if not meta.keys() >= _REQUIRED_META_FIELDS:
        return None
    values = {name: meta[name] for name in _META_FIELDS & meta.keys()}
    return _VerifiedEnvelope(
        DocumentMeta(**values), meta["valid_until_ms"], document, digest
    )


def _envelope_mac(key: str, header: bytes, digest: str) -> bytes:
    """Return the code of an envelope: of all before the document, and of its digest."""
    return mac(key, header, digest.encode())
