"""`manage.py check_records`: name the stored records that do not belong together."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS

from school.db import consistency_triggers


class Command(BaseCommand):
    help = "Name the stored records that break a rule; exit with 1 if there are any."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS)

    def handle(self, *args: Any, database: str, **options: Any) -> None:
        mismatches = consistency_triggers.find_mismatches(database)
        lines = list(consistency_triggers.describe(mismatches))
        if lines:
            raise CommandError("\n".join(lines))
        self.stdout.write("All records belong together.")
