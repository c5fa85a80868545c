"""Message authentication codes: a value in Redis counts only if this service wrote it.

A code is keyed BLAKE2 over the value and the name of its key, so a value that is copied to
another key does not verify. What does not verify counts as missing.
"""

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest

from django.conf import settings

from tasks.redis_store.client import client

MAC_BYTES = 16
MAX_REMEMBERED_VALUE = 256
"""Bytes of a signed value up to which its verification is kept."""
MAX_ATTEMPTS = 3
"""Writes of one value, each after a forged one that blocked it was deleted."""

# Deletes the key only while it has the value that was found forged.
_DELETE_IF_EQUAL = """
if redis.pcall('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


def mac(key: str, *parts: bytes) -> bytes:
    """Return the code of a value under this Redis key, in hexadecimal digits."""
    state = blake2b(
        b"%b\n" % key.encode(),
        key=_signing_key(settings.REDIS_SIGNING_KEY),
        digest_size=MAC_BYTES,
    )
    for part in parts:
        state.update(part)
    return state.hexdigest().encode()


def sign(key: str, value: bytes) -> bytes:
    """Return the value followed by a full stop and its code."""
    return b"%b.%b" % (value, mac(key, value))


def verify(key: str, signed_value: bytes | None) -> bytes | None:
    """Return the value without its code, or None if it was not signed for this key."""
    if signed_value is None:
        return None
    if len(signed_value) > MAX_REMEMBERED_VALUE:
        return _verify(key, signed_value)
    return _verify_once(key, signed_value, settings.REDIS_SIGNING_KEY)


def _verify(key: str, signed_value: bytes) -> bytes | None:
    value, _, code = signed_value.rpartition(b".")
    return value if compare_digest(code, mac(key, value)) else None


@lru_cache(maxsize=4096)
def _verify_once(key: str, signed_value: bytes, _secret: str) -> bytes | None:
    """Verify a small value, which each poll of its user reads again.

    The secret is an argument because what was verified by another does not count.
    """
    return _verify(key, signed_value)


def digest_document(document: bytes) -> str:
    """Return the digest of a task document, which its code and its `ETag` are made from."""
    return blake2b(document, digest_size=32).hexdigest()


def put_over_forged(
    put: Callable[[], int | bytes], key: str, is_genuine: Callable[[bytes], bool]
) -> bool:
    """Call `put` until no forged value blocks it; return True if it has written.

    `put` returns the value that claims to be newer than its own. Redis cannot verify that
    value, and a forged one would otherwise block every true one.
    """
    for _ in range(MAX_ATTEMPTS):
        result = put()
        if isinstance(result, int):
            return bool(result)
        if is_genuine(result):
            return False
        delete_if_equal(key, result)
    return False


def delete_if_equal(key: str, value: bytes) -> None:
    client().register_script(_DELETE_IF_EQUAL)(keys=[key], args=[value])


@lru_cache(maxsize=4)
def _signing_key(secret: str) -> bytes:
    """Return the secret at a length that BLAKE2 accepts."""
    return blake2b(secret.encode(), digest_size=32, person=b"redis-store").digest()
