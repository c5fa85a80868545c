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

from school.models.classes import Offering, SchoolClass
from school.models.consistent import ConsistentRecord
from school.models.grade_field import ConceptField, TenthsField, format_grade
from school.models.students import Enrolment
from school.models.year_records import YearRecord

GRADE_AND_CONCEPT = gettext_lazy("Give a grade or a concept, not both.")


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
    result_fields = (
        "enrolment",
        "offering",
        "term",
        "tenths",
        "concept",
        "recovery_tenths",
    )

    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="grades")
    offering = models.ForeignKey(
        Offering, models.PROTECT, related_name="grades", db_index=False
    )
    term = models.SmallIntegerField()
    """Term number within the school year of the class."""
    tenths = TenthsField(gettext_lazy("grade"), null=True, blank=True)
    """Grade in tenths: 75 is 7.5. Null if it is due but missing."""
    concept = ConceptField()
    recovery_tenths = TenthsField(
        gettext_lazy("recovery of the term"),
        null=True,
        blank=True,
        help_text=gettext_lazy("Only where the rules have a recovery of each term."),
    )
    """Grade of the term's own recovery in tenths; null without one."""

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
            models.CheckConstraint(
                condition=Q(tenths=None) | Q(concept=""),
                name="grade_or_concept",
                violation_error_message=GRADE_AND_CONCEPT,
            ),
            models.CheckConstraint(
                condition=Q(recovery_tenths__range=(0, 100)),
                name="grade_recovery_0_to_10",
            ),
            models.CheckConstraint(
                condition=Q(recovery_tenths=None) | Q(tenths__isnull=False),
                name="grade_recovery_of_a_grade",
                violation_error_message=gettext_lazy(
                    "A recovery of the term needs the grade of the term."
                ),
            ),
        ]

    def __str__(self) -> str:
        grade = format_grade(self.tenths, self.concept) or "–"
        if self.recovery_tenths is not None:
            grade = f"{grade} / {format_grade(self.recovery_tenths, '')}"
        return _("term {term}: {grade}").format(term=self.term, grade=grade)


class RecoveryGrade(YearRecord, _OfClass):
    """The grade of the final recovery exam in one subject."""

    year_path = "enrolment__school_class__school_year"
    result_fields = ("enrolment", "offering", "tenths", "concept")

    enrolment = models.ForeignKey(
        Enrolment, models.PROTECT, related_name="recovery_grades"
    )
    offering = models.ForeignKey(
        Offering, models.PROTECT, related_name="recovery_grades", db_index=False
    )
    tenths = TenthsField(gettext_lazy("grade"), null=True, blank=True)
    """Grade in tenths: 75 is 7.5. Null if a concept is given instead."""
    concept = ConceptField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["offering", "enrolment"], name="recovery_once_an_offering"
            ),
            models.CheckConstraint(
                condition=Q(tenths__range=(0, 100)), name="recovery_0_to_10"
            ),
            models.CheckConstraint(
                condition=Q(tenths=None, concept__gt="")
                | Q(tenths__isnull=False, concept=""),
                name="recovery_grade_or_concept",
                violation_error_message=gettext_lazy(
                    "Give either a grade or a concept."
                ),
            ),
        ]

    def __str__(self) -> str:
        grade = format_grade(self.tenths, self.concept)
        return _("recovery: {grade}").format(grade=grade)


class Exemption(YearRecord, _OfClass):
    """Release of a student from a subject, for one term or for all of them."""

    year_path = "enrolment__school_class__school_year"
    result_fields = ("enrolment", "offering", "term")

    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="exemptions")
    offering = models.ForeignKey(
        Offering, models.PROTECT, related_name="exemptions", db_index=False
    )
    term = models.SmallIntegerField(
        gettext_lazy("term"),
        null=True,
        blank=True,
        help_text=gettext_lazy("Term number; empty for all terms of the year."),
    )
    reason = models.CharField(gettext_lazy("reason"), max_length=250)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["offering", "enrolment", "term"],
                name="exemption_once_an_offering_term",
            ),
            models.UniqueConstraint(
                fields=["offering", "enrolment"],
                condition=Q(term=None),
                name="exemption_from_offering_once",
            ),
            models.CheckConstraint(
                condition=Q(term__range=(1, 10)), name="exemption_term_1_to_10"
            ),
        ]

    def __str__(self) -> str:
        return _("all terms") if self.term is None else f"{self.term}"


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
