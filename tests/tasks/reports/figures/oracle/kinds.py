"""The rows that each kind of report must have, for a viewer and parameters."""

from collections import Counter
from collections.abc import Callable, Mapping

from school import models as m
from tests.tasks.reports.figures.oracle import class_figures, visibility
from tests.tasks.reports.figures.oracle.attendance import (
    at_risk_students,
    attendance_summary,
)
from tests.tasks.reports.figures.oracle.class_figures import class_performance
from tests.tasks.reports.figures.oracle.report_cards import final_results, report_card
from tests.tasks.reports.figures.oracle.selection import Asked, Rows, World
from tests.tasks.reports.figures.oracle.student_year import Year
from tests.tasks.reports.figures.oracle.transcripts import every_year, transcript

KINDS: dict[str, Callable[[Asked], Rows]] = {
    "report_card": report_card,
    "transcript": transcript,
    "final_results": final_results,
    "attendance_summary": attendance_summary,
    "class_performance": class_performance,
    "at_risk_students": at_risk_students,
}
FREE_TEXT = frozenset({"explanation", "reasons", "saving"})
"""Columns that this reckoning leaves to tests of the words themselves."""


YEARS: dict[str, Callable[[Asked], list[Year]]] = {
    "report_card": Asked.latest,
    "transcript": every_year,
    "final_results": Asked.each,
    "attendance_summary": Asked.latest,
    "at_risk_students": Asked.latest,
}
"""The years that a kind tells of; the other kind tells of single grades."""


def ask(
    viewer: m.User, parameters: Mapping[str, object], world: World | None = None
) -> Asked:
    world = world or World()
    seen = visibility.seen_by(viewer, world.enrolments)
    return Asked(world, seen, visibility.listed(seen, parameters), parameters)


def expected(
    kind: str,
    viewer: m.User,
    parameters: Mapping[str, object],
    world: World | None = None,
) -> Rows:
    """All rows in their order, cells as JSON has them, without the columns of free text."""
    return KINDS[kind](ask(viewer, parameters, world))


def expected_left_out(
    kind: str,
    viewer: m.User,
    parameters: Mapping[str, object],
    world: World | None = None,
) -> dict[str, int]:
    """How many records, or pupils, each reason leaves out."""
    asked = ask(viewer, parameters, world)
    if kind == "class_performance":
        return {
            why: count for why, count in class_figures.left_out(asked).items() if count
        }
    years = YEARS[kind](asked)
    records = {
        (why, type(record), record.pk)
        for year in years
        for why, record in year.left_out()
        # It looks at no grade, and so leaves none out.
        if kind != "attendance_summary" or isinstance(record, m.Absence | m.Enrolment)
    }
    counts = Counter(why for why, *_ in records)
    if kind == "report_card":
        counts["no_subjects"] = sum(not year.subjects for year in years)
    if kind == "at_risk_students":
        counts["left"] = sum(year.is_gone for year in years)
        counts["no_rules"] = sum(
            year.rules is None and not year.is_gone for year in years
        )  # fmt: skip
    return {why: count for why, count in counts.items() if count}
