"""Celery's transport over Redis: signs the messages that it puts, and takes no others.

Its connections are those of `connection_options`, as the service's own client's are.

kombu's own ends the worker on a message that is not JSON, lacks a member or has a value of
another type there, and on a queue that is no list.
"""

from queue import Empty
from typing import Any

import structlog
from django.conf import settings
from kombu.transport import redis as kombu_redis

from school.runtime.redis_address import without_credentials
from school.runtime.redis_connections import connection_options
from tasks.circuit_breaker import breaker
from tasks.redis_store.client import RedisError, ResponseError
from tasks.redis_store.mistyped_keys import (
    RepairingRedis,
    delete_mistyped_keys,
    is_wrong_type,
)
from tasks.redis_store.queues import (
    exchange_of_topic,
    parse_message,
    queue_of_key,
    sign_message,
)

log = structlog.get_logger(__name__)

MESSAGE_TYPES = (b"message", b"pmessage")


class QoS(kombu_redis.QoS):
    """Restore of unacknowledged messages; forgets those that cannot be read."""

    @property
    def held_count(self) -> int:
        """Number of messages that the worker has taken and not begun."""
        return len(self._delivered or ()) - len(self._dirty or ())

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

    def restore_visible(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().restore_visible(*args, **kwargs)
        except ResponseError as error:
            # Called by a timer, which would log a traceback each time and name no remedy.
            breaker.report(error)


class Channel(kombu_redis.Channel):
    """Channel that signs each message for its queue."""

    QoS = QoS
    socket_timeout: float  # both are in CELERY_BROKER_TRANSPORT_OPTIONS
    socket_connect_timeout: float

    def __init__(self, connection: Any, **kwargs: Any) -> None:
        # Kept, because a channel that closes restores messages when `connection` is gone.
        self._broker_url = str(connection.client.hostname)
        self._client: Any = None
        try:
            super().__init__(connection, **kwargs)
        except breaker.failure_types as error:
            breaker.report(error)
            raise

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        options = {
            **connection_options(
                self._url(),
                timeout=self.socket_timeout,
                connect_timeout=self.socket_connect_timeout,
            ),
            "health_check_interval": self.health_check_interval,
        }
        if asynchronous:
            options["connection_class"] = _polled(options["connection_class"], self)
        return options

    def _url(self) -> str:
        """Return the address with its password, which Celery does not know."""
        is_ours = self._broker_url == settings.CELERY_BROKER_URL
        # Another one by `celery -b`.
        return settings.REDIS_URL if is_ours else self._broker_url

    def maybe_refresh_binding_expiry(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().maybe_refresh_binding_expiry(*args, **kwargs)  # type: ignore[misc]
        except ResponseError as error:
            breaker.report(error)  # for the reason of `restore_visible`

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        super()._put(queue, sign_message(queue, message), **kwargs)

    def _put_fanout(
        self, exchange: str, message: dict[str, Any], routing_key: str, **kwargs: Any
    ) -> None:
        message = sign_message(exchange, message)
        super()._put_fanout(exchange, message, routing_key, **kwargs)  # type: ignore[misc]

    def _handle_message(self, client: Any, response: Any) -> dict[str, Any]:
        """Return what a subscription received; a broadcast without a code has no data."""
        received: dict[str, Any] = super()._handle_message(client, response)  # type: ignore[misc]
        if received["type"] in MESSAGE_TYPES:
            exchange = exchange_of_topic(received["channel"])
            if parse_message(exchange, received["data"]) is None:
                log.warning("broadcast_discarded", exchange=exchange)
                received["data"] = None
        return received

    def _get_client(self) -> type[RepairingRedis]:
        return RepairingRedis

    def _create_client(self, asynchronous: bool = False) -> Any:
        """Return a new client, or for sending that of the pool, which lasts as long as it."""
        is_for_sending = not asynchronous
        if (
            is_for_sending
            and self._client
            and self._client.connection_pool is self.pool
        ):
            return self._client
        client = super()._create_client(asynchronous)  # type: ignore[misc]
        client.set_response_callback("BRPOP", _verified_message)
        if is_for_sending:
            self._client = client
        return client

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
            delete_mistyped_keys(self.active_queues)
            raise Empty from error


class Transport(kombu_redis.Transport):
    """Transport of `CELERY_BROKER_TRANSPORT`."""

    Channel = Channel
    can_parse_url = True  # kombu keeps the whole URL as the host name
    supports_batch_publish = False  # its check reads the URL by kombu's rules

    def as_uri(self, uri: str, include_password: bool = False, mask: str = "**") -> str:
        return without_credentials(uri)


def _polled(connection_class: type[Any], channel: Any) -> type[Any]:
    """Return the class of the connections that kombu polls: they say when they break."""

    class PolledConnection(connection_class):  # type: ignore[misc]
        def disconnect(self, *args: Any, **kwargs: Any) -> None:
            super().disconnect(*args, **kwargs)
            if channel._registered:
                channel._on_connection_disconnect(self)

    return PolledConnection


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
