"""Ata de resultados finais: the final result of every student of a class."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from school.grading.outcome import Situation
from school.models import Enrolment, Offering, Role, Subject
from school.year_members import in_regular_classes
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


class FinalResults(StudentReport[StudentParameters]):
    title = _("Final results")
    description = _(
        "For each student of a class, including those who left it: the final grade in each "
        "subject, the attendance, the situation and the reasons for it."
    )
    allowed_roles = frozenset({Role.ADMINISTRATOR, Role.STAFF})
    progress_unit = "students"
    example = {"class_id": 1}
    formats = (*Report.formats, "zip")
    layout = Layout(
        heading=("school", "year", "class"),
        page_per_section=True,
        landscape=True,
        partial="partial",
    )
    latest_only = False  # the ata lists every student who was ever in the class

    def columns(self) -> Sequence[Column]:
        return [
            *IDENTITY_COLUMNS,
            *(Column(f"subject_{s.code}", s.name, "decimal") for s in self._subjects),
            Column("absences", _("Days absent"), "integer"),
            Column("attendance", _("Attendance"), "percent"),
            self.situation_column(),
            Column("reasons", _("Reasons")),
            PARTIAL_COLUMN,
            REASON_CODES_COLUMN,
            *ID_COLUMNS,
        ]

    def rows(self) -> Iterator[Row]:
        for year in self.years:
            self._situation_counts[year.outcome.situation] += 1
            taught_ids = {subject.id for subject in year.subjects}
            yield (
                *self.identity_cells(year.row),
                *(
                    year.display_grade(s.pk) if s.pk in taught_ids else None
                    for s in self._subjects
                ),
                year.absence_counts.total,
                year.attendance_percent,
                year.outcome.situation,
                year.full_explanation() or None,
                year.is_partial,
                self.reason_codes_cell(year),
                *self.id_cells(year.row),
            )

    def total(self) -> int:
        return self.row_enrolments.count()

    def summary(self) -> str:
        """Count the enrolments by situation."""
        counts = ", ".join(
            f"{self.situation_label(situation)}: {self._situation_counts[situation]}"
            for situation in [*Situation, None]
            if self._situation_counts[situation]
        )
        return gettext("Enrolments: %(total)s (%(counts)s)") % {
            "total": self._situation_counts.total(),
            "counts": counts,
        }

    @cached_property
    def _situation_counts(self) -> Counter[Situation | None]:
        return Counter()

    @cached_property
    def _subjects(self) -> list[Subject]:
        """Subjects taught to a student of the classes, in report card order."""
        of_level = Q(grade_levels=None) | Q(grade_levels=OuterRef("grade_level"))
        own = Offering.objects.filter(of_level, school_class=OuterRef("school_class"))
        # Students without subjects have those of another class of their year.
        without_subjects = self.row_enrolments.order_by().filter(
            ~Q(Exists(own)),
            student=OuterRef("student"),
            grade_level=OuterRef("grade_level"),
        )
        others = in_regular_classes(self.reachable).filter(Exists(without_subjects))
        subjects = Subject.objects.filter(
            Q(pk__in=_taught_to(self.row_enrolments)) | Q(pk__in=_taught_to(others))
        )
        return list(subjects.order_by("order", "sort_key", "pk"))


def _taught_to(enrolments: QuerySet[Enrolment]) -> QuerySet[Offering, Any]:
    """Return the ids of the subjects of the enrolments' classes and grade levels."""
    of_level = enrolments.order_by().filter(
        school_class=OuterRef("school_class"), grade_level=OuterRef("grade_levels")
    )
    offerings = Offering.objects.filter(
        Q(grade_levels=None) | Exists(of_level),
        school_class__in=enrolments.order_by().values("school_class"),
    )
    return offerings.order_by().values("subject")
