"""`manage.py erase_student`: erase a student with all records, as data protection demands."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from school import erasure
from school.models import Student


class Command(BaseCommand):
    help = "Erase a student with all records and their history, also in closed years."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("network", help="code of the network")
        parser.add_argument("registration", help="number of the student in the network")
        parser.add_argument(
            "--reason",
            required=True,
            help="reason, shown at each closed year that loses results; do not name the student",
        )

    def handle(
        self, *args: Any, network: str, registration: str, reason: str, **options: Any
    ) -> None:
        student = Student.objects.filter(
            network__code=network, registration=registration
        ).first()
        if student is None:
            raise CommandError(f"Network {network} has no student {registration}.")
        if not reason.strip():
            raise CommandError("The reason is empty.")
        counts = erasure.erase_student(student, reason.strip())
        self.stdout.write(
            f"Erased the student: enrolments {counts['Enrolment']}, grades"
            f" {counts['Grade'] + counts['RecoveryGrade']}, absences {counts['Absence']}."
            " Reports made before end with their retention."
        )
