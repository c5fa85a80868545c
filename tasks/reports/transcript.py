"""Histórico escolar: all years of a student across schools, with results."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import groupby

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import Field

from school.access import Reach
from school.models import Enrolment, Role, School, Student
from school.records import prior_years
from school.records.enrolment_rows import ORDER_BY_STUDENT
from school.records.prior_years import PriorYearRow, is_before_exit
from school.records.student_year import StudentYear
from school.year_members import in_regular_classes, latest_enrolments
from tasks.rendering.columns import Column, Row
from tasks.rendering.table import Layout
from tasks.reporting.id_columns import SCHOOL_ID, STUDENT_ID
from tasks.reporting.parameters import Year
from tasks.reporting.report import Report
from tasks.reporting.student_report import (
    PARTIAL_COLUMN,
    StudentParameters,
    StudentReport,
)


class Parameters(StudentParameters):
    """Selection: one student, or the students of a class or school year."""

    alternatives = ("student_id", "student_ids", *StudentParameters.alternatives)
    alternatives_detail = gettext_noop("Give a student, a class or a school year.")

    year: Year | None = Field(
        default=None,
        description=gettext_noop(
            "Students of school years of this number, or with days in this calendar year. "
            "Without a year, a class and a student, the open school year."
        ),
    )


class Transcript(StudentReport[Parameters]):
    title = _("Transcript")
    description = _(
        "A student's whole school history, year by year, including other schools: subjects, "
        "hours, grades, attendance and results. A school that the student has left does not "
        "see later years."
    )
    allowed_roles = frozenset({Role.ADMINISTRATOR, Role.STAFF})
    example = {"class_id": 1}
    formats = (*Report.formats, "zip")
    layout = Layout(
        heading=(
            "student",
            "social_name",
            "registration",
            "inep_code",
            "birth_date",
            "birth_place",
            "nationality",
            "parents",
            "identity_document",
            "birth_certificate",
        ),
        page_per_section=True,
        landscape=True,
        hidden=("situation", "explanation", "authorisation"),
        partial="partial",
    )
    reach = Reach.HISTORY
    order = ORDER_BY_STUDENT

    def columns(self) -> Sequence[Column]:
        return [
            Column("student", _("Student")),
            Column("social_name", _("Social name")),
            Column("registration", _("Registration")),
            Column("inep_code", _("INEP code")),
            Column("birth_date", _("Date of birth"), "date"),
            Column("birth_place", _("Place of birth")),
            Column("nationality", _("Nationality")),
            Column("parents", _("Parents")),
            Column("identity_document", _("Identity document")),
            Column("birth_certificate", _("Birth certificate")),
            Column("year", _("School year")),
            Column("grade_level", _("Grade level")),
            Column("school", _("School")),
            Column("city", _("City")),
            Column("state", _("State")),
            Column("authorisation", _("Act of authorisation")),
            Column("subject", _("Subject")),
            Column("grade", _("Grade")),
            *(
                Column(f"term_{n}", self.term_title(n), "decimal")
                for n in range(1, self.years.term_count + 1)
            ),
            Column("hours", _("Hours of lessons"), "integer"),
            Column("days", _("Days of lessons"), "integer"),
            # Rates from other schools are free text.
            Column("attendance", _("Attendance"), "percent"),
            self.situation_column(),
            Column("result", _("Result")),
            Column("explanation", _("How it was calculated")),
            PARTIAL_COLUMN,
            STUDENT_ID,
            SCHOOL_ID,
        ]

    @cached_property
    def row_enrolments(self) -> QuerySet[Enrolment]:
        return latest_enrolments(self.reachable)

    def rows(self) -> Iterator[Row]:
        years = groupby(self.years, key=lambda year: year.row.student_id)
        # Both iterators have the same students in the same order: each student has a year.
        students = prior_years.iter_students_with_prior_years(self._students())
        for (student, prior), (_id, student_years) in zip(students, years, strict=True):
            student_cells = _student_cells(student)
            for *cells, school_id in self._student_rows(prior, list(student_years)):
                yield (*student_cells, *cells, student.pk, school_id)

    def total(self) -> None:
        """Unknown until all years are read."""

    def _students(self) -> QuerySet[Student]:
        enrolments = in_regular_classes(self.enrolments)
        student_ids = enrolments.order_by().values("student")
        return Student.objects.filter(pk__in=student_ids).order_by("sort_key", "pk")

    def _student_rows(
        self, prior: Sequence[PriorYearRow], years: Sequence[StudentYear]
    ) -> Iterator[Row]:
        """Yield a student's rows by year; within a year, other schools come first.

        The last cell is the id of the school, if it is one of the network.
        """
        prior_rows = [
            (prior_year.year, self._prior_year_rows(prior_year))
            for prior_year in prior
            if is_before_exit(prior_year, years)
        ]
        school_rows = [(year.row.year, self._year_rows(year)) for year in years]
        for _year, rows in sorted(
            [*prior_rows, *school_rows], key=lambda pair: pair[0]
        ):
            yield from rows

    def _year_rows(self, year: StudentYear) -> Iterator[Row]:
        enrolment, school = year.row, self._schools[year.row.school_id]
        year_cells = (enrolment.year_label, enrolment.level, *_school_cells(school))
        situation = year.outcome.situation
        result_cells = (
            year.lesson_counts.total,
            year.attendance_percent,
            situation,
            self.situation_label(situation),
        )
        for subject in year.subjects:
            yield (
                *year_cells,
                subject.name,
                year.display_grade(subject.id),
                *self._term_cells(year.term_cells(subject.id)),
                subject.hours,
                *result_cells,
                year.explain_subject(subject.id),
                year.is_partial,
                school.pk,
            )
        if not year.subjects:
            yield (
                *year_cells,
                None,
                None,
                *self._term_cells(()),
                None,
                *result_cells,
                None,
                year.is_partial,
                school.pk,
            )

    def _prior_year_rows(self, prior: PriorYearRow) -> Iterator[Row]:
        school_cells = (prior.school, prior.city or None, prior.state or None, None)
        year_cells = (str(prior.year), prior.grade_level, *school_cells)
        result_cells = (prior.days, prior.attendance or None, None, prior.result)
        for prior_subject in prior.subjects:
            yield (
                *year_cells,
                prior_subject.subject,
                prior_subject.grade or None,
                *self._term_cells(()),
                prior_subject.hours,
                *result_cells,
                None,
                False,
                None,
            )
        if not prior.subjects:
            yield (
                *year_cells,
                None,
                None,
                *self._term_cells(()),
                None,
                *result_cells,
                None,
                False,
                None,
            )

    def _term_cells(self, cells: Row) -> Row:
        return (*cells, *(None,) * (self.years.term_count - len(cells)))

    @cached_property
    def _schools(self) -> dict[int, School]:
        return School.objects.in_bulk()  # a whole network has a few hundred


def _school_cells(school: School) -> Row:
    return (
        school.name,
        school.city or None,
        school.state or None,
        school.authorisation or None,
    )


def _student_cells(student: Student) -> Row:
    return (
        student.name,
        student.social_name or None,
        student.registration,
        student.inep_code or None,
        student.birth_date,
        student.birth_place or None,
        student.nationality or None,
        student.parents or None,
        student.identity_document or None,
        student.birth_certificate or None,
    )
