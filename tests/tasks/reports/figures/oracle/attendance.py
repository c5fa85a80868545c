"""Rows of the attendance summary, and of the students at risk."""

from tests.tasks.reports.figures.oracle import rounding
from tests.tasks.reports.figures.oracle.days import WINDOWS, Days
from tests.tasks.reports.figures.oracle.selection import (
    Rows,
    Selection,
    format_attendance,
    identity_cells,
)
from tests.tasks.reports.figures.oracle.student_year import StudentYear

LIST_FILTERS = {
    "all": lambda row: True,
    "below_minimum": lambda row: row["below_minimum"],
    "council": lambda row: row["council_list"],
    "benefit": lambda row: row["benefit_below"],
}


def attendance_summary(selection: Selection) -> Rows:
    matches_list = LIST_FILTERS[str(selection.parameters.get("list", "all"))]
    rows = [_summary_row(year) for year in selection.latest_years()]
    return [
        row for row in rows if matches_list(row) and not _is_excluded(row, selection)
    ]


def _is_excluded(row: dict[str, object], selection: Selection) -> bool:
    """Of a list: who has died, or is in another class or school by now."""
    exit_situations = {"transferred", "reclassified", "class_changed", "deceased"}
    is_list = selection.parameters.get("list", "all") != "all"
    return is_list and row["ending"] in exit_situations


def _summary_row(year: StudentYear) -> dict[str, object]:
    days = year.days
    return {
        **identity_cells(year.enrolment),
        "ending": year.exit_situation,
        "days": days.lesson_days,
        "absences": days.absence_count,
        "justified": days.justified_count,
        "attendance": format_attendance(year),
        "planned": days.planned_days,
        "absences_left": days.absences_left,
        "below_minimum": None if days.is_enough is None else not days.is_enough,
        "council_list": days.is_for_council,
        **{f"attendance_{code}": _format_window(days, code) for code in WINDOWS},
        "benefit_below": " ".join(code for code in WINDOWS if _is_below(days, code))
        or None,
    }


def _format_window(days: Days, code: str) -> str | None:
    months = WINDOWS[code]
    return rounding.round_for_display(
        days.window_percent(months), 1, days.benefit_minimum(months)
    )


def _is_below(days: Days, code: str) -> bool:
    share, minimum = (
        days.window_percent(WINDOWS[code]),
        days.benefit_minimum(WINDOWS[code]),
    )
    return share is not None and minimum is not None and share < minimum


PASSING_SITUATIONS = {
    "approved", "approved_after_recovery", "approved_by_council", "approved_with_dependency",
}  # fmt: skip


def at_risk_students(selection: Selection) -> Rows:
    """Who may still lose the year, or has: neither who has left nor who has passed."""
    years = selection.latest_years()
    candidates = [
        year
        for year in years
        if year.rules is not None
        and not year.has_left
        and year.situation not in PASSING_SITUATIONS
    ]
    risks = ("by_grades", "by_attendance", "by_council_list")
    rows = [_risk_row(year) for year in candidates]
    return [row for row in rows if any(row[risk] for risk in risks)]


def _risk_row(year: StudentYear) -> dict[str, object]:
    below = sum(subject.is_at_risk for subject in year.subjects)
    return {
        **identity_cells(year.enrolment),
        "situation": year.situation,
        "attendance": format_attendance(year),
        "absences": year.days.absence_count,
        "absences_left": year.days.absences_left,
        "subjects_below": below,
        "by_grades": below > 0,
        "by_attendance": year.days.is_enough is False,
        "by_council_list": bool(year.days.is_for_council),
    }
