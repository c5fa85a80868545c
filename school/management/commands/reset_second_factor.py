"""`manage.py reset_second_factor`: let a user in who lost the phone and the recovery codes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from school import second_factor
from school.models import User


class Command(BaseCommand):
    help = "Delete the second factor of a user, and end all sessions of the user."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username}.")
        second_factor.reset(user)
        self.stdout.write(f"The second factor of {username} was reset.")
