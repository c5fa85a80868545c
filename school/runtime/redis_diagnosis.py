"""Diagnosis of Redis: says in a sentence what is wrong with it, and how to mend it."""

import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import redis

from school.runtime import redis_problems
from school.runtime.redis_address import parse
from school.runtime.redis_connections import REPLICA_ROLES, connection_options
from school.runtime.redis_problems import CLOSED, MIN_VERSION, Problem, explain

TIMEOUT_SECONDS = 2.0
CONNECTION_COMMANDS = (
    "hello", "auth", "select", "subscribe", "unsubscribe", "psubscribe", "punsubscribe",
)  # fmt: skip
"""Commands about the connection; all others are in `TRIALS`."""
TRIALS: dict[str, Sequence[str | int | float]] = {
    # Arguments with which each command does nothing, or to a key of the trial alone.
    "ping": [], "set": ["{key}", 1, "EX", 10], "setex": ["{key}", 10, 1], "get": ["{key}"],
    "mget": ["{key}"], "getrange": ["{key}", 0, 1], "incrby": ["{key}", 1],
    "expire": ["{key}", 10], "pexpire": ["{key}", 10_000], "ttl": ["{key}"],
    "exists": ["{key}"], "type": ["{key}"], "del": ["{key}"], "time": [],
    "lpush": ["{key}", 1], "rpush": ["{key}", 1], "llen": ["{key}"], "lrange": ["{key}", 0, 1],
    "rpop": ["{key}"], "brpop": ["{key}", 0.01],
    "hset": ["{key}", 1, 1], "hget": ["{key}", 1], "hgetall": ["{key}"], "hdel": ["{key}", 1],
    "sadd": ["{key}", 1], "smembers": ["{key}"], "srem": ["{key}", 1],
    "zadd": ["{key}", 1, 1], "zrange": ["{key}", 0, 1], "zrangebyscore": ["{key}", 0, 1],
    "zrem": ["{key}", 1],
    "xadd": ["{key}", "*", 1, 1], "xread": ["COUNT", 1, "STREAMS", "{key}", 0],
    "xrevrange": ["{key}", "+", "-", "COUNT", 1],
    "eval": ["return 1", 0], "evalsha": ["0" * 40, 0], "script|load": ["return 1"],
    "script|exists": ["0" * 40], "publish": ["{key}", 1],
    "watch": ["{key}"], "unwatch": [], "discard": [], "multi": [], "exec": [],
}  # fmt: skip

_EXPECTED = "No matching script|without MULTI"
"""Errors of commands that would change something if they succeeded."""


def diagnose(url: str) -> Problem | None:
    """Connect as the service does, and try each command; None if all is well."""
    problem = _diagnose(url)
    # A connection that was cut once says nothing about what is wrong now.
    is_cut = problem is not None and problem.kind == CLOSED
    return _diagnose(url) if is_cut else problem


def _diagnose(url: str) -> Problem | None:
    try:
        with connect(url) as client:
            return _check_server(client, url) or _check_commands(client, url)
    except (redis.RedisError, OSError) as error:
        return explain(error, url)


def connect(url: str) -> redis.Redis:
    """Return a client with a pool of its own, which has a connection when it is used."""
    options = connection_options(
        url, timeout=TIMEOUT_SECONDS, connect_timeout=TIMEOUT_SECONDS
    )
    return redis.Redis.from_pool(redis.ConnectionPool(**options))


def connect_probe(url: str) -> Callable[[], None]:
    """Return a function that raises an error if the server does not answer or is a replica.

    A server that has become a replica goes on answering PING.
    """
    client = connect(url)

    def probe() -> None:
        if problem := _check_server(client, url):
            raise redis.ConnectionError(problem.reason)

    return probe


def _check_server(client: redis.Redis, url: str) -> Problem | None:
    place = parse(url).place
    hello = _read_hello(client)
    mode, version = hello.get("mode"), hello.get("version", "")
    if mode == "sentinel":
        return Problem(
            "sentinel",
            f"The server at {place} is a Sentinel, which keeps no data.",
            f"Write REDIS_URL=sentinel://user:password@{place}/<name of the service>.",
        )
    if mode == "cluster":
        return redis_problems.cluster(place)
    if version and tuple(map(int, re.findall(r"\d+", version)[:2])) < MIN_VERSION:
        return Problem(
            "version",
            f"The server at {place} is Redis {version}.",
            f"Upgrade it to {'.'.join(map(str, MIN_VERSION))} or newer, or to Valkey.",
        )
    if hello.get("role") in REPLICA_ROLES:
        return redis_problems.replica(place)
    return None


def _read_hello(client: redis.Redis) -> dict[str, str]:
    """Return the server's answer to HELLO; every user may ask it, unlike INFO."""
    reply: Any = client.execute_command("HELLO")  # type: ignore[no-untyped-call]
    if not isinstance(reply, dict):
        reply = dict(zip(reply[::2], reply[1::2], strict=True))
    return {_to_text(name): _to_text(value) for name, value in reply.items()}


def _to_text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _check_commands(client: redis.Redis, url: str) -> Problem | None:
    """Try every command; report those that the user may not run, or an error of the server."""
    prefix = f"diagnosis:{uuid.uuid4()}"
    with client.pipeline(transaction=False) as pipeline:
        for command, arguments in TRIALS.items():
            key = f"{prefix}:{command}"
            filled = [key if item == "{key}" else item for item in arguments]
            pipeline.execute_command(  # type: ignore[no-untyped-call]
                *command.upper().split("|"), *filled
            )
        pipeline.delete(*(f"{prefix}:{command}" for command in TRIALS))
        replies = pipeline.execute(raise_on_error=False)
    errors = {
        command: reply
        for command, reply in zip(TRIALS, replies, strict=False)
        if isinstance(reply, Exception) and not re.search(_EXPECTED, str(reply))
    }
    with client.pubsub() as pubsub:  # type: ignore[no-untyped-call]
        try:
            pubsub.psubscribe(prefix)
            pubsub.get_message(timeout=TIMEOUT_SECONDS)
        except redis.exceptions.NoPermissionError as error:
            errors["psubscribe"] = error
    refused = [
        name
        for name, error in errors.items()
        if redis_problems.is_refused_command(error)
    ]
    if refused:
        return redis_problems.refused_commands(url, refused)
    return next((explain(error, url) for error in errors.values()), None)
