"""Task events: a stream of document changes, followed by every web process.

A stream and not pub/sub, so that a listener can resume after a broken connection. Events are
not signed: they only wake waiters, which then read as any poll does.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from tasks.circuit_breaker import RedisUnavailable, breaker
from tasks.redis_store.client import (
    LISTEN_SECONDS,
    ResponseError,
    client,
    listening_client,
)

EVENT_STREAM_MAXLEN = 4096
"""Minimum number of events kept; trimming is approximate, so there may be a few more."""


@dataclass(frozen=True)
class TaskEvent:
    task_id: str
    is_transition: bool
    """True for a transition of the row, False for progress only."""
    user_id: int | None = None
    """A user whose rights or sessions have changed; such an event is of no task."""
    viewer_id: int | None = None
    """Requester of the task; None in an event of an earlier release."""


def announce_access_change(user_id: int) -> None:
    """Wake the waiting requests of a user, in every web process."""
    # A process of an earlier release takes it for an event of an unknown task.
    _append({"task_id": "", "sequence": 0, "user_id": user_id})


def announce_removal(task_id: uuid.UUID, viewer_id: int) -> None:
    """Wake the requests that follow all tasks of the viewer, who has one result fewer."""
    _append({"task_id": str(task_id), "sequence": 0, "viewer_id": viewer_id})


def _append(event: dict[str, Any]) -> None:
    """Append an event; a stream that takes none, as one of another type, is begun anew."""
    with breaker.guard():
        try:
            client().xadd("task-events", event, maxlen=EVENT_STREAM_MAXLEN)  # type: ignore[arg-type]
        except ResponseError:
            client().delete("task-events")
            client().xadd("task-events", event, maxlen=EVENT_STREAM_MAXLEN)  # type: ignore[arg-type]


def last_event_id() -> str:
    """Return the id of the last event in the stream, to read what follows."""
    with _translate_errors():
        entries = cast(
            "list[Any]", listening_client().xrevrange("task-events", count=1)
        )
    return entries[0][0].decode() if entries else "0-0"


def read_events(event_id: str) -> tuple[list[TaskEvent], str]:
    """Block up to `LISTEN_SECONDS` for events after `event_id`; return them and the last id.

    Raises `RedisUnavailable` if the stream was begun anew below `event_id`, because none of
    its events would be read.
    """
    block_ms = round(LISTEN_SECONDS * 1000)
    with _translate_errors():
        response = cast(
            "Any", listening_client().xread({"task-events": event_id}, block=block_ms)
        )
    if not response:
        if _order(last_event_id()) < _order(event_id):
            raise RedisUnavailable("The event stream was replaced.")
        return [], event_id
    entries = response[0][1]
    events = [
        TaskEvent(
            fields.get(b"task_id", b"").decode(errors="replace"),
            fields.get(b"sequence") == b"0",
            _user_id(fields, b"user_id"),
            _user_id(fields, b"viewer_id"),
        )
        for _event_id, fields in entries
    ]
    return events, entries[-1][0].decode()


def _user_id(fields: dict[bytes, bytes], name: bytes) -> int | None:
    value = fields.get(name, b"")
    return int(value) if value.isdigit() and len(value) < 20 else None  # noqa: PLR2004


def _order(event_id: str) -> tuple[int, ...]:
    return tuple(map(int, event_id.split("-")))


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Raise `RedisUnavailable` without using the breaker.

    A failing listener must not open the breaker for requests, and an open breaker must not
    stop the listener.
    """
    try:
        yield
    except breaker.failure_types as error:
        breaker.report(error)
        raise RedisUnavailable(str(error)) from error
