"""Celery queues in Redis: message ids, lengths and published queue positions."""

import json
from collections.abc import Iterable, Mapping
from hmac import compare_digest
from typing import Any, cast

from kombu.utils.json import dumps

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import client, to_json
from tasks.redis_store.signing import mac, sign, verify

POSITIONS_TTL = 10
PRIORITY_SEPARATOR = "\x06\x16"
"""Separator of kombu between a queue and a priority."""


def set_queue_positions(positions: Mapping[int, Mapping[str, Any]]) -> None:
    """Store the position samples of each user, by queue."""
    with breaker.guard(), client().pipeline(transaction=False) as pipeline:
        for user_id, by_queue in positions.items():
            key = queue_positions_key(user_id)
            pipeline.set(key, sign(key, to_json(by_queue)), ex=POSITIONS_TTL)
        pipeline.execute()


def queue_positions_key(user_id: int) -> str:
    return f"queue-positions:{user_id}"


def parse_queue_positions(user_id: int, value: bytes | None) -> dict[str, Any]:
    """Return the position samples by queue; none if the value is missing or forged."""
    if value is None:
        return {}
    content = verify(queue_positions_key(user_id), value)
    samples: dict[str, Any] = {} if content is None else json.loads(content)
    return samples


def sign_message(queue: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message of Celery's transport with its code, for this queue or exchange."""
    return {**message, "mac": _message_mac(queue, json.loads(dumps(message)))}


def parse_message(queue: str, value: bytes) -> dict[str, Any] | None:
    """Return the message, or None if it was not signed for this queue or exchange."""
    try:
        message = json.loads(value)
        code = message.pop("mac")
        is_signed = compare_digest(code, _message_mac(queue, message)) and all(
            mark in (None, True, False) for mark in _redelivery_marks(message)
        )
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    return message if is_signed else None


def queue_of_key(key: bytes) -> str:
    """Return the queue of a Redis list; those of other priorities have a suffix."""
    return key.decode(errors="replace").split(PRIORITY_SEPARATOR)[0]


def exchange_of_topic(topic: bytes) -> str:
    """Return the exchange of a broadcast: `celery.pidbox` of `/0.celery.pidbox`."""
    return topic.decode(errors="replace").partition(".")[2].partition("/")[0]


def message_ids(queue: str) -> set[str]:
    """Return the task ids of all messages in the queue; the dispatcher keeps it short."""
    with breaker.guard():
        values = cast("list[bytes]", client().lrange(queue, 0, -1))
    messages = [parse_message(queue, value) for value in values]
    ids = {message["headers"].get("id") for message in messages if message is not None}
    return ids - {None}


def queue_length(queue: str) -> int:
    with breaker.guard():
        return client().llen(queue)


def queue_lengths(queues: Iterable[str]) -> dict[str, int]:
    queues = list(queues)
    with breaker.guard(), client().pipeline(transaction=False) as pipeline:
        for queue in queues:
            pipeline.llen(queue)
        return dict(zip(queues, pipeline.execute(), strict=True))


def _redelivery_marks(message: Any) -> list[Any]:
    """Return the members that a redelivery changes, and which no code covers."""
    info = message["properties"]["delivery_info"]
    return [message["headers"].get("redelivered"), info.get("redelivered")]


def _message_mac(queue: str, message: Any) -> str:
    """Return the code of a message without the marks that a redelivery adds."""
    headers = {**message["headers"], "redelivered": None}
    properties = dict(message["properties"])
    info = {**properties["delivery_info"], "redelivered": None}
    properties["delivery_info"] = info
    content = {**message, "headers": headers, "properties": properties}
    return mac(queue, json.dumps(content, sort_keys=True).encode()).decode()
