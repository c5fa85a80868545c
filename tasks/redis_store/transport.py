"""Celery's transport over Redis: signs the messages that it puts, and takes no others.

kombu's own ends the worker on a message that is not JSON, lacks a member or has a value of
another type there, and on a queue that is no list.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any

import structlog
from kombu.transport import redis as kombu_redis

from tasks.redis_store.client import RedisError, ResponseError
from tasks.redis_store.queues import (
    drop_mistyped_queues,
    parse_message,
    queue_of_key,
    sign_message,
)

log = structlog.get_logger(__name__)


class QoS(kombu_redis.QoS):
    """Restore of unacknowledged messages; forgets those that cannot be read."""

    def restore_visible(self, *args: Any, **kwargs: Any) -> None:
        with _repair_mistyped(self.channel):
            super().restore_visible(*args, **kwargs)

    def restore_by_tag(
        self, tag: Any, client: Any = None, leftmost: bool = False
    ) -> None:
        try:
            super().restore_by_tag(tag, client, leftmost)
        except RedisError:
            raise
        except Exception:  # a message of any other form, which kombu unpacks unchecked
            log.warning("message_discarded", queue="unacked", exc_info=True)
            self._remove_from_indices(tag).execute()  # type: ignore[attr-defined]


class Channel(kombu_redis.Channel):
    """Channel that signs each message for its queue."""

    QoS = QoS

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        super()._put(queue, sign_message(queue, message), **kwargs)

    def _create_client(self, asynchronous: bool = False) -> Any:
        client = super()._create_client(asynchronous)  # type: ignore[misc]
        client.set_response_callback("BRPOP", _verified_message)
        return client

    def _brpop_read(self, **options: Any) -> Any:
        with _repair_mistyped(self):
            return super()._brpop_read(**options)  # type: ignore[misc]
        raise Empty


class Transport(kombu_redis.Transport):
    """Transport of `CELERY_BROKER_TRANSPORT`."""

    Channel = Channel


def _verified_message(response: Any, **_: Any) -> tuple[bytes, bytes] | None:
    """Return key and message as read by BRPOP, or None as if there were no message."""
    if not response:
        return None
    key, message = response
    queue = queue_of_key(key)
    if parse_message(queue, message) is None:
        log.warning("message_discarded", queue=queue)
        return None
    return key, message


@contextmanager
def _repair_mistyped(channel: Any) -> Iterator[None]:
    """Delete keys that turn out to have another type, and continue as without them."""
    try:
        yield
    except ResponseError as error:
        if not str(error).startswith("WRONGTYPE"):
            raise
        for key in drop_mistyped_queues(channel.active_queues):
            log.warning("queue_repaired", key=key)
