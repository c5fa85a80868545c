"""Signed values that begin with a number, and that only a higher number replaces."""

from collections.abc import Mapping

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import client
from tasks.redis_store.signing import MAX_ATTEMPTS, delete_if_equal, sign, verify

# Sets each key unless its value claims a higher number; returns the values that do, which
# may be forged. A value of another format or type, or that never expires, is replaced.
_SET_MAX = """
local higher = {}
for i, key in ipairs(KEYS) do
  local current = redis.pcall('GET', key)
  local number = type(current) == 'string' and tonumber(string.match(current, '^(%d+)%.'))
  if number and number > tonumber(ARGV[1]) and redis.call('TTL', key) > 0 then
    higher[i] = current
  else
    higher[i] = ''
    redis.call('SET', key, ARGV[2 * i], 'EX', ARGV[2 * i + 1])
  end
end
return higher
"""


def set_max(number: int, entries: Mapping[str, tuple[bytes, int]]) -> None:
    """Set each key to its content for its seconds, unless it has a higher number.

    The contents begin with `number`, and go on with a full stop or not at all.
    """
    arguments: list[bytes | int] = [number]
    for key, (content, seconds) in entries.items():
        arguments += [sign(key, content), seconds]
    with breaker.guard():
        script = client().register_script(_SET_MAX)
        for _ in range(MAX_ATTEMPTS):
            higher = script(keys=list(entries), args=arguments)
            values = dict(zip(entries, higher, strict=True))
            forged = {k: v for k, v in values.items() if v and verify(k, v) is None}
            for key, value in forged.items():
                delete_if_equal(key, value)
            if not forged:
                return
