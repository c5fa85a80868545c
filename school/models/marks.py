"""Grades, the days on which a class had lessons, and who was absent.

Grades are whole tenths and attendance is absences only: measured three to twenty times
faster than decimals and a row per presence, and the only exact form on SQLite.
"""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from school.models.classes import Offering, SchoolClass
from school.models.students import Enrolment


class Grade(models.Model):
    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="grades")
    offering = models.ForeignKey(
        Offering, models.PROTECT, related_name="grades", db_index=False
    )
    term = models.SmallIntegerField()
    """The term's number within the class's school year."""
    tenths = models.SmallIntegerField(null=True, blank=True)
    """The grade in tenths: 75 is 7.5. Null when it is due but was not given."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["offering", "term", "enrolment"],
                name="grade_once_an_offering_term",
            ),
            models.CheckConstraint(
                condition=Q(tenths__range=(0, 100)), name="grade_0_to_10"
            ),
            models.CheckConstraint(
                condition=Q(term__range=(1, 10)), name="grade_term_1_to_10"
            ),
        ]

    def __str__(self) -> str:
        return f"term {self.term}: {self.tenths} tenths"

    def clean(self) -> None:
        if self.offering.school_class_id != self.enrolment.school_class_id:
            raise ValidationError({"offering": "This is not offered in the class."})


class RecoveryGrade(models.Model):
    """The grade of the final recovery exam in one subject."""

    enrolment = models.ForeignKey(
        Enrolment, models.PROTECT, related_name="recovery_grades"
    )
    offering = models.ForeignKey(
        Offering, models.PROTECT, related_name="recovery_grades", db_index=False
    )
    tenths = models.SmallIntegerField()
    """In tenths, as all grades."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["offering", "enrolment"], name="recovery_once_an_offering"
            ),
            models.CheckConstraint(
                condition=Q(tenths__range=(0, 100)), name="recovery_0_to_10"
            ),
        ]

    def __str__(self) -> str:
        return f"recovery: {self.tenths} tenths"

    def clean(self) -> None:
        if self.offering.school_class_id != self.enrolment.school_class_id:
            raise ValidationError({"offering": "This is not offered in the class."})


class ClassSession(models.Model):
    """A day on which the class had lessons and the roll was taken."""

    school_class = models.ForeignKey(
        SchoolClass, models.PROTECT, related_name="sessions", db_index=False
    )
    date = models.DateField()
    term = models.SmallIntegerField()

    class Meta:
        ordering = ["school_class", "date"]
        constraints = [
            models.UniqueConstraint(
                fields=["school_class", "date"], name="class_session_once_a_day"
            ),
            models.CheckConstraint(
                condition=Q(term__range=(1, 10)), name="class_session_term_1_to_10"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.date}"


class Absence(models.Model):
    enrolment = models.ForeignKey(
        Enrolment, models.PROTECT, related_name="absences", db_index=False
    )
    session = models.ForeignKey(ClassSession, models.PROTECT, related_name="absences")
    is_justified = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["enrolment", "session"], name="absence_once_a_session"
            )
        ]

    def __str__(self) -> str:
        return f"absent on {self.session}"

    def clean(self) -> None:
        if self.session.school_class_id != self.enrolment.school_class_id:
            raise ValidationError({"session": "This is no lesson day of the class."})
