"""Rows of report cards and of the final results of a class."""

from tests.tasks.reports.figures.oracle import rounding
from tests.tasks.reports.figures.oracle.selection import (
    Asked,
    Rows,
    attendance,
    best,
    who,
)
from tests.tasks.reports.figures.oracle.student_year import Year


def report_card(asked: Asked) -> Rows:
    years = asked.latest()
    # Also of those without a subject: which columns there are is known before any row.
    terms = range(1, max([year.terms for year in years], default=0) + 1)
    return [
        {
            **who(year.enrolment),
            "subject": subject.subject.name,
            **{f"term_{n}": term_grade(subject.tenths, n) for n in terms},
            "mean": subject.shown_mean,
            "recovery": rounding.grade(subject.exam),
            "final": subject.shown_final,
            "concept": subject.concept,
            "absences": year.days.absent,
            **{f"absences_{n}": year.days.absent_in(n) for n in terms},
            "attendance": attendance(year),
            "result": subject.result,
            "needed": rounding.grade(subject.needed),
            "situation": year.situation,
        }
        for year in years
        for subject in year.subjects
    ]


def term_grade(tenths: list[int | None], number: int) -> str | None:
    return rounding.grade(tenths[number - 1]) if number <= len(tenths) else None


def final_results(asked: Asked) -> Rows:
    years = asked.each()
    subjects = {s.subject.pk: s.subject for year in years for s in year.subjects}
    columns = sorted(
        subjects.values(), key=lambda s: (s.order, bytes(s.sort_key), s.pk)
    )  # fmt: skip
    return [_final_row(year, [subject.code for subject in columns]) for year in years]


def _final_row(year: Year, codes: list[str]) -> dict[str, object]:
    grades = {s.subject.code: s.concept or best(s) for s in year.subjects}
    return {
        **who(year.enrolment),
        **{f"subject_{code}": grades.get(code) for code in codes},
        "absences": year.days.absent,
        "attendance": attendance(year),
        "situation": year.situation,
    }
