"""Rows of the attendance summary, and of the students at risk."""

from tests.tasks.reports.figures.oracle import rounding
from tests.tasks.reports.figures.oracle.days import WINDOWS, Days
from tests.tasks.reports.figures.oracle.selection import Asked, Rows, attendance, who
from tests.tasks.reports.figures.oracle.student_year import Year

LISTS = {
    "all": lambda row: True,
    "below_minimum": lambda row: row["below_minimum"],
    "council": lambda row: row["council_list"],
    "benefit": lambda row: row["benefit_below"],
}


def attendance_summary(asked: Asked) -> Rows:
    wanted = LISTS[str(asked.parameters.get("list", "all"))]
    rows = [_summary_row(year) for year in asked.latest()]
    return [row for row in rows if wanted(row) and not _is_no_matter(row, asked)]


def _is_no_matter(row: dict[str, object], asked: Asked) -> bool:
    """Of a list: who has died, or is in another class or school by now."""
    gone = {"transferred", "reclassified", "class_changed", "deceased"}
    is_list = asked.parameters.get("list", "all") != "all"
    return is_list and row["ending"] in gone


def _summary_row(year: Year) -> dict[str, object]:
    days = year.days
    return {
        **who(year.enrolment),
        "ending": year.gone,
        "days": days.given,
        "absences": days.absent,
        "justified": days.justified,
        "attendance": attendance(year),
        "planned": days.planned,
        "absences_left": days.left,
        "below_minimum": None if days.is_enough is None else not days.is_enough,
        "council_list": days.is_for_council,
        **{f"attendance_{code}": _window(days, code) for code in WINDOWS},
        "benefit_below": " ".join(code for code in WINDOWS if _is_below(days, code))
        or None,
    }


def _window(days: Days, code: str) -> str | None:
    months = WINDOWS[code]
    return rounding.shown(days.in_window(months), 1, days.benefit_minimum(months))


def _is_below(days: Days, code: str) -> bool:
    share, minimum = (
        days.in_window(WINDOWS[code]),
        days.benefit_minimum(WINDOWS[code]),
    )
    return share is not None and minimum is not None and share < minimum


WON = {
    "approved", "approved_after_recovery", "approved_by_council", "approved_with_dependency",
}  # fmt: skip


def at_risk_students(asked: Asked) -> Rows:
    """Who may still lose the year, or has: neither who has left nor who has passed."""
    years = asked.latest()
    at_stake = [
        year
        for year in years
        if year.rules is not None and not year.is_gone and year.situation not in WON
    ]
    risks = ("by_grades", "by_attendance", "by_council_list")
    rows = [_risk_row(year) for year in at_stake]
    return [row for row in rows if any(row[risk] for risk in risks)]


def _risk_row(year: Year) -> dict[str, object]:
    below = sum(subject.is_below for subject in year.subjects)
    return {
        **who(year.enrolment),
        "situation": year.situation,
        "attendance": attendance(year),
        "absences": year.days.absent,
        "absences_left": year.days.left,
        "subjects_below": below,
        "by_grades": below > 0,
        "by_attendance": year.days.is_enough is False,
        "by_council_list": bool(year.days.is_for_council),
    }
