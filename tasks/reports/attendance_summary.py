"""Attendance: rates, Bolsa Família windows and the Conselho Tutelar list."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Literal

from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from school.grading import decimals, labels, outcome
from school.grading.attendance import BENEFIT_WINDOWS, benefit_minimum
from school.grading.outcome import Situation
from school.models import Role
from school.records.student_year import StudentYear
from tasks.rendering.columns import Cell, Column, Row
from tasks.rendering.table import Layout
from tasks.reporting.student_report import (
    IDENTITY_COLUMNS,
    StudentParameters,
    StudentReport,
)


class Parameters(StudentParameters):
    list: Literal["all", "below_minimum", "council", "benefit"] = Field(
        default="all",
        description=gettext_noop(
            "Only students below the minimum, those who must be reported to the Conselho "
            "Tutelar, or those below the Bolsa Família's minimum in a two-month window. "
            "Students who have left the network or have died are on none of these lists; who "
            "is now in another class or school of it is listed there, with the days before."
        ),
    )


EXIT_LABELS = {
    ending: labels.SITUATION_LABELS[ending]
    for ending in outcome.EXIT_SITUATIONS.values()
}
LIST_LABELS = {
    "below_minimum": _("below the minimum"),
    "council": _("for the Conselho Tutelar"),
    "benefit": _("below the Bolsa Família's minimum"),
}
LISTS_NEEDING_RULES = {"below_minimum", "council"}
"""Lists that require grading rules."""
WINDOW_TITLES = {
    "feb_mar": _("February and March"),
    "apr_may": _("April and May"),
    "jun_jul": _("June and July"),
    "aug_sep": _("August and September"),
    "oct_nov": _("October and November"),
}


class AttendanceSummary(StudentReport[Parameters]):
    title = _("Attendance")
    description = _(
        "For each student: days of lessons, days absent, attendance rate and absences left, "
        "and the attendance rate in each two-month window of the Bolsa Família."
    )
    allowed_roles = frozenset({Role.ADMINISTRATOR, Role.STAFF, Role.TEACHER})
    example = {"class_id": 1, "list": "all"}
    layout = Layout(
        heading=("school", "year", "class"), landscape=True, hidden=("explanation",)
    )
    with_grades = False
    lists_other_classes = True

    def columns(self) -> Sequence[Column]:
        return [
            *IDENTITY_COLUMNS,
            Column("ending", _("Left"), labels=EXIT_LABELS),
            Column("days", _("Days of lessons"), "integer"),
            Column("absences", _("Days absent"), "integer"),
            Column("justified", _("Justified absences"), "integer"),
            Column("attendance", _("Attendance"), "percent"),
            Column("planned", _("Days planned"), "integer"),
            Column("absences_left", _("Absences left"), "integer"),
            Column("below_minimum", _("Below the minimum"), "boolean"),
            Column("council_list", _("For the Conselho Tutelar"), "boolean"),
            *(
                Column(f"attendance_{code}", title, "percent")
                for code, title in WINDOW_TITLES.items()
            ),
            Column(
                "benefit_below",
                _("Windows below the Bolsa Família's minimum"),
                labels=WINDOW_TITLES,
            ),
            Column("explanation", _("How it was calculated")),
        ]

    def rows(self) -> Iterator[Row]:
        for year in self.years:
            benefit_below = _windows_below(year)
            if not self._is_on_list(year, benefit_below):
                continue
            yield (
                *self.identity_cells(year.row),
                _exit_situation(year),
                year.lesson_counts.total,
                year.absence_counts.total,
                year.record.days.justified_absences,
                *_rule_cells(year),
                *map(
                    _attendance_percent,
                    year.lesson_counts.by_window,
                    year.absence_counts.by_window,
                ),
                " ".join(benefit_below) or None,
                year.explain_attendance(),
            )

    def total(self) -> int | None:
        return self.row_enrolments.count() if self.parameters.list == "all" else None

    def full_title(self) -> str:
        if self.parameters.list == "all":
            return super().full_title()
        return f"{self.title}: {LIST_LABELS[self.parameters.list]}"

    def empty_reason(self) -> str:
        if self.parameters.list != "all" and self.enrolments.exists():
            return gettext("No student is on the requested list.")
        return super().empty_reason()

    def _is_on_list(self, year: StudentYear, benefit_below: Sequence[str]) -> bool:
        if self.parameters.list == "all":
            return True
        attendance = year.outcome.attendance
        is_listed = {
            "below_minimum": attendance is not None and attendance.is_enough is False,
            "council": attendance is not None and attendance.requires_council_notice,
            "benefit": bool(benefit_below),
        }[self.parameters.list]
        if not year.row.is_regular:
            reason = "not_regular"
        elif year.rules is None and self.parameters.list in LISTS_NEEDING_RULES:
            reason = "no_rules"
        elif is_listed and not year.needs_follow_up:
            reason = "left"
        else:
            return is_listed
        self.years.skipped_records.add(year.row.id, {reason: 1})
        return False


def _exit_situation(year: StudentYear) -> Situation | None:
    """Return the situation in which the student left the class; None if still enrolled."""
    return (
        None
        if year.record.exit_reason is None
        else outcome.EXIT_SITUATIONS[year.record.exit_reason]
    )


def _rule_cells(year: StudentYear) -> Row:
    """Return the cells that depend on rules; empty without rules or without lesson days."""
    attendance = year.outcome.attendance
    if attendance is None:
        return year.attendance_percent, None, None, None, None
    has_days = bool(year.lesson_counts.total)
    return (
        year.attendance_percent,
        attendance.planned_days,
        attendance.absences_left,
        attendance.is_enough is False if has_days else None,
        attendance.requires_council_notice if has_days else None,
    )


def _windows_below(year: StudentYear) -> list[str]:
    """Return the codes of the windows with less attendance than the Bolsa Família requires."""
    if not year.row.is_regular:
        return []
    below = []
    windows = zip(
        BENEFIT_WINDOWS,
        year.lesson_counts.by_window,
        year.absence_counts.by_window,
        strict=True,
    )
    for (code, first_month, _last), lesson_days, absent_days in windows:
        first_day = date(year.row.year, first_month, 1)
        minimum = benefit_minimum(year.row.birth_date, first_day)
        if (
            minimum is not None
            and 100 * (lesson_days - absent_days) < minimum * lesson_days
        ):
            below.append(code)
    return below


def _attendance_percent(lesson_days: int, absent_days: int) -> Cell:
    return decimals.percent(lesson_days - absent_days, lesson_days)
