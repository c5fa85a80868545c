"""Students at risk of failing the year by grades or attendance, with reasons and remedies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from school.grading.outcome import PASSED_SITUATIONS
from school.grading.rules import Rules
from school.grading.subjects import Standing, SubjectResult
from school.models import Role
from school.records.student_year import StudentYear
from tasks.rendering.columns import Column, Row
from tasks.rendering.table import Layout
from tasks.reporting.student_report import (
    ID_COLUMNS,
    IDENTITY_COLUMNS,
    REASON_CODES_COLUMN,
    StudentParameters,
    StudentReport,
)


class AtRiskStudents(StudentReport[StudentParameters]):
    title = _("Students at risk")
    description = _(
        "Students whose grades are below the pass mark, whose attendance is below the "
        "minimum, or who must be reported to the Conselho Tutelar: the reasons, and what "
        "would still save the year."
    )
    allowed_roles = frozenset({Role.ADMINISTRATOR, Role.STAFF, Role.TEACHER})
    progress_unit = "students"
    example = {"class_id": 1}
    layout = Layout(heading=("school", "year", "class"), landscape=True)

    def columns(self) -> Sequence[Column]:
        below_title, by_grades_title = (
            (_("Subjects below the concept that passes"), _("By concepts"))
            if self.has_given_concepts()
            else (_("Subjects below the pass mark"), _("By grades"))
        )
        return [
            *IDENTITY_COLUMNS,
            self.situation_column(),
            Column("attendance", _("Attendance"), "percent"),
            Column("absences", _("Days absent"), "integer"),
            Column("absences_left", _("Absences left"), "integer"),
            Column("subjects_below", below_title, "integer"),
            Column("by_grades", by_grades_title, "boolean"),
            Column("by_attendance", _("By attendance"), "boolean"),
            Column("by_council_list", _("For the Conselho Tutelar"), "boolean"),
            Column("reasons", _("Reasons")),
            Column("saving", _("What would save the year")),
            REASON_CODES_COLUMN,
            *ID_COLUMNS,
        ]

    def rows(self) -> Iterator[Row]:
        for year in self.years:
            self._student_count += 1
            if not year.is_still_at_school:
                self.years.skipped_records.add(year.row.id, {"left": 1})
            elif year.rules is None:
                self.years.skipped_records.add(year.row.id, {"no_rules": 1})
            else:
                self._judged_count += 1
                if risk := _assess_risk(year, year.rules):
                    self._at_risk_count += 1
                    yield (
                        *self.identity_cells(year.row),
                        *_risk_cells(year, risk),
                        self.reason_codes_cell(year),
                        *self.id_cells(year.row),
                    )

    def total(self) -> None:
        """Unknown until every student has been evaluated."""

    def empty_reason(self) -> str:
        if self._student_count and not self._judged_count:
            return gettext(
                "No student can be assessed: all have left or have no grading rules."
            )
        return self.summary() if self._judged_count else super().empty_reason()

    def summary(self) -> str:
        return ngettext(
            "%(found)s of %(looked_at)s student is at risk.",
            "%(found)s of %(looked_at)s students are at risk.",
            self._judged_count,
        ) % {"found": self._at_risk_count, "looked_at": self._judged_count}

    _student_count = _judged_count = _at_risk_count = 0


@dataclass(frozen=True)
class _Risk:
    subjects_below: int
    by_attendance: bool
    by_council_list: bool
    absences_left: int | None


def _assess_risk(year: StudentYear, rules: Rules) -> _Risk | None:
    """Return the student's risk of failing the year; None if there is none."""
    outcome, grades = year.outcome, year.record.subjects
    attendance = outcome.attendance
    if attendance is None or outcome.situation in PASSED_SITUATIONS:
        return None
    below = sum(
        _is_below(result, rules)
        for key, result in outcome.subjects.items()
        if grades[key].counts_for_promotion
    )
    by_attendance = attendance.is_enough is False
    if not (below or by_attendance or attendance.requires_council_notice):
        return None
    return _Risk(
        below,
        by_attendance,
        attendance.requires_council_notice,
        attendance.absences_left,
    )


def _is_below(result: SubjectResult, rules: Rules) -> bool:
    if result.standing is Standing.OPEN:
        if rules.pass_concept and result.concept:
            ranks = rules.concept_ranks
            return ranks[result.concept] < ranks[rules.pass_concept]
        return result.mean is not None and result.mean < rules.pass_mark
    return result.standing in {Standing.RECOVERY, Standing.FAILED}


def _risk_cells(year: StudentYear, risk: _Risk) -> Row:
    return (
        year.outcome.situation,
        year.attendance_percent,
        year.absence_counts.total,
        risk.absences_left,
        risk.subjects_below,
        risk.subjects_below > 0,
        risk.by_attendance,
        risk.by_council_list,
        year.full_explanation() or None,
        year.remedies(),
    )
