"""Attendance: rates, the Bolsa Família windows, and the Conselho Tutelar list."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Literal

from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from school.grading import decimals, labels, outcome
from school.grading.attendance import WINDOWS, benefit_minimum
from school.grading.outcome import Situation
from school.models import Role
from school.records.student_year import StudentYear
from tasks.rendering.columns import Cell, Column, Row
from tasks.rendering.table import Layout
from tasks.reporting.student_report import WHO, StudentParameters, StudentReport


class Parameters(StudentParameters):
    list: Literal["all", "below_minimum", "council", "benefit"] = Field(
        default="all",
        description=gettext_noop(
            "Only students below the minimum, those whom the Conselho Tutelar is told of, "
            "or those below the Bolsa Família's minimum in a window of two months. Who is "
            "another school's by now, or has died, is on none of these lists."
        ),
    )


GONE = {
    Situation.TRANSFERRED,
    Situation.RECLASSIFIED,
    Situation.CLASS_CHANGED,
    Situation.DECEASED,
}
"""Of whom there is nobody to be told any more by this school; of who dropped out there is."""
ENDINGS = {ending: labels.SITUATIONS[ending] for ending in outcome.ENDINGS.values()}
LISTS = {
    "below_minimum": _("below the minimum"),
    "council": _("for the Conselho Tutelar"),
    "benefit": _("below the Bolsa Família's minimum"),
}
BY_RULES = {"below_minimum", "council"}
"""The lists that nobody can be found to be on without rules."""
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
        "For each student: the days of lessons and of absence, the share attended, how many "
        "absences are left, and the same for each window of two months of the Bolsa Família."
    )
    audience = frozenset({Role.ADMINISTRATOR, Role.STAFF, Role.TEACHER})
    example = {"class_id": 1, "list": "all"}
    layout = Layout(
        heading=("school", "year", "class"), is_wide=True, hidden=("explanation",)
    )
    with_marks = False

    def columns(self) -> Sequence[Column]:
        return [
            *WHO,
            Column("ending", _("Left"), labels=ENDINGS),
            Column("days", _("Days of lessons"), "integer"),
            Column("absences", _("Days absent"), "integer"),
            Column("justified", _("Of these justified"), "integer"),
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
            Column("explanation", _("How it was reckoned")),
        ]

    def rows(self) -> Iterator[Row]:
        for year in self.years:
            if year.rules is None and self.parameters.list in BY_RULES:
                self.years.left_out.add(year.place.id, {"no_rules": 1})
            benefit_below = _windows_below(year)
            if not self._is_listed(year, benefit_below):
                continue
            ending = _ending(year)
            if ending in GONE and self.parameters.list != "all":
                self.years.left_out.add(year.place.id, {"left": 1})
                continue
            yield (
                *self.who(year.place),
                ending,
                year.given.total,
                year.absent.total,
                year.year.days.justified,
                *_judged(year),
                *map(_percent, year.given.by_window, year.absent.by_window),
                " ".join(benefit_below) or None,
                year.why_attendance(),
            )

    def total(self) -> int | None:
        return self.listed.count() if self.parameters.list == "all" else None

    def full_title(self) -> str:
        if self.parameters.list == "all":
            return super().full_title()
        return f"{self.title}: {LISTS[self.parameters.list]}"

    def why_empty(self) -> str:
        if self.parameters.list != "all" and self.enrolments.exists():
            return gettext("No student is on the list that was asked for.")
        return super().why_empty()

    def _is_listed(self, year: StudentYear, benefit_below: Sequence[str]) -> bool:
        judged = year.outcome.attendance
        return {
            "all": True,
            "below_minimum": judged is not None and judged.is_enough is False,
            "council": judged is not None and judged.is_for_council,
            "benefit": bool(benefit_below),
        }[self.parameters.list]


def _ending(year: StudentYear) -> Situation | None:
    """As what the student left; of who is still there attendance alone says nothing more."""
    return None if year.year.ending is None else outcome.ENDINGS[year.year.ending]


def _judged(year: StudentYear) -> Row:
    """What only rules can say; nothing without them, and no verdict without a day."""
    judged = year.outcome.attendance
    if judged is None:
        return year.attendance, None, None, None, None
    has_days = bool(year.given.total)
    return (
        year.attendance,
        judged.planned,
        judged.absences_left,
        judged.is_enough is False if has_days else None,
        judged.is_for_council if has_days else None,
    )


def _windows_below(year: StudentYear) -> list[str]:
    """The windows in which the student attended less than the Bolsa Família asks for."""
    below = []
    days = zip(WINDOWS, year.given.by_window, year.absent.by_window, strict=True)
    for (code, first_month, _last), given, absent in days:
        first_day = date(year.place.year, first_month, 1)
        minimum = benefit_minimum(year.place.birth_date, first_day)
        if minimum is not None and 100 * (given - absent) < minimum * given:
            below.append(code)
    return below


def _percent(given: int, absent: int) -> Cell:
    return decimals.percent(given - absent, given)
