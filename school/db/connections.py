"""Giving database connections back before a wait for something else."""

from django.db import connection


def release() -> None:
    """Let others have this request's connection; the next query takes one again.

    A web process has fewer connections than requests, and none may hold one while it
    waits for Redis or for a password to be hashed.
    """
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()


def close() -> None:
    """Before a long wait, which needs none, and after a database error, which may have
    broken it: Django opens a new one only once the old one is closed.
    """
    if not connection.in_atomic_block:
        connection.close()
