"""Grades, class sessions and absences.

Grades are stored in whole tenths and attendance as absences only. This was measured to
be three to twenty times faster than decimals and one row per presence, and on SQLite only
integers are exact.
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
    """Term number within the school year of the class."""
    tenths = models.SmallIntegerField(null=True, blank=True)
    """Grade in tenths: 75 is 7.5. Null if it is due but missing."""

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
            raise ValidationError(
                {"offering": "This subject is not offered in the class."}
            )


class RecoveryGrade(models.Model):
    """The grade of the final recovery exam in one subject."""

    enrolment = models.ForeignKey(
        Enrolment, models.PROTECT, related_name="recovery_grades"
    )
    offering = models.ForeignKey(
        Offering, models.PROTECT, related_name="recovery_grades", db_index=False
    )
    tenths = models.SmallIntegerField()
    """Grade in tenths: 75 is 7.5."""

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
            raise ValidationError(
                {"offering": "This subject is not offered in the class."}
            )


class ClassSession(models.Model):
    """A school day on which attendance of the class was recorded."""

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
            raise ValidationError({"session": "This session belongs to another class."})
