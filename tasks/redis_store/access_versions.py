"""Access versions of users: the one of this minute, and the highest of a token's life."""

import time
from typing import cast

from django.conf import settings

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import client
from tasks.redis_store.signing import MAX_ATTEMPTS, delete_if_equal, sign, verify

ACCESS_VERSION_TTL = 60
CLOCK_LEEWAY_SECONDS = 30
"""Difference between the hosts' clocks up to which an access version lives its minute."""

# Sets each key unless its value claims a higher version; returns the values that do, which
# may be forged. A value of another format or type is replaced.
_SET_MAX = """
local newer = {}
for i, key in ipairs(KEYS) do
  local current = redis.pcall('GET', key)
  local version = type(current) == 'string' and tonumber(string.match(current, '^(%d+)%.'))
  if version and version > tonumber(ARGV[1]) then
    newer[i] = current
  else
    newer[i] = ''
    redis.call('SET', key, ARGV[2 * i], 'EX', ARGV[2 * i + 1])
  end
end
return newer
"""


def set_access_version(user_id: int, access_version: int) -> None:
    """Store a user's access version, unless Redis has a higher one."""
    key, max_key = access_version_key(user_id), f"access-version-max:{user_id}"
    with breaker.guard():
        script = client().register_script(_SET_MAX)
        for _ in range(MAX_ATTEMPTS):
            newer = script(
                keys=[key, max_key],
                args=[
                    access_version,
                    sign(key, b"%d.%d" % (access_version, time.time())),
                    ACCESS_VERSION_TTL,
                    sign(max_key, b"%d" % access_version),
                    round(settings.ACCESS_TOKEN_LIFETIME.total_seconds()),
                ],
            )
            values = dict(zip([key, max_key], newer, strict=True))
            forged = {k: v for k, v in values.items() if v and verify(k, v) is None}
            for forged_key, value in forged.items():
                delete_if_equal(forged_key, value)
            if not forged:
                return


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
    age = time.time() - written_at
    return version if age <= ACCESS_VERSION_TTL + CLOCK_LEEWAY_SECONDS else None


def get_max_access_version(user_id: int) -> int | None:
    """Return the user's highest access version stored within the life of a token."""
    key = f"access-version-max:{user_id}"
    with breaker.guard():
        # MGET answers nil where GET raises an error: for a value of another type.
        [value] = cast("list[bytes | None]", client().mget(key))
    content = verify(key, value)
    return None if content is None else int(content)
