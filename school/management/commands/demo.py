"""`manage.py demo`: load the demo school network."""

import time
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from school.demo import loading
from school.demo.network import DemoNetwork

DEFAULT_STUDENTS = 1000


class Command(BaseCommand):
    help = "Load the demo school network: invented, reproducible, with users."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--students",
            type=_parse_student_count,
            help=f"number of students (default: {DEFAULT_STUDENTS})",
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="load it although everybody knows the password of its users",
        )

    def handle(
        self, *args: Any, students: int | None, force: bool, **options: Any
    ) -> None:
        if not force:
            raise CommandError(
                "The demo network is for `make up`: everybody knows the password of its "
                "users. To load it into this database all the same, add --force."
            )
        count = loading.count_loaded_students()
        if count and students in (None, count):
            self.stdout.write(
                f"The demo network of {count} students is already loaded."
            )
            return
        try:
            loading.delete_partial_load()
        except loading.ForeignData as error:
            raise CommandError(f"This database was not changed: {error}.") from None
        self._load(DemoNetwork(students or DEFAULT_STUDENTS))

    def _load(self, network: DemoNetwork) -> None:
        start_time, classes_done = time.monotonic(), 0

        def show_progress(classes: int) -> None:
            nonlocal classes_done
            classes_done += classes
            if self.stdout.isatty():
                end = "\n" if classes_done == network.class_count else "\r"
                self.stdout.write(
                    f"Class {classes_done} of {network.class_count}", ending=end
                )

        loading.load_network(network, show_progress)
        names = ", ".join(user[0] for user in loading.USERS)
        self.stdout.write(
            f"Loaded {network.school_count} schools, {network.class_count} classes and "
            f"{network.student_count} students in {time.monotonic() - start_time:.1f} s. "
            f"Users: {names}; password: {loading.PASSWORD}."
        )


def _parse_student_count(text: str) -> int:
    if not text.isdecimal() or int(text) < 50:
        raise ArgumentTypeError(
            "the number must be at least 50, so that every demo user has data"
        )
    return int(text)
