"""`manage.py dispatch`: the supervised process that loses nothing."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from school.db import postgresql
from tasks.maintenance.dispatcher import Dispatcher

TURNS = 5
"""How often a backlog is published from between two looks at everything."""
STATEMENT_SECONDS = 5.0


class Command(BaseCommand):
    help = "Look for lost and waiting tasks, every second, until told to stop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS")

    def handle(self, *args: Any, every: float, **options: Any) -> None:
        over = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: over.set())
        # While the database hangs, Redis is still to be looked after.
        postgresql.Connection.statement_seconds = STATEMENT_SECONDS
        dispatcher = Dispatcher()
        while not over.is_set():
            dispatcher.tick()
            for _ in range(TURNS - 1):
                if over.wait(every / TURNS):
                    return
                dispatcher.publish_more()
            over.wait(every / TURNS)
