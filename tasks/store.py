"""Redis: every key of ours, and the only client that reads and writes them.

The keys, beside those of Celery's queues:
`celery-task-meta-<task id>`  the task's document, in the envelope of Celery's backend
`stamp:<user id>`             the user's stamp, for a minute
`backlog`                     how much waits and runs in each queue
`places:<user id>`            where in the queues the user's tasks stand, for seconds
`alive:<who>`                 set by who is alive, until shortly after
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, cast

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from tasks.breaker import breaker

TIMEOUT_SECONDS = 0.5
STAMP_SECONDS = 60
PLACES_SECONDS = 10

# Replaces a document only by a newer one: of a higher version, or of the same version and
# not an earlier moment of it. Anything that is not ours, such as the bare REVOKED that
# `celery control revoke` leaves, counts as missing. The publication is Celery's own
# convention: it wakes whoever waits in `AsyncResult.get()`.
_PUT = """
local held = redis.call('GETRANGE', KEYS[1], 0, 80)
local version, moment = string.match(held, '^{"ours":{"version":(%d+),"moment":(%d+),')
if version then
  version, moment = tonumber(version), tonumber(moment)
  if version > tonumber(ARGV[1]) then return 0 end
  if version == tonumber(ARGV[1]) and moment > tonumber(ARGV[2]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
redis.call('PUBLISH', KEYS[1], ARGV[3])
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


@dataclass(frozen=True)
class Poll:
    """All that one poll needs, read by one command."""

    header: Header | None
    document: bytes
    stamp: int | None
    backlog: dict[str, Any]
    places: dict[str, Any]


NOTHING = Poll(header=None, document=b"", stamp=None, backlog={}, places={})


@cache
def client() -> redis.Redis:
    pool = redis.BlockingConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=32,
        timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        # redis-py's own retries were measured to hang ten seconds on a frozen server.
        retry=Retry(NoBackoff(), 0),
    )
    return redis.Redis(connection_pool=pool)


def put_document(
    task_id: uuid.UUID,
    header: Header,
    *,
    celery: dict[str, Any],
    document: bytes,
    ttl_seconds: int,
) -> None:
    """Write a task's document unless a newer one is there already."""
    envelope = b'{"ours":%b,%b,"result":%b}' % (
        _json(asdict(header)),
        _json(celery)[1:-1],
        document,
    )
    with breaker.guard():
        put = client().register_script(_PUT)
        put(
            keys=[_document_key(task_id)],
            args=[header.version, header.moment, envelope, ttl_seconds],
        )


def drop_document(task_id: uuid.UUID) -> None:
    with breaker.guard():
        client().delete(_document_key(task_id))


def poll(task_id: uuid.UUID, viewer_id: int) -> Poll:
    own = (f"stamp:{viewer_id}", "backlog", f"places:{viewer_id}")
    with breaker.guard():
        found = cast("list[bytes | None]", client().mget(_document_key(task_id), *own))
    envelope, stamp, backlog, places = found
    header, document = _open_envelope(envelope or b"")
    return Poll(
        header=header,
        document=document,
        stamp=None if stamp is None else int(stamp),
        backlog=json.loads(backlog or b"{}"),
        places=json.loads(places or b"{}"),
    )


def put_stamp(user_id: int, stamp: int, *, is_news: bool) -> None:
    """Keep a user's stamp; one that was only read never replaces one that is news."""
    with breaker.guard():
        client().set(f"stamp:{user_id}", stamp, ex=STAMP_SECONDS, nx=not is_news)


def put_backlog(backlog: dict[str, Any]) -> None:
    with breaker.guard():
        client().set("backlog", _json(backlog), ex=60)


def put_places(places: Mapping[int, Mapping[str, Any]]) -> None:
    """Tell each of these users, by queue, where their tasks stand."""
    with breaker.guard(), client().pipeline(transaction=False) as pipeline:
        for user_id, of_queues in places.items():
            pipeline.set(f"places:{user_id}", _json(of_queues), ex=PLACES_SECONDS)
        pipeline.execute()


def backlog() -> dict[str, Any]:
    with breaker.guard():
        return cast("dict[str, Any]", json.loads(client().get("backlog") or b"{}"))


def message_ids(queue: str) -> set[str]:
    """The task ids of the messages in the queue, which the dispatcher keeps short."""
    with breaker.guard():
        messages = cast("list[bytes]", client().lrange(queue, 0, -1))
    return {json.loads(message)["headers"]["id"] for message in messages}


def mark_alive(who: str, *, seconds: int) -> None:
    with breaker.guard():
        client().set(f"alive:{who}", 1, ex=seconds)


def alive(names: Iterable[str]) -> dict[str, bool]:
    """Which of these were alive just now."""
    names = list(names)
    with breaker.guard():
        marks = client().mget([f"alive:{name}" for name in names])
    return {name: mark is not None for name, mark in zip(names, marks, strict=True)}


def _document_key(task_id: uuid.UUID) -> str:
    return f"celery-task-meta-{task_id}"


def _open_envelope(envelope: bytes) -> tuple[Header | None, bytes]:
    if not envelope.startswith(b'{"ours":'):
        return None, b""
    head, _, document = envelope.partition(b',"result":')
    return Header(**json.loads(head + b"}")["ours"]), document[:-1]


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
