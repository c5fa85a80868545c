"""`manage.py flush`: delete all rows, also of closed years; on SQLite without the triggers."""

from typing import Any

from django.core.management.commands import flush
from django.db import connections, transaction


class Command(flush.Command):
    def handle(self, **options: Any) -> None:
        connection = connections[options["database"]]
        if (
            connection.vendor != "sqlite"
        ):  # others truncate, which fires no row triggers
            super().handle(**options)
            return
        # Tables are emptied in any order, and triggers refuse parents without children.
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
            for name, _sql in triggers:
                cursor.execute(f"DROP TRIGGER {connection.ops.quote_name(name)}")
            super().handle(**options)
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            reinstalled = {name for (name,) in cursor.fetchall()}
            for name, sql in triggers:
                if name not in reinstalled:
                    cursor.execute(sql)
