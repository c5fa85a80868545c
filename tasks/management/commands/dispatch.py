"""`manage.py dispatch`: the dispatcher process."""

import signal
import threading
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandParser

from school.db import postgresql
from school.runtime import startup
from tasks.circuit_breaker import breaker
from tasks.maintenance.dispatcher import Dispatcher

PUBLISHES_PER_TICK = 5
"""Number of times the backlog is published per tick of the dispatcher."""
STATEMENT_TIMEOUT_SECONDS = 5.0


class Command(BaseCommand):
    help = "Publish queued tasks and recover lost ones, once a second, until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS")

    def handle(self, *args: Any, every: float, **options: Any) -> None:
        startup.make_files_private()
        startup.refuse_unsafe_settings(
            secrets=["REDIS_SIGNING_KEY"], tags=[Tags.security]
        )
        startup.refuse_unusable_database()
        breaker.start_watch()
        stop_event = threading.Event()
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: stop_event.set())
        # If the database hangs, the steps that only use Redis must still run.
        postgresql.Connection.statement_timeout = STATEMENT_TIMEOUT_SECONDS
        dispatcher = Dispatcher()
        while not stop_event.is_set():
            dispatcher.tick()
            for _ in range(PUBLISHES_PER_TICK - 1):
                if stop_event.wait(every / PUBLISHES_PER_TICK):
                    return
                dispatcher.publish_more()
            stop_event.wait(every / PUBLISHES_PER_TICK)
