"""Redis: every key of ours, and the only client that reads and writes them.

The keys, beside those of Celery's queues:
`celery-task-meta-<task id>`  the task's document, in the envelope of Celery's backend
`stamp:<user id>`             the user's stamp, for a minute
`changed:<user id>`           the same after a change, for the life of a token of before
`backlog`                     how long each queue is and how fast it moves
`tide`                        rises while the documents are known to be whole
`alive:<who>`                 set by who is alive, until shortly after
`computing:<task id>`         set while the task's process is seen to compute
"""

import json
import time
import uuid
from collections.abc import Iterable
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
TIDE_SECONDS = 30

# Replaces a document only by a newer one: of a higher version, or of the same version and
# not an earlier moment of it. Anything that is not ours, such as the bare REVOKED that
# `celery control revoke` leaves, counts as missing: there `ARGV[5]` says whether it may be
# put at all. The publication is Celery's own convention: it wakes whoever waits in
# `AsyncResult.get()`.
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
return 1
"""


# Never lowers the tide, whoever else raises it; nor raises one that has gone back.
_RAISE_TIDE = """
local held = tonumber(redis.call('GET', KEYS[1]) or '0')
if held < tonumber(ARGV[1]) then return 0 end
local raised = math.max(held + 1, tonumber(ARGV[2]))
redis.call('SET', KEYS[1], string.format('%.0f', raised), 'EX', ARGV[3])
return raised
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


NOTHING = Poll(header=None, document=b"", stamp=None, backlog={})


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


@dataclass(frozen=True)
class Envelope:
    """A task's document with all that Celery's backend keeps beside a result."""

    header: Header
    celery: dict[str, Any]
    document: bytes
    ttl_seconds: int

    def to_json(self) -> bytes:
        return b'{"ours":%b,%b,"result":%b}' % (
            _json(asdict(self.header)),
            _json(self.celery)[1:-1],
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
            keys=[_document_key(task_id)],
            args=[
                header.version,
                header.moment,
                envelope.to_json(),
                envelope.ttl_seconds,
                int(may_be_missing),
            ],
        )
    return bool(written)


def drop_document(task_id: uuid.UUID) -> None:
    with breaker.guard():
        client().delete(_document_key(task_id))


def poll(task_id: uuid.UUID, viewer_id: int) -> Poll:
    keys = [_document_key(task_id), f"stamp:{viewer_id}", "backlog", "tide"]
    with breaker.guard():
        envelope, stamp, backlog, tide = cast("list[bytes | None]", client().mget(keys))
    is_whole = _highest_tide.is_reached(tide)
    header, document = _open_envelope((is_whole and envelope) or b"")
    return Poll(
        header=header,
        document=document,
        stamp=None if stamp is None else int(stamp),
        backlog=json.loads(backlog or b"{}"),
    )


class _HighestTide:
    """The highest tide that this process has seen.

    A lower one, or none, means that Redis was wiped or has come back with an older file:
    its documents may be older than what was shown before, so the rows answer.
    """

    def __init__(self) -> None:
        self._seen = 1

    def is_reached(self, tide: bytes | None) -> bool:
        now = int(tide or 0)
        reached = now >= self._seen
        self._seen = max(self._seen, now)
        return reached


_highest_tide = _HighestTide()


def tide() -> tuple[str, int]:
    """Which run of the server this is, and its tide: 0 when it has none."""
    with breaker.guard():
        return client().info("server")["run_id"], int(client().get("tide") or 0)


def raise_tide(last: int) -> int:
    """Say that the documents are whole; the new tide, or 0 if it is below the last one."""
    with breaker.guard():
        raised = client().register_script(_RAISE_TIDE)
        # Milliseconds, so that after a wipe it is soon above what polls have seen.
        now = round(time.time() * 1000)
        return int(raised(keys=["tide"], args=[last, now, TIDE_SECONDS]))


def vouch(task_ids: Iterable[str], *, seconds: int) -> None:
    """Say that the processes of these tasks compute, whatever their heartbeats do."""
    with breaker.guard(), client().pipeline(transaction=False) as marks:
        for task_id in task_ids:
            marks.set(f"computing:{task_id}", 1, ex=seconds)
        marks.execute()


def vouched(task_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the tasks whose processes were seen to compute just now."""
    task_ids = list(task_ids)
    if not task_ids:
        return set()
    with breaker.guard():
        marks = client().mget([f"computing:{task_id}" for task_id in task_ids])
    return {task_id for task_id, mark in zip(task_ids, marks, strict=True) if mark}


def put_stamp(user_id: int, stamp: int, *, is_news: bool) -> None:
    """Keep a user's stamp; one that was only read never replaces one that is news."""
    with breaker.guard(), client().pipeline(transaction=False) as keys:
        keys.set(f"stamp:{user_id}", stamp, ex=STAMP_SECONDS, nx=not is_news)
        if is_news:
            keys.set(f"changed:{user_id}", stamp, ex=settings.ACCESS_TOKEN_LIFETIME)
        keys.execute()


def changed_stamp(user_id: int) -> int:
    """The stamp of the user's last change, 0 if there was none in the life of a token."""
    with breaker.guard():
        return int(client().get(f"changed:{user_id}") or 0)


def put_backlog(backlog: dict[str, Any]) -> None:
    with breaker.guard():
        client().set("backlog", _json(backlog), ex=60)


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
