"""Boletim: each student's grades by subject and term, with the results."""

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from school.grading import decimals, labels
from school.models import Role
from school.records.student_year import ClassSubject, StudentYear
from tasks.rendering.columns import Column, Row
from tasks.rendering.table import Layout
from tasks.reporting.report import Report
from tasks.reporting.student_report import (
    IDENTITY_COLUMNS,
    StudentParameters,
    StudentReport,
    term_title,
)

MAX_TERMS = 10
"""Terms in a year at most; a report card has a column for each term of its years."""


class ReportCard(StudentReport[StudentParameters]):
    title = _("Report card")
    description = _(
        "For each student and subject: the grade of each term, the mean, the final mean after "
        "recovery, and the reasons; with the student's days of absence and situation."
    )
    allowed_roles = frozenset(Role)
    example = {"class_id": 1}
    formats = (*Report.formats, "zip")
    layout = Layout(
        heading=(
            "school",
            "year",
            "class",
            "grade_level",
            "number",
            "registration",
            "student",
        ),
        section_footer=(
            "absences",
            *(f"absences_{number}" for number in range(1, MAX_TERMS + 1)),
            "attendance",
            "situation",
            "reasons",
        ),
        page_per_section=True,
        hidden=("explanation",),
        chart=("mean",),
    )

    def columns(self) -> Sequence[Column]:
        terms = range(1, self.years.term_count + 1)
        return [
            *IDENTITY_COLUMNS,
            Column("subject", _("Subject")),
            *(Column(f"term_{n}", term_title(n), "decimal") for n in terms),
            Column("mean", _("Mean"), "decimal"),
            Column("recovery", _("Final recovery"), "decimal"),
            Column("final", _("Final mean"), "decimal"),
            Column("concept", _("Concept")),
            Column("absences", _("Days absent"), "integer"),
            *(Column(f"absences_{n}", _absences_title(n), "integer") for n in terms),
            Column("attendance", _("Attendance"), "percent"),
            Column("result", _("Result"), labels=labels.STANDING_LABELS),
            Column("needed", _("Grade still needed"), "decimal"),
            Column("explanation", _("How it was calculated")),
            Column("situation", _("Situation"), labels=labels.SITUATION_LABELS),
            Column("reasons", _("Reasons")),
        ]

    def rows(self) -> Iterator[Row]:
        for year in self.years:
            if not year.subjects:
                self.years.skipped_records.add(year.row.id, {"no_subjects": 1})
            absence_cells, situation_cells = (
                _absence_cells(year),
                _situation_cells(year),
            )
            for subject in year.subjects:
                grade_cells, result_cells = self._subject_cells(year, subject)
                yield (
                    *self.identity_cells(year.row),
                    subject.name,
                    *grade_cells,
                    *absence_cells,
                    *result_cells,
                    *situation_cells,
                )

    def total(self) -> int:
        return self.row_enrolments.filter(school_class__offerings__isnull=False).count()

    def _subject_cells(
        self, year: StudentYear, subject: ClassSubject
    ) -> tuple[Row, Row]:
        """Return the cells of a subject's grades, and those of its result."""
        recorded, result = (
            year.record.subjects[subject.id],
            year.outcome.subjects[subject.id],
        )
        padding = (None,) * (self.years.term_count - len(recorded.terms))
        grades = (
            *map(decimals.tenths_to_grade, (*recorded.terms, *padding)),
            year.mean(subject.id),
            decimals.tenths_to_grade(recorded.exam),
            year.final_mean(subject.id),
            year.concept(subject.id),
        )
        if year.rules is None:  # no result without rules
            return grades, (None, None, None)
        needed = decimals.tenths_to_grade(result.needed_grade)
        return grades, (result.standing, needed, year.explain_subject(subject.id))


def _absence_cells(year: StudentYear) -> Row:
    return (
        year.absence_counts.total,
        *year.absence_counts.by_term,
        year.attendance_percent,
    )


def _situation_cells(year: StudentYear) -> Row:
    return year.outcome.situation, year.full_explanation()


def _absences_title(number: int) -> str:
    return gettext("Days absent in term %(number)s") % {"number": number}
