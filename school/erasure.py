"""Erasure of a student with all records and their history."""

from django.db import transaction
from django.db.models.functions import Now

from school import write_context
from school.models import (
    Absence,
    Enrolment,
    Exemption,
    Grade,
    RecoveryGrade,
    SchoolYear,
    SchoolYearEvent,
    Student,
)


@transaction.atomic
def erase_student(student: Student, reason: str) -> dict[str, int]:
    """Delete the student and every record of the student; return how many of each kind.

    The history of the student's grades goes too: it would still be data about a person.
    Each closed year that loses results gets an event with the reason, which names nobody.
    """
    enrolments = Enrolment.objects.filter(student=student)
    closed_years = SchoolYear.objects.filter(
        is_closed=True, pk__in=enrolments.order_by().values("school_class__school_year")
    )
    with write_context.acting(reason=reason), write_context.erasing():
        events = [
            SchoolYearEvent(
                at=Now(), school_year=year, kind=SchoolYearEvent.Kind.ERASED,
                user_id=write_context.current().user_id,
                username=write_context.current().username, reason=reason,
            )
            for year in closed_years
        ]  # fmt: skip
        SchoolYearEvent.objects.bulk_create(events)
        counts = {"events": len(events)}
        for model in (Absence, Grade, RecoveryGrade, Exemption):
            rows = model._default_manager.filter(enrolment__in=enrolments)
            counts[model.__name__] = rows.delete()[0]
        counts["Enrolment"] = enrolments.delete()[0]
        student.delete()
    return counts
