"""Access versions of users: the one of this minute, and the highest of a token's life."""

import time
from typing import cast

from django.conf import settings

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import client
from tasks.redis_store.signed_numbers import set_max
from tasks.redis_store.signing import verify

ACCESS_VERSION_TTL = 60


def set_access_version(user_id: int, access_version: int) -> None:
    """Store a user's access version, unless Redis has a higher one."""
    token_seconds = round(settings.ACCESS_TOKEN_LIFETIME.total_seconds())
    content = b"%d.%d" % (access_version, time.time())
    set_max(
        access_version,
        {
            access_version_key(user_id): (content, ACCESS_VERSION_TTL),
            _max_key(user_id): (b"%d" % access_version, token_seconds),
        },
    )


def access_version_key(user_id: int) -> str:
    return f"access-version:{user_id}"


def parse_access_version(user_id: int, value: bytes | None) -> int | None:
    """Return the access version, or None if it is missing, forged or over a minute old.

    The age is signed too: a value that is written back after its minute does not count.
    """
    content = verify(access_version_key(user_id), value)
    if content is None:
        return None
    version, written_at = map(int, content.split(b"."))
    return version if time.time() - written_at <= ACCESS_VERSION_TTL else None


def get_max_access_version(user_id: int) -> int | None:
    """Return the user's highest access version stored within the life of a token."""
    key = _max_key(user_id)
    with breaker.guard():
        # MGET answers nil where GET raises an error: for a value of another type.
        [value] = cast("list[bytes | None]", client().mget(key))
    content = verify(key, value)
    return None if content is None else int(content)


def _max_key(user_id: int) -> str:
    return f"access-version-max:{user_id}"
