"""Keys of Celery's transport that somebody replaced by another type: deleted where they are met."""

from collections.abc import Iterable
from typing import Any

import structlog

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import Pipeline, Redis, ResponseError, client

log = structlog.get_logger(__name__)

_TYPES = {
    "_kombu.binding_deadlines": b"zset",
    "_kombu.binding_permanent.": b"set",
    "_kombu.binding.": b"set",
    "unacked_index": b"zset",
    "unacked_mutex": b"string",
    "unacked": b"hash",
}
"""Type that the transport uses, by the first characters of the key; all others are queues."""
_SCRIPT_COMMANDS = ("EVAL", "EVALSHA")


def delete_mistyped_keys(keys: Iterable[str]) -> None:
    """Delete those of the keys that the transport cannot use; they count as missing."""
    keys = list(keys)
    with breaker.guard(), client().pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.type(key)
        types = pipeline.execute()
        for key, found in zip(keys, types, strict=True):
            if found not in (_expected_type(key), b"none"):
                client().delete(key)
                log.warning("queue_repaired", key=key)


def is_wrong_type(error: object) -> bool:
    """Return whether Redis refused a command because the key has another type."""
    return isinstance(error, ResponseError) and "WRONGTYPE" in str(error)


class RepairingPipeline(Pipeline):
    """Pipeline of `RepairingRedis`; its commands must bear to be sent twice, as kombu's do."""

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        commands = list(self.command_stack)
        try:
            return super().execute(raise_on_error)
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
        delete_mistyped_keys(
            key for args, _options in commands for key in _keys_of(args)
        )
        self.command_stack = commands
        return super().execute(raise_on_error)

    def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return super().immediate_execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
        delete_mistyped_keys(_keys_of(args))
        return super().immediate_execute_command(*args, **options)  # type: ignore[no-untyped-call]


class RepairingRedis(Redis):
    """Client that deletes a key of the wrong type and sends the refused command again."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
        delete_mistyped_keys(_keys_of(args))
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Any:
        return RepairingPipeline(
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )


def _expected_type(key: str) -> bytes:
    prefixes = (prefix for prefix in _TYPES if key.startswith(prefix))
    return next((_TYPES[prefix] for prefix in prefixes), b"list")


def _keys_of(args: tuple[Any, ...]) -> list[str]:
    """Return the keys of a command: the first argument, or those that a script declares."""
    name, *rest = args
    keys = rest[2 : 2 + int(rest[1])] if name in _SCRIPT_COMMANDS else rest[:1]
    return [key.decode() if isinstance(key, bytes) else str(key) for key in keys]
