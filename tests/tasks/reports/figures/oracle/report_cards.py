"""Rows of report cards and of the final results of a class."""

from tests.tasks.reports.figures.oracle import rounding
from tests.tasks.reports.figures.oracle.selection import (
    Rows,
    Selection,
    final_or_mean,
    format_attendance,
    identity_cells,
)
from tests.tasks.reports.figures.oracle.student_year import StudentYear


def report_card(selection: Selection) -> Rows:
    years = selection.latest_years()
    # Also of those without a subject: which columns there are is known before any row.
    terms = range(1, max([year.terms for year in years], default=0) + 1)
    return [
        {
            **identity_cells(year.enrolment),
            "subject": subject.subject.name,
            **{f"term_{n}": format_term_grade(subject.tenths, n) for n in terms},
            "mean": subject.display_mean,
            "recovery": rounding.format_grade(subject.exam),
            "final": subject.display_final,
            "concept": subject.concept,
            "absences": year.days.absence_count,
            **{f"absences_{n}": year.days.absences_in_term(n) for n in terms},
            "attendance": format_attendance(year),
            "result": subject.result,
            "needed": rounding.format_grade(subject.needed_tenths),
            "situation": year.situation,
        }
        for year in years
        for subject in year.subjects
    ]


def format_term_grade(tenths: list[int | None], number: int) -> str | None:
    return rounding.format_grade(tenths[number - 1]) if number <= len(tenths) else None


def final_results(selection: Selection) -> Rows:
    years = selection.all_years()
    subjects = {s.subject.pk: s.subject for year in years for s in year.subjects}
    columns = sorted(
        subjects.values(), key=lambda s: (s.order, bytes(s.sort_key), s.pk)
    )  # fmt: skip
    return [_final_row(year, [subject.code for subject in columns]) for year in years]


def _final_row(year: StudentYear, codes: list[str]) -> dict[str, object]:
    grades = {s.subject.code: s.concept or final_or_mean(s) for s in year.subjects}
    return {
        **identity_cells(year.enrolment),
        **{f"subject_{code}": grades.get(code) for code in codes},
        "absences": year.days.absence_count,
        "attendance": format_attendance(year),
        "situation": year.situation,
    }
