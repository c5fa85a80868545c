"""Database connections that are given back before a wait, or kept for the next task."""

from typing import Any, cast

from django.db import connection, connections

_are_kept = False


def keep() -> None:
    """Keep the connections of this process open from one task to the next.

    SQLite reads the whole schema for each new connection, PostgreSQL starts a process.
    """
    global _are_kept
    _are_kept = True


def are_kept() -> bool:
    return _are_kept


def finish(used: Any) -> None:
    """Close a connection, or return it to its pool; one of SQLite that is kept stays open."""
    is_kept = _are_kept and used.vendor == "sqlite"
    if not is_kept or used.errors_occurred:
        used.close()


def finish_all() -> None:
    """Finish all connections of this thread."""
    for used in connections.all(initialized_only=True):
        finish(used)


def drop_all() -> None:
    """Close all connections of this thread, and the idle ones of the process.

    Call it after an error of a connection that was kept: the others may be lost as well.
    """
    for used in connections.all(initialized_only=True):
        if used.in_atomic_block:
            continue
        used.close()
        if used.vendor == "postgresql":
            cast("Any", used).close_pool()


def return_to_pool() -> None:
    """Return this request's connection to the pool; the next query takes one again.

    A web process has fewer connections than concurrent requests, so a request must not
    hold one while it waits for Redis or for password hashing.
    """
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()


def close() -> None:
    """Close the connection, unless it is in a transaction.

    Call it before a long wait, and after a database error that may have broken the
    connection: Django opens a new one only once the old one is closed.
    """
    if not connection.in_atomic_block:
        connection.close()
