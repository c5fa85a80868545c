"""Access versions in Redis: a poll compares them to detect changed access rights."""

from contextlib import suppress
from typing import Any

from school.models import User
from tasks import redis_store
from tasks.circuit_breaker import RedisUnavailable


def invalidate(user: User, **_: Any) -> None:
    """Publish a user's new access version, and wake the user's waiting requests.

    Without Redis, polls detect the change within a minute.
    """
    _store(user)
    with suppress(RedisUnavailable):
        redis_store.announce_access_change(user.pk)


def cache(user: User) -> None:
    """Store the access version read from the user's row for the next polls."""
    _store(user)


def is_latest(user_id: int, access_version: int, *, current: int | None) -> bool:
    """Return whether Redis knows no newer version, although the `current` key expired.

    False if `current` is set, because then it was compared already, or without Redis.
    """
    try:
        return (
            current is None
            and redis_store.get_max_access_version(user_id) == access_version
        )
    except RedisUnavailable:
        return False


def _store(user: User) -> None:
    # The key lives for a minute at most; without it the row is read.
    with suppress(RedisUnavailable):
        redis_store.set_access_version(user.pk, user.access_version)
