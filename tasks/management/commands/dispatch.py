"""`manage.py dispatch`: the supervised process that loses nothing."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from school.db import postgresql
from tasks.maintenance.dispatcher import Dispatcher

PUBLISHES_PER_TICK = 5
"""How often a backlog is published from between two looks at everything."""
STATEMENT_TIMEOUT_SECONDS = 5.0


class Command(BaseCommand):
    help = "Look for lost and waiting tasks, every second, until told to stop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS")

    def handle(self, *args: Any, every: float, **options: Any) -> None:
        stop_event = threading.Event()
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: stop_event.set())
        # While the database hangs, Redis is still to be looked after.
        postgresql.Connection.statement_timeout = STATEMENT_TIMEOUT_SECONDS
        dispatcher = Dispatcher()
        while not stop_event.is_set():
            dispatcher.tick()
            for _ in range(PUBLISHES_PER_TICK - 1):
                if stop_event.wait(every / PUBLISHES_PER_TICK):
                    return
                dispatcher.publish_more()
            stop_event.wait(every / PUBLISHES_PER_TICK)
