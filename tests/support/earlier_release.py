"""Writes that break the rules of `school.consistency`, as earlier releases accepted them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from school.db import consistency_triggers


@contextmanager
def earlier_release() -> Iterator[None]:
    """Let writes of this connection break the rules; what is written stays."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            yield
            cursor.execute("SET session_replication_role = DEFAULT")
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'school_rule_%'"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {name}")
        yield
    consistency_triggers.install_triggers(connection.alias)
