"""`manage.py demo`: load the demo school network."""

import time
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from school.demo import loading
from school.demo.network import DemoNetwork

STUDENTS = 1000


class Command(BaseCommand):
    help = "Load an invented school network, the same every time, with users to try it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--students", type=_positive, help=f"how many; {STUDENTS} if not said"
        )

    def handle(self, *args: Any, students: int | None, **options: Any) -> None:
        held = loading.loaded()
        if held and students in (None, held):
            self.stdout.write(f"The demo network of {held} students is there.")
            return
        try:
            loading.clear_unfinished()
        except loading.ForeignData as error:
            raise CommandError(f"This database is left alone: {error}.") from None
        self._load(DemoNetwork(students or STUDENTS))

    def _load(self, network: DemoNetwork) -> None:
        began, loaded = time.monotonic(), 0

        def show(classes: int) -> None:
            nonlocal loaded
            loaded += classes
            if self.stdout.isatty():
                end = "\n" if loaded == network.classes else "\r"
                self.stdout.write(f"Class {loaded} of {network.classes}", ending=end)

        loading.load(network, show)
        names = ", ".join(user[0] for user in loading.USERS)
        self.stdout.write(
            f"Loaded {network.schools} schools, {network.classes} classes and "
            f"{network.students} students in {time.monotonic() - began:.1f} s. "
            f"Users: {names}; password: {loading.PASSWORD}."
        )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 50:
        raise ArgumentTypeError(
            "at least 50 students, or the demo's users have nothing"
        )
    return int(text)
