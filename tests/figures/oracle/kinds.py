"""The rows that each kind of report must have, for a viewer and parameters."""

from collections.abc import Callable, Mapping

from school import models as m
from tests.figures.oracle import sight
from tests.figures.oracle.attendance import at_risk_students, attendance_summary
from tests.figures.oracle.cards import final_results, report_card
from tests.figures.oracle.classes import class_performance
from tests.figures.oracle.paper import transcript
from tests.figures.oracle.world import Asked, Rows, World

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


def expected(
    kind: str,
    viewer: m.User,
    parameters: Mapping[str, object],
    world: World | None = None,
) -> Rows:
    """All rows in their order, cells as JSON has them, without the columns of free text."""
    world = world or World()
    seen = sight.seen_by(viewer, world.enrolments)
    asked = Asked(world, seen, sight.listed(seen, parameters), parameters)
    return KINDS[kind](asked)
