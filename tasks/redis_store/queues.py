"""Celery queues in Redis: message ids, lengths and published queue positions."""

import json
from collections.abc import Mapping
from typing import Any, cast

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import client, to_json

POSITIONS_TTL = 10


def set_queue_positions(positions: Mapping[int, Mapping[str, Any]]) -> None:
    """Store the position samples of each user, by queue."""
    with breaker.guard(), client().pipeline(transaction=False) as pipeline:
        for user_id, by_queue in positions.items():
            pipeline.set(
                f"queue-positions:{user_id}", to_json(by_queue), ex=POSITIONS_TTL
            )
        pipeline.execute()


def message_ids(queue: str) -> set[str]:
    """Return the task ids of all messages in the queue; the dispatcher keeps it short."""
    with breaker.guard():
        messages = cast("list[bytes]", client().lrange(queue, 0, -1))
    return {json.loads(message)["headers"]["id"] for message in messages}


def queue_length(queue: str) -> int:
    with breaker.guard():
        return client().llen(queue)
