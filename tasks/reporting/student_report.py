"""Base of the reports that list students: parameters, identity columns and student years."""

from abc import ABC
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import ClassVar, Generic, Self, TypeVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from pydantic import Field, model_validator

from school.access import Reach
from school.models import Enrolment
from school.records.enrolment_rows import (
    ORDER_BY_CLASS,
    EnrolmentRow,
    latest_enrolments,
)
from school.records.years import StudentYears
from tasks.rendering.columns import Cell, Column
from tasks.reporting.parameters import Id, SelectionParameters, Year
from tasks.reporting.report import Report


class StudentParameters(SelectionParameters):
    """Selection of students: a class, a school, one student or all, in a year."""

    year: Year | None = Field(
        default=None,
        description=gettext_noop("The school year. Required if no class is given."),
    )
    student_id: Id | None = Field(
        default=None, description=gettext_noop("Only this student.")
    )

    @model_validator(mode="after")
    def _require_selection(self) -> Self:
        if self.class_id is None and self.year is None:
            raise ValueError(_("Give a class or a school year."))
        return self


P = TypeVar("P", bound=StudentParameters)

IDENTITY_COLUMNS = (
    Column("school", gettext_lazy("School")),
    Column("year", gettext_lazy("School year")),
    Column("class", gettext_lazy("Class")),
    Column("grade_level", gettext_lazy("Grade level")),
    Column("number", gettext_lazy("Number"), "integer"),
    Column("registration", gettext_lazy("Registration")),
    Column("student", gettext_lazy("Student")),
)


def term_title(number: int) -> str:
    return _("Term %(number)s") % {"number": number}


class StudentReport(Report[P], ABC, Generic[P]):
    """A report that evaluates each student's year."""

    reach = Reach.YEAR
    # One page for each of 100,000 students takes about twenty minutes on two processors.
    time_limit = timedelta(hours=1)
    bulk_queue = "reports.bulk"
    order: ClassVar[Sequence[str]] = ORDER_BY_CLASS
    latest_only: ClassVar[bool] = True
    """True if a student who changed class is listed in the last class only."""

    with_grades: ClassVar[bool] = True
    """True if the report needs grades; False if it needs attendance only."""

    @cached_property
    def row_enrolments(self) -> QuerySet[Enrolment]:
        return (
            latest_enrolments(self.enrolments) if self.latest_only else self.enrolments
        )

    @cached_property
    def years(self) -> StudentYears:
        return StudentYears(
            self.row_enrolments,
            self.reachable,
            order=self.order,
            with_grades=self.with_grades,
        )

    def identity_cells(self, enrolment: EnrolmentRow) -> tuple[Cell, ...]:
        """Return the cells of `IDENTITY_COLUMNS`."""
        return (
            self.school_label(enrolment.school_id, enrolment.school),
            enrolment.year_label,
            enrolment.class_name,
            enrolment.level,
            enrolment.number,
            enrolment.registration,
            enrolment.display_name,
        )

    def rules(self) -> Sequence[str]:
        return [str(version) for version in self.years.rule_versions]

    def skipped_counts(self) -> Mapping[str, int]:
        return self.years.skipped_records.counts
