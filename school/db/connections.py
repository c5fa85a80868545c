"""Database connections that are given back before a wait."""

from django.db import connection


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
