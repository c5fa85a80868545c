"""The tasks' documents: put in order, and read with all that one poll needs."""

import json
import uuid
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import client, to_json
from tasks.redis_store.epoch import highest_tide
from tasks.redis_store.events import CHANGES_KEPT

# Replaces a document only by a newer one: of a higher version, or of the same version and
# not an earlier moment of it. Anything that is not ours, such as the bare REVOKED that
# `celery control revoke` leaves, counts as missing: there `ARGV[5]` says whether it may be
# put at all. The publication is Celery's own convention: it wakes whoever waits in
# `AsyncResult.get()`. The stream is ours: it wakes the requests that wait.
_PUT = """
local held = redis.call('GETRANGE', KEYS[1], 0, 80)
local version, moment = string.match(held, '^{"ours":{"version":(%d+),"moment":(%d+),')
if version then
  version, moment = tonumber(version), tonumber(moment)
  if version > tonumber(ARGV[1]) then return 0 end
  if version == tonumber(ARGV[1]) and moment > tonumber(ARGV[2]) then return 0 end
elseif ARGV[5] == '0' then
  return 0
end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
redis.call('PUBLISH', KEYS[1], ARGV[3])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[7], '*', 'task', ARGV[6], 'moment', ARGV[2])
return 1
"""


@dataclass(frozen=True)
class Header:
    """What must be known of a document before it may be shown."""

    version: int
    moment: int
    """Orders the progress within a version: milliseconds since the attempt began."""
    viewer: int
    stamp: int
    state: str
    queue: str
    takes_ms: int | None = None
    """How long the making is expected to take, in all."""
    ends_at_ms: int | None = None
    """When what runs is expected to end: milliseconds since 1970, by the writer's clock."""


@dataclass(frozen=True)
class Poll:
    """All that one poll needs, read by one command."""

    header: Header | None
    document: bytes
    stamp: int | None
    places: dict[str, Any]


_HEADER_FIELDS = {field.name for field in fields(Header)}

NOTHING = Poll(header=None, document=b"", stamp=None, places={})


@dataclass(frozen=True)
class Envelope:
    """A task's document with all that Celery's backend keeps beside a result."""

    header: Header
    celery: dict[str, Any]
    document: bytes
    ttl_seconds: int

    def to_json(self) -> bytes:
        return b'{"ours":%b,%b,"result":%b}' % (
            to_json(asdict(self.header)),
            to_json(self.celery)[1:-1],
            self.document,
        )


def put_document(
    task_id: uuid.UUID, envelope: Envelope, *, may_be_missing: bool
) -> bool:
    """Write a task's document unless a newer one is there; whether it was written."""
    header = envelope.header
    with breaker.guard():
        put = client().register_script(_PUT)
        written = put(
            keys=[_document_key(task_id), "changes"],
            args=[
                header.version,
                header.moment,
                envelope.to_json(),
                envelope.ttl_seconds,
                int(may_be_missing),
                str(task_id),
                CHANGES_KEPT,
            ],
        )
    return bool(written)


def drop_document(task_id: uuid.UUID) -> None:
    with breaker.guard():
        client().delete(_document_key(task_id))


def poll(task_id: uuid.UUID, viewer_id: int) -> Poll:
    own = (f"stamp:{viewer_id}", f"places:{viewer_id}", "tide")
    with breaker.guard():
        found = cast("list[bytes | None]", client().mget(_document_key(task_id), *own))
    envelope, stamp, places, tide = found
    is_whole = highest_tide.is_reached(tide)
    header, document = _open_envelope((is_whole and envelope) or b"")
    return Poll(
        header=header,
        document=document,
        stamp=None if stamp is None else int(stamp),
        places=json.loads(places or b"{}"),
    )


def _document_key(task_id: uuid.UUID) -> str:
    return f"celery-task-meta-{task_id}"


def _open_envelope(envelope: bytes) -> tuple[Header | None, bytes]:
    if not envelope.startswith(b'{"ours":'):
        return None, b""
    head, _, document = envelope.partition(b',"result":')
    ours = json.loads(head + b"}")["ours"]
    # A newer release may say more than this one knows.
    known = {name: ours[name] for name in _HEADER_FIELDS & ours.keys()}
    return Header(**known), document[:-1]
