"""Expected final results: a row per enrolment, with a column per subject."""

from fractions import Fraction
from math import floor

from tests.api.access_matrix.expected_access import expected_enrolments
from tests.api.access_matrix.expected_rows import (
    count_absences,
    decided_grades,
    identity_key,
    identity_of_row,
    merge_grades,
    pair_with_chains,
)
from tests.support.oracle import sentences
from tests.support.oracle.reason_codes import reason_codes
from tests.support.oracle.selection import (
    Rows,
    Selection,
    format_attendance,
    identity_cells,
)
from tests.support.oracle.student_year import StudentYear
from tests.tasks.reports.figures.expected.base import ExpectedReport, KeyedRows


def rows(selection: Selection) -> Rows:
    years = selection.all_years()
    subjects = {o.subject_id: o.subject for y in years for o in y.possible_offerings}
    columns = sorted(
        subjects.values(), key=lambda s: (s.order, bytes(s.sort_key), s.pk)
    )  # fmt: skip
    return [_final_row(year, [subject.code for subject in columns]) for year in years]


def _final_row(year: StudentYear, codes: list[str]) -> dict[str, object]:
    grades = {s.subject.code: s.result_cell for s in year.subjects}
    return {
        **identity_cells(year.enrolment),
        **{f"subject_{code}": grades.get(code) for code in codes},
        "absences": year.days.absence_count,
        "attendance": format_attendance(year),
        "situation": year.situation,
        "reasons": sentences.reasons(year),
        "reason_codes": reason_codes(year),
        "partial": year.is_open,
    }


def expected_results(name, parameters):
    """Return days of absence and each subject's grade (two decimals) by student and class."""
    results_by_identity = {}
    for one, before in pair_with_chains(expected_enrolments(name, parameters), name):
        grades = merge_grades(before)
        results_by_identity[identity_key(one)] = (
            count_absences(before),
            {
                f"subject_{code}": floor(mean * 100 + Fraction(1, 2)) / 100
                for code, mean in decided_grades(one, grades).items()
            },
        )
    return results_by_identity


def actual_results(rows):
    return {
        identity_of_row(row): (
            row["absences"],
            {
                name: float(cell)
                for name, cell in row.items()
                if name.startswith("subject_") and cell is not None
            },
        )
        for row in rows
    }


EXPECTED = ExpectedReport(
    roles={"administrator", "staff"},
    reach="YEAR",
    rows=rows,
    # A row per enrolment: another row may include a record that one row skips.
    skipped=None,
    skipped_of_inconsistent_class={
        "grade_outside_terms": 3, "absence_outside_enrolment": 2, "grade_after_exit": 1,
    },
    texts=(
        ("en", "Falta E Nota", "reasons", "Did not pass Matemática: got 2.5 and needed 6.0."),
        ("en", "Falta E Nota", "reasons", "Came on 110 of the 200 school days (55%; the minimum is 75%)."),
        ("en", "Dois Terços", "reasons", "Came on 20 of the 30 school days (66.66%; the minimum is 66.7%)."),
        ("en", "Falta Com Exame Aberto", "reasons", "Will take the recovery exam of Matemática: the year's mean was 3.0 and the minimum is 6.0."),
        ("pt-BR", "Falta E Nota", "reasons", "Não passou em Matemática: ficou com 2,5 e precisava de 6,0."),
    ),
    keyed_rows=KeyedRows(expected_results, actual_results),
)  # fmt: skip
