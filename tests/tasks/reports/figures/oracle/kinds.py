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
from tests.tasks.reports.figures.oracle.selection import Dataset, Rows, Selection
from tests.tasks.reports.figures.oracle.student_year import StudentYear
from tests.tasks.reports.figures.oracle.transcripts import all_student_years, transcript

KINDS: dict[str, Callable[[Selection], Rows]] = {
    "report_card": report_card,
    "transcript": transcript,
    "final_results": final_results,
    "attendance_summary": attendance_summary,
    "class_performance": class_performance,
    "at_risk_students": at_risk_students,
}
FREE_TEXT_COLUMNS = frozenset({"explanation", "reasons", "saving"})
"""Columns that this reckoning leaves to tests of the words themselves."""


YEARS_BY_KIND: dict[str, Callable[[Selection], list[StudentYear]]] = {
    "report_card": Selection.latest_years,
    "transcript": all_student_years,
    "final_results": Selection.all_years,
    "attendance_summary": Selection.latest_years,
    "at_risk_students": Selection.latest_years,
}
"""The years that a kind tells of; the other kind tells of single grades."""


def select(
    viewer: m.User, parameters: Mapping[str, object], dataset: Dataset | None = None
) -> Selection:
    dataset = dataset or Dataset()
    visible = visibility.visible_to(viewer, dataset.enrolments)
    return Selection(
        dataset, visible, visibility.select_enrolments(visible, parameters), parameters
    )


def expected_rows(
    kind: str,
    viewer: m.User,
    parameters: Mapping[str, object],
    dataset: Dataset | None = None,
) -> Rows:
    """All rows in their order, cells as JSON has them, without the columns of free text."""
    return KINDS[kind](select(viewer, parameters, dataset))


def expected_skipped(
    kind: str,
    viewer: m.User,
    parameters: Mapping[str, object],
    dataset: Dataset | None = None,
) -> dict[str, int]:
    """How many records, or pupils, each reason leaves out."""
    selection = select(viewer, parameters, dataset)
    if kind == "class_performance":
        return {
            reason: count
            for reason, count in class_figures.count_skipped(selection).items()
            if count
        }
    years = YEARS_BY_KIND[kind](selection)
    records = {
        (why, type(record), record.pk)
        for year in years
        for why, record in year.skipped_records()
        # It looks at no grade, and so leaves none out.
        if kind != "attendance_summary" or isinstance(record, m.Absence | m.Enrolment)
    }
    counts = Counter(why for why, *_ in records)
    if kind == "report_card":
        counts["no_subjects"] = sum(not year.subjects for year in years)
    if kind == "at_risk_students":
        counts["left"] = sum(year.has_left for year in years)
        counts["no_rules"] = sum(
            year.rules is None and not year.has_left for year in years
        )  # fmt: skip
    return {why: count for why, count in counts.items() if count}
