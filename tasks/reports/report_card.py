"""Boletim: each student's grades by subject and term, with the results."""

from collections.abc import Iterator, Sequence

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from school.grading import decimals, labels
from school.models import Enrolment, Role
from school.records.student_year import ClassSubject, StudentYear
from tasks.rendering.columns import Column, Row
from tasks.rendering.table import Layout
from tasks.reporting.report import Report
from tasks.reporting.student_report import (
    ID_COLUMNS,
    IDENTITY_COLUMNS,
    PARTIAL_COLUMN,
    REASON_CODES_COLUMN,
    StudentParameters,
    StudentReport,
)

MAX_TERMS = 10
"""Terms in a year at most; a report card has a column for each term of its years."""


class ReportCard(StudentReport[StudentParameters]):
    title = _("Report card")
    description = _(
        "For each student and subject: the grade of each term, the mean, the final mean after "
        "recovery, and the reasons; with the student's days of absence, situation and what to do next."
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
            "saving",
        ),
        page_per_section=True,
        hidden=("explanation",),
        partial="partial",
        chart=("mean",),
    )

    def columns(self) -> Sequence[Column]:
        terms = range(1, self.years.term_count + 1)
        return [
            *IDENTITY_COLUMNS,
            Column("subject", _("Subject")),
            *(Column(f"term_{n}", self.term_title(n), "decimal") for n in terms),
            Column("mean", _("Mean"), "decimal"),
            Column("recovery", _("Final recovery"), "decimal"),
            Column("final", _("Final mean"), "decimal"),
            Column("concept", _("Concept")),
            Column("absences", _("Days absent"), "integer"),
            *(
                Column(f"absences_{n}", self._absences_title(n), "integer")
                for n in terms
            ),
            Column("attendance", _("Attendance"), "percent"),
            Column("result", _("Result"), labels=labels.STANDING_LABELS),
            Column("needed", self._needed_title(), "decimal"),
            Column("explanation", _("How it was calculated")),
            self.situation_column(),
            Column("reasons", _("Reasons")),
            Column("saving", _("What to do next")),
            PARTIAL_COLUMN,
            REASON_CODES_COLUMN,
            *ID_COLUMNS,
        ]

    def rows(self) -> Iterator[Row]:
        for year in self.years:
            subjects: Sequence[ClassSubject | None] = year.subjects
            if not subjects and year.rules and year.rules.assessment == "none":
                subjects = [None]  # the year has a result without subjects
            elif not subjects:
                self.years.skipped_records.add(year.row.id, {"no_subjects": 1})
            absence_cells = _absence_cells(year)
            situation_cells = (
                *_situation_cells(year),
                self.reason_codes_cell(year),
                *self.id_cells(year.row),
            )
            for subject in subjects:
                grade_cells, result_cells = self._subject_cells(year, subject)
                yield (
                    *self.identity_cells(year.row),
                    subject.name if subject else None,
                    *grade_cells,
                    *absence_cells,
                    *result_cells,
                    *situation_cells,
                )

    def total(self) -> int:
        offering = "school_class__offerings"
        of_level = Q(**{f"{offering}__grade_levels": None}) | Q(
            **{f"{offering}__grade_levels": F("grade_level")}
        )
        with_subjects = self.row_enrolments.filter(
            of_level, **{f"{offering}__isnull": False}
        )
        return with_subjects.count() + self._count_without_subjects(with_subjects)

    def _count_without_subjects(self, with_subjects: QuerySet[Enrolment]) -> int:
        """Count the students without subjects who get a row: their rules have no grades."""
        conditions = Q()
        for year, level in self.years.year_levels_without_grades:
            conditions |= Q(school_class__school_year=year, grade_level=level)
        if not conditions:  # the usual case
            return 0
        ungraded = self.row_enrolments.filter(conditions).order_by()
        others = with_subjects.order_by().values("pk")
        return ungraded.exclude(pk__in=others).count()

    def _needed_title(self) -> str:
        if self.has_given_concepts():
            return gettext("Concept still needed")
        return gettext("Grade still needed")

    def _absences_title(self, number: int) -> str:
        return gettext("Days absent in %(term)s") % {"term": self.term_title(number)}

    def _subject_cells(
        self, year: StudentYear, subject: ClassSubject | None
    ) -> tuple[Row, Row]:
        """Return the cells of a subject's grades, and those of its result."""
        if subject is None:
            return (None,) * (self.years.term_count + 4), (None, None, None)
        result, term_cells = (
            year.outcome.subjects[subject.id],
            year.term_cells(subject.id),
        )
        padding = (None,) * (self.years.term_count - len(term_cells))
        grades = (
            *term_cells,
            *padding,
            year.mean(subject.id),
            year.exam_cell(subject.id),
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
    return (
        year.outcome.situation,
        year.full_explanation() or None,
        year.remedies() or None,
        year.is_partial,
    )
