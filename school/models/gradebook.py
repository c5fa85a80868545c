"""Grades, class sessions and absences.

Grades are stored in whole tenths and attendance as absences only. This was measured to
be three to twenty times faster than decimals and one row per presence, and on SQLite only
integers are exact.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from school.grading.number_format import format_tenths
from school.models.classes import Offering, SchoolClass
from school.models.consistent import ConsistentRecord
from school.models.grade_field import TenthsField
from school.models.students import Enrolment
from school.models.year_records import YearRecord


class _OfClass(ConsistentRecord):
    """Record of an enrolment that refers to something of the enrolment's class."""

    class_field = "offering"
    """Field of the thing that belongs to the class."""
    other_class_message = gettext_lazy("This subject is not offered in the class.")

    class Meta:
        abstract = True

    def clean(self) -> None:
        super().clean()
        record: Any = self
        if not (record.enrolment_id and getattr(self, f"{self.class_field}_id")):
            return  # the missing field has its own error message
        class_id = getattr(self, self.class_field).school_class_id
        if class_id != record.enrolment.school_class_id:
            raise ValidationError({self.class_field: self.other_class_message})


class Grade(YearRecord, _OfClass):
    year_path = "enrolment__school_class__school_year"
    result_fields = ("enrolment", "offering", "term", "tenths")

    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="grades")
    offering = models.ForeignKey(
        Offering, models.PROTECT, related_name="grades", db_index=False
    )
    term = models.SmallIntegerField()
    """Term number within the school year of the class."""
    tenths = TenthsField(gettext_lazy("grade"), null=True, blank=True)
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
        grade = "–" if self.tenths is None else format_tenths(self.tenths)
        return _("term {term}: {grade}").format(term=self.term, grade=grade)


class RecoveryGrade(YearRecord, _OfClass):
    """The grade of the final recovery exam in one subject."""

    year_path = "enrolment__school_class__school_year"
    result_fields = ("enrolment", "offering", "tenths")

    enrolment = models.ForeignKey(
        Enrolment, models.PROTECT, related_name="recovery_grades"
    )
    offering = models.ForeignKey(
        Offering, models.PROTECT, related_name="recovery_grades", db_index=False
    )
    tenths = TenthsField(gettext_lazy("grade"))
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
        return _("recovery: {grade}").format(grade=format_tenths(self.tenths))


class ClassSession(YearRecord, ConsistentRecord):
    """A school day on which attendance of the class was recorded."""

    year_path = "school_class__school_year"
    result_fields = ("school_class", "date", "term")

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


class Absence(YearRecord, _OfClass):
    year_path = "enrolment__school_class__school_year"
    result_fields = ("enrolment", "session", "is_justified")

    enrolment = models.ForeignKey(
        Enrolment, models.PROTECT, related_name="absences", db_index=False
    )
    session = models.ForeignKey(ClassSession, models.PROTECT, related_name="absences")
    is_justified = models.BooleanField(default=False)

    class_field = "session"
    other_class_message = gettext_lazy("This session belongs to another class.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["enrolment", "session"], name="absence_once_a_session"
            )
        ]

    def __str__(self) -> str:
        return f"absent on {self.session}"
