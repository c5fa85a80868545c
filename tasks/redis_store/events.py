"""What has changed lately: a stream that every web process follows, so that nobody asks in vain.

A stream and no publication: whoever was cut off for a moment goes on where it was.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from tasks.circuit_breaker import RedisUnavailable, breaker
from tasks.redis_store.client import LISTEN_SECONDS, listening_client

CHANGES_KEPT = 4096
"""At least so many are there to be read, and seldom many more."""


@dataclass(frozen=True)
class Change:
    task_id: str
    is_move: bool
    """Whether the row moved; else it is only further in its progress."""


def newest_change() -> str:
    """Where the stream ends now, so that what follows can be listened for."""
    with _reached():
        newest = cast("list[Any]", listening_client().xrevrange("changes", count=1))
    return newest[0][0].decode() if newest else "0-0"


def changes_after(place: str) -> tuple[list[Change], str]:
    """Wait shortly for what comes after that place; it, and the place where it ends."""
    block = round(LISTEN_SECONDS * 1000)
    with _reached():
        found = cast("Any", listening_client().xread({"changes": place}, block=block))
    entries = found[0][1] if found else []
    changes = [
        Change(fields[b"task"].decode(), fields[b"moment"] == b"0")
        for _place, fields in entries
    ]
    return changes, entries[-1][0].decode() if entries else place


@contextmanager
def _reached() -> Iterator[None]:
    """Apart from the breaker: who waits here neither opens it for the requests nor asks it."""
    try:
        yield
    except breaker.failure_types as error:
        raise RedisUnavailable(str(error)) from error
