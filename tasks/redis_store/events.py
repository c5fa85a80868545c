"""What has changed lately: a stream that every web process follows, so that nobody asks in vain.

A stream and no publication: whoever was cut off for a moment goes on where it was.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from tasks.circuit_breaker import RedisUnavailable, breaker
from tasks.redis_store.client import LISTEN_SECONDS, listening_client

EVENT_STREAM_MAXLEN = 4096
"""At least so many are there to be read, and seldom many more."""


@dataclass(frozen=True)
class TaskEvent:
    task_id: str
    is_transition: bool
    """Whether the row moved; else it is only further in its progress."""


def last_event_id() -> str:
    """Where the stream ends now, so that what follows can be listened for."""
    with _translate_errors():
        entries = cast(
            "list[Any]", listening_client().xrevrange("task-events", count=1)
        )
    return entries[0][0].decode() if entries else "0-0"


def read_events(event_id: str) -> tuple[list[TaskEvent], str]:
    """Wait shortly for what comes after that place; it, and the place where it ends."""
    block_ms = round(LISTEN_SECONDS * 1000)
    with _translate_errors():
        response = cast(
            "Any", listening_client().xread({"task-events": event_id}, block=block_ms)
        )
    entries = response[0][1] if response else []
    events = [
        TaskEvent(fields[b"task_id"].decode(), fields[b"sequence"] == b"0")
        for _event_id, fields in entries
    ]
    return events, entries[-1][0].decode() if entries else event_id


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Apart from the breaker: who waits here neither opens it for the requests nor asks it."""
    try:
        yield
    except breaker.failure_types as error:
        raise RedisUnavailable(str(error)) from error
