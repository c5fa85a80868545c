"""Expected report cards: a row per student and subject."""

from collections import Counter

from tests.api.access_matrix.expected_rows import (
    count_absences,
    identity_key,
    identity_of_row,
    latest_with_chains,
    merge_grades,
    subject_names,
    term_grades,
)
from tests.api.access_matrix.outcome_tables import OBJECTS
from tests.support.oracle import rounding, sentences
from tests.support.oracle.reason_codes import reason_codes
from tests.support.oracle.selection import (
    Rows,
    Selection,
    count_skipped_records,
    format_attendance,
    identity_cells,
)
from tests.support.oracle.student_year import StudentYear
from tests.support.oracle.subject_year import SubjectYear
from tests.tasks.reports.figures.expected.base import ExpectedReport, KeyedRows


def rows(selection: Selection) -> Rows:
    years = selection.latest_years()
    # Includes years without subjects, because columns are fixed before the first row.
    terms = range(1, max([year.terms for year in years], default=0) + 1)
    return [
        {
            **identity_cells(year.enrolment),
            **_subject_cells(subject, terms),
            "absences": year.days.absence_count,
            **{f"absences_{n}": year.days.absences_in_term(n) for n in terms},
            "attendance": format_attendance(year),
            "situation": year.situation,
            "reasons": sentences.reasons(year),
            "reason_codes": reason_codes(year),
            "saving": sentences.next_steps(year),
            "partial": year.is_open,
        }
        for year in years
        for subject in year.subjects or ([None] if _has_no_grades(year) else [])
    ]


def _has_no_grades(year: StudentYear) -> bool:
    return year.rules is not None and year.rules["assessment"] == "none"


def _subject_cells(subject: SubjectYear | None, terms: range) -> dict[str, object]:
    if subject is None:  # a year without grades has a row all the same
        names = ("subject", "mean", "recovery", "final", "concept", "result", "needed")
        return dict.fromkeys([*names, *(f"term_{n}" for n in terms)])
    return {
        "subject": subject.subject.name,
        **{f"term_{n}": subject.term_cell(n) for n in terms},
        "mean": subject.display_mean,
        "recovery": subject.exam_cell,
        "final": subject.display_final,
        "concept": subject.concept,
        "result": subject.result,
        "needed": rounding.format_grade(subject.needed_tenths),
    }


def skipped_counts(selection: Selection) -> Counter[str]:
    years = selection.latest_years()
    counts = count_skipped_records(years)
    counts["not_regular"] = selection.not_regular_count
    counts["no_subjects"] = sum(
        not year.subjects and not _has_no_grades(year) for year in years
    )
    return counts


def expected_report_cards(name, parameters):
    """Return term grades and days of absence by student, class and subject."""
    cards_by_key = {}
    for one, before in latest_with_chains(name, parameters):
        grades, absence_count = merge_grades(before), count_absences(before)
        for subject in subject_names(one):
            cards_by_key[*identity_key(one), subject] = (
                grades.get(subject, {}),
                absence_count,
            )
    return cards_by_key


def actual_report_cards(rows):
    return {
        (*identity_of_row(row), row["subject"]): (term_grades(row), row["absences"])
        for row in rows
    }


EXPECTED = ExpectedReport(
    roles={"administrator", "staff", "teacher", "guardian"},
    reach="YEAR",
    rows=rows,
    skipped=skipped_counts,
    skipped_of_inconsistent_class={
        "grade_outside_terms": 3, "absence_outside_enrolment": 2, "grade_after_exit": 1,
    },
    text_columns={"explanation"},
    texts=(
        ("pt-BR", "Ávila", "explanation", "(6,0 + 6,0 + 6,0 + 6,0) / 4 = 6,0 ≥ 6,0"),
        ("pt-BR", "Álvaro", "explanation", "(5,5 + 6,5) / 2 = 6,0 ≥ 6,0"),
        ("pt-BR", "Zélia", "explanation", "(5,5 + 6,4) / 2 = 5,95 < 6,0"),
        ("pt-BR", "Zelia", "explanation", "(5,925 + 6,0) / 2 = 5,9625 < 6,0"),
        ("pt-BR", "Avila", "explanation", "6,1"),
        ("pt-BR", "Ângela", "explanation", "Nem com 10,0 na recuperação chegaria a 6,0."),
        ("en", "Zélia", "explanation", "(5.5 + 6.4) / 2 = 5.95 < 6.0"),
    ),
    keyed_rows=KeyedRows(expected_report_cards, actual_report_cards),
    outcomes=OBJECTS,
)  # fmt: skip
