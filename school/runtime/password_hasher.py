"""Password hasher whose work is bounded and does not block a gevent process."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from gevent.monkey import is_module_patched
from gevent.threadpool import ThreadPool

from school.db import connections
from school.hash_slots import MAX_THREADS, hash_slots


class CooperativePBKDF2PasswordHasher(PBKDF2PasswordHasher):
    """Django's PBKDF2 hasher in bounded slots; under gevent in threads of its own.

    In gevent's main thread, ten simultaneous log-ins were measured to block every greenlet
    for two seconds.
    """

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        encode = super().encode
        connections.return_to_pool()
        with hash_slots.take():
            return _call(encode, password, salt, iterations)


def _call(encode: Callable[..., str], *arguments: Any) -> str:
    if not is_module_patched("threading"):
        return encode(*arguments)
    return str(_thread_pool().apply(encode, arguments))


@cache
def _thread_pool() -> ThreadPool:
    """Return the threads for hashes; those of gevent's hub also resolve host names."""
    return ThreadPool(MAX_THREADS)
