"""Giving database connections back before a wait for something else."""

from django.db import connection


def give_back() -> None:
    """Let others have this request's connection; the next query takes one again.

    A web process has fewer connections than requests, and none may hold one while it
    waits for Redis or for a password to be hashed.
    """
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()


def drop_broken() -> None:
    """After a database error: Django reopens a connection only once it is closed."""
    if not connection.in_atomic_block:
        connection.close()
