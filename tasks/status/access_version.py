"""The viewer's stamp in Redis, by which a poll knows that no right has changed."""

from contextlib import suppress
from typing import Any

from school.models import User
from tasks import redis_store
from tasks.circuit_breaker import RedisUnavailable


def announce(user: User, **_: Any) -> None:
    """Tell the polls of a change of rights; if Redis is away they know within a minute."""
    _put(user, is_news=True)


def remember(user: User) -> None:
    """Keep what was read from the row, for the next polls."""
    _put(user, is_news=False)


def may_be_current(user_id: int, stamp: int, *, held: int | None) -> bool:
    """Whether Redis, where `held` is the stamp of now, last heard of no other."""
    try:
        return held is None and redis_store.known_stamp(user_id) == stamp
    except RedisUnavailable:
        return False


def _put(user: User, *, is_news: bool) -> None:
    # The key lives a minute at most, and without it the row is asked.
    with suppress(RedisUnavailable):
        redis_store.put_stamp(user.pk, user.stamp, is_news=is_news)
