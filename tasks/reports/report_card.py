"""The boletim: a student's, or a class's, grades by subject and term."""

from collections.abc import Iterator, Sequence
from typing import Self

from django.db.models import Count, Max, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import Field, model_validator

from school import figures
from school.models import Absence, Grade, Role, Term
from tasks.asking.parameters import Id, ReportParameters, Year
from tasks.reports.base import Report
from tasks.tables import Column, Row


class Parameters(ReportParameters):
    class_id: Id | None = Field(
        default=None, description=gettext_noop("All students of this class.")
    )
    student_id: Id | None = Field(
        default=None, description=gettext_noop("Only this student.")
    )
    year: Year | None = Field(
        default=None,
        description=gettext_noop("The school year; needed where no class is named."),
    )

    @model_validator(mode="after")
    def _says_whose(self) -> Self:
        if self.class_id is None and (self.student_id is None or self.year is None):
            raise ValueError(_("Name a class, or a student and a year."))
        return self


class ReportCard(Report[Parameters]):
    title = _("Report card")
    description = _(
        "For each student and subject: the grade of each term, the mean of those given, "
        "and the days the student was absent from the class."
    )
    audience = frozenset(Role)
    example = {"class_id": 1}

    def columns(self) -> Sequence[Column]:
        return [
            Column("school", "School"),
            Column("class", "Class"),
            Column("number", "Number", "integer"),
            Column("registration", "Registration"),
            Column("student", "Student"),
            Column("subject", "Subject"),
            *(Column(f"term_{n}", f"Term {n}", "decimal") for n in self._terms),
            Column("mean", "Mean", "decimal"),
            Column("absences", "Days absent", "integer"),
        ]

    def rows(self) -> Iterator[Row]:
        lines = (
            self.enrolments.filter(school_class__offerings__isnull=False)
            .order_by(
                "school_class__school__name",
                "school_class__name",
                "school_class_id",
                "diary_number",
                "school_class__offerings__subject__order",
                "school_class__offerings__subject_id",
            )
            .values_list(
                "school_class__school__name",
                "school_class__name",
                "diary_number",
                "student__registration",
                "student__name",
                "school_class__offerings__subject__name",
                _absences(),
                *(_tenths(term) for term in self._terms),
            )
        )
        for line in lines.iterator():
            identity, absences, tenths = line[:6], line[6], line[7:]
            given = [value for value in tenths if value is not None]
            yield (
                *identity,
                *(figures.grade(value) for value in tenths),
                figures.mean(sum(given), len(given)),
                absences,
            )

    def total(self) -> int:
        return self.enrolments.filter(school_class__offerings__isnull=False).count()

    @cached_property
    def _terms(self) -> range:
        terms = Term.objects.filter(
            school_year__classes__enrolments__in=self.enrolments
        )
        return range(1, (terms.aggregate(last=Max("number"))["last"] or 0) + 1)


def _tenths(term: int) -> Subquery:
    """The student's own grade in the subject of the line; none where none was given."""
    grade = Grade.objects.filter(
        enrolment=OuterRef("pk"),
        offering=OuterRef("school_class__offerings"),
        term=term,
    )
    return Subquery(grade.values("tenths")[:1])


def _absences() -> Coalesce:
    """On how many days the student was absent, in all subjects together."""
    days = Absence.objects.filter(enrolment=OuterRef("pk")).order_by()
    counted = days.values("enrolment").annotate(days=Count("pk")).values("days")
    return Coalesce(Subquery(counted), 0)
