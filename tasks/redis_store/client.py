"""Redis clients with short timeouts."""

import json
from functools import cache
from typing import Any

import redis
from django.conf import settings
from redis import Redis as Redis
from redis.client import Pipeline as Pipeline

from school.runtime.redis_connections import connection_options
from tasks.circuit_breaker import MAX_CONCURRENCY

RedisError = redis.RedisError
ResponseError = redis.ResponseError
NoScriptError = redis.exceptions.NoScriptError
TIMEOUT_SECONDS = 0.5
LISTEN_SECONDS = 0.5
"""Seconds one stream read blocks, so also the time lost on a dead connection."""


@cache
def client() -> redis.Redis:
    return _client(timeout=TIMEOUT_SECONDS, max_connections=MAX_CONCURRENCY)


@cache
def listening_client() -> redis.Redis:
    """Return the client of the event listener, whose timeout allows blocking reads."""
    return _client(timeout=LISTEN_SECONDS + TIMEOUT_SECONDS, max_connections=1)


def _client(*, timeout: float, max_connections: int) -> redis.Redis:
    pool = redis.BlockingConnectionPool(  # type: ignore[no-untyped-call]
        max_connections=max_connections,
        timeout=timeout,
        **connection_options(
            settings.REDIS_URL, timeout=timeout, connect_timeout=TIMEOUT_SECONDS
        ),
    )
    return redis.Redis(connection_pool=pool)


def to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
