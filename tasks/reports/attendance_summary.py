"""Attendance: rates, Bolsa Família windows and the Conselho Tutelar list."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from itertools import groupby
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from school.grading import decimals, labels, outcome
from school.grading.attendance import DatedWindow, benefit_minimum
from school.models import Role
from school.records.student_year import StudentYear
from tasks.rendering.columns import Cell, Column, Row
from tasks.rendering.table import Layout
from tasks.reporting.parameters import choices
from tasks.reporting.student_report import (
    ID_COLUMNS,
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
        json_schema_extra=choices(
            {
                "all": gettext_noop("All students"),
                "below_minimum": gettext_noop("Below the minimum"),
                "council": gettext_noop("For the Conselho Tutelar"),
                "benefit": gettext_noop("Below the Bolsa Família's minimum"),
            }
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
    progress_unit = "students"
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
                Column(f"attendance_{key}", title, "percent")
                for key, title in self._window_titles.items()
            ),
            Column(
                "benefit_below",
                _("Windows below the Bolsa Família's minimum"),
                labels=self._window_titles,
            ),
            Column("explanation", _("How it was calculated")),
            *ID_COLUMNS,
        ]

    def rows(self) -> Iterator[Row]:
        for year in self.years:
            benefit_below = _windows_below(year)
            if not self._is_on_list(year, benefit_below):
                continue
            yield (
                *self.identity_cells(year.row),
                year.exit_situation,
                year.lesson_counts.total,
                year.absence_counts.total,
                year.record.days.justified_absences,
                *_rule_cells(year),
                *self._window_cells(year),
                " ".join(benefit_below) or None,
                year.explain_attendance(),
                *self.id_cells(year.row),
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

    @cached_property
    def _window_titles(self) -> Mapping[str, str | Promise]:
        """Titles by window key; later windows of a code also name their calendar years."""
        titles: dict[str, str | Promise] = dict(WINDOW_TITLES)
        later_windows = {w for w in self.years.benefit_windows if w.number > 1}
        for key, windows in groupby(sorted(later_windows, key=_column_order), _key):
            first, *others = windows
            years = ", ".join(str(w.first_day.year) for w in (first, *others))
            titles[key] = f"{WINDOW_TITLES[first.code]} ({years})"
        return titles

    def _window_cells(self, year: StudentYear) -> Row:
        """Return the attendance in each window of `_window_titles`; empty if the year has none."""
        percents = dict(
            zip(
                (window.key for window in year.benefit_windows),
                map(
                    _attendance_percent,
                    year.lesson_counts.by_window,
                    year.absence_counts.by_window,
                ),
                strict=True,
            )
        )
        return tuple(percents.get(key) for key in self._window_titles)

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


def _key(window: DatedWindow) -> str:
    return window.key


def _column_order(window: DatedWindow) -> tuple[int, int, date]:
    return window.number, window.first_day.month, window.first_day


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
    """Return the keys of the windows with less attendance than the Bolsa Família requires."""
    if not year.row.is_regular:
        return []
    below = []
    windows = zip(
        year.benefit_windows,
        year.lesson_counts.by_window,
        year.absence_counts.by_window,
        strict=True,
    )
    for window, lesson_days, absent_days in windows:
        minimum = benefit_minimum(year.row.birth_date, window.first_day)
        if (
            minimum is not None
            and 100 * (lesson_days - absent_days) < minimum * lesson_days
        ):
            below.append(window.key)
    return below


def _attendance_percent(lesson_days: int, absent_days: int) -> Cell:
    return decimals.percent(lesson_days - absent_days, lesson_days)
