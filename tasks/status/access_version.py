"""The viewer's stamp in Redis, by which a poll knows that no right has changed."""

from contextlib import suppress
from typing import Any

from school.models import User
from tasks import redis_store
from tasks.circuit_breaker import RedisUnavailable


def invalidate(user: User, **_: Any) -> None:
    """Tell the polls of a change of rights; if Redis is away they know within a minute."""
    _store(user, is_change=True)


def cache(user: User) -> None:
    """Keep what was read from the row, for the next polls."""
    _store(user, is_change=False)


def is_latest(user_id: int, access_version: int, *, current: int | None) -> bool:
    """Whether Redis, where `held` is the stamp of now, last heard of no other."""
    try:
        return (
            current is None
            and redis_store.get_max_access_version(user_id) == access_version
        )
    except RedisUnavailable:
        return False


def _store(user: User, *, is_change: bool) -> None:
    # The key lives a minute at most, and without it the row is asked.
    with suppress(RedisUnavailable):
        redis_store.set_access_version(
            user.pk, user.access_version, is_change=is_change
        )
