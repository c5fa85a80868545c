"""What waits in the queues: the messages themselves, and what the dispatcher tells of them."""

import json
from collections.abc import Mapping
from typing import Any, cast

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import client, to_json

PLACES_SECONDS = 10


def put_places(places: Mapping[int, Mapping[str, Any]]) -> None:
    """Tell each of these users, by queue, where their tasks stand."""
    with breaker.guard(), client().pipeline(transaction=False) as pipeline:
        for user_id, of_queues in places.items():
            pipeline.set(f"places:{user_id}", to_json(of_queues), ex=PLACES_SECONDS)
        pipeline.execute()


def message_ids(queue: str) -> set[str]:
    """The task ids of the messages in the queue, which the dispatcher keeps short."""
    with breaker.guard():
        messages = cast("list[bytes]", client().lrange(queue, 0, -1))
    return {json.loads(message)["headers"]["id"] for message in messages}


def queue_length(queue: str) -> int:
    with breaker.guard():
        return client().llen(queue)
