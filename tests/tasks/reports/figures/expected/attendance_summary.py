"""Expected attendance summaries: a row per student."""

from collections import Counter

from school import models as m
from tests.api.access_matrix.expected_rows import (
    absences_of_enrolment,
    count_absences,
    identity_key,
    identity_of_row,
    latest_with_chains,
)
from tests.support.oracle import rounding
from tests.support.oracle.days import WINDOWS, Days, windows_of
from tests.support.oracle.selection import (
    Rows,
    Selection,
    count_skipped_records,
    format_attendance,
    identity_cells,
)
from tests.support.oracle.student_year import StudentYear
from tests.tasks.reports.figures.expected.base import (
    ExpectedReport,
    KeyedRows,
    Objects,
    student_cases,
)

LIST_FILTERS = {
    "all": lambda row: True,
    "below_minimum": lambda row: row["below_minimum"],
    "council": lambda row: row["council_list"],
    "benefit": lambda row: row["benefit_below"],
}


def rows(selection: Selection) -> Rows:
    matches_list = LIST_FILTERS[str(selection.parameters.get("list", "all"))]
    years = _years(selection)
    # Columns are those of all selected school years, whichever students they have.
    school_years = {year.enrolment.school_class.school_year for year in years}
    keys = {key for one in school_years for key in windows_of(one)}
    return [
        row
        for year in years
        if (row := _summary_row(year, sorted(keys, key=_column_order)))
        and matches_list(row)
        and not _is_excluded(year, selection)
    ]


def _years(selection: Selection) -> list[StudentYear]:
    """Return the years; a class that is not regular is listed only if it is asked for."""
    return selection.latest_years(of_any_class=_names_classes(selection))


def _is_excluded(year: StudentYear, selection: Selection) -> bool:
    """Return whether a list excludes this student: gone, or followed up elsewhere."""
    is_list = selection.parameters.get("list", "all") != "all"
    is_regular = year.enrolment.school_class.kind == "regular"
    return is_list and not (is_regular and year.is_followed_up_here)


def _column_order(key: str) -> tuple[str, int]:
    """Sort by repetition, then by month."""
    code = next(code for code in WINDOWS if key.startswith(code))
    return key.removeprefix(code), list(WINDOWS).index(code)


def _summary_row(year: StudentYear, window_keys: list[str]) -> dict[str, object]:
    days = year.days
    return {
        **identity_cells(year.enrolment),
        "ending": year.exit_situation,
        "days": days.lesson_days,
        "absences": days.absence_count,
        "justified": days.justified_count,
        "attendance": format_attendance(year),
        "planned": days.planned_days,
        "absences_left": year.absences_left,
        "below_minimum": None if days.is_enough is None else not days.is_enough,
        "council_list": days.is_for_council,
        **{f"attendance_{key}": _format_window(days, key) for key in window_keys},
        "benefit_below": " ".join(k for k in window_keys if _is_below(days, k)) or None,
    }


def _format_window(days: Days, key: str) -> str | None:
    if key not in days.windows:
        return None
    months = days.windows[key]
    return rounding.round_for_display(
        days.window_percent(months), 1, days.benefit_minimum(months)
    )


def _is_below(days: Days, key: str) -> bool:
    if key not in days.windows:
        return False
    months = days.windows[key]
    share, minimum = days.window_percent(months), days.benefit_minimum(months)
    return share is not None and minimum is not None and share < minimum


def skipped_counts(selection: Selection) -> Counter[str]:
    """Count skipped absences; this kind reads no grades, so it skips none."""
    counts = count_skipped_records(_years(selection), (m.Absence,))
    if not _names_classes(selection):
        counts["not_regular"] = selection.not_regular_count
    return counts


def _names_classes(selection: Selection) -> bool:
    return not {"class_id", "class_ids"}.isdisjoint(selection.parameters)


def cases(objects: Objects) -> list[dict[str, object]]:
    lists = ("below_minimum", "council", "benefit")
    return [*student_cases(objects), *({"year": 2026, "list": name} for name in lists)]


def expected_attendance(name, parameters):
    """Return absences and justified absences by student and class."""
    return {
        identity_key(one): (
            count_absences(before),
            sum(sum(absences_of_enrolment(one)) for one in before),
        )
        for one, before in latest_with_chains(name, parameters)
    }


def actual_attendance(rows):
    return {identity_of_row(row): (row["absences"], row["justified"]) for row in rows}


EXPECTED = ExpectedReport(
    roles={"administrator", "staff", "teacher"},
    reach="YEAR",
    rows=rows,
    skipped=skipped_counts,
    skipped_of_inconsistent_class={
        "absence_outside_enrolment": 2,
    },
    cases=cases,
    text_columns={"explanation"},
    texts=(
        ("pt-BR", "Falta 51", "explanation", "149/200 = 74,5 % < 75 %"),
        ("pt-BR", "Falta 50", "explanation", "150/200 = 75,0 % ≥ 75 %"),
        ("pt-BR", "Planeja 51", "explanation", "149/200 = 74,5 % < 74,97 %"),
        ("en", "Falta 51", "explanation", "149/200 = 74.5"),
    ),
    keyed_rows=KeyedRows(expected_attendance, actual_attendance),
)
