"""The worked examples of docs/rules.md: what a profile makes of marks and days at its boundaries."""

from collections.abc import Iterable, Iterator

from school.grading import attendance, labels, subjects
from school.grading.attendance import AttendanceDays
from school.grading.number_format import format_tenths
from school.grading.outcome import YearRecord, decide_outcome
from school.grading.rules import Rules
from school.grading.subjects import MAX_TENTHS, SubjectGrades

NAMES = {1: "Matemática", 2: "História"}


def listed_from(rules: Rules) -> int:
    return next(
        absent
        for absent in range(rules.year_days + 2)
        if attendance.evaluate_attendance(
            rules, AttendanceDays(rules.year_days, absent)
        ).requires_council_notice
    )


def of_subjects(rules: Rules) -> Iterator[str]:
    yield from _head(
        "notas", "recuperação", *_of_scale(rules, "conceito"), "resultado", "a conta"
    )
    for marks in _at_the_limit(rules):
        result = subjects.evaluate_subject(rules, marks)
        value = result.mean if result.final_mean is None else result.final_mean
        concept = "" if value is None else rules.concept(value) or ""
        yield _row(
            " · ".join("–" if t is None else format_tenths(t) for t in marks.terms),
            "" if marks.exam is None else format_tenths(marks.exam),
            *_of_scale(rules, concept),
            labels.standing_label(result.standing),
            labels.explain_subject(rules, marks, result),
        )


def _of_scale(rules: Rules, cell: str) -> tuple[str, ...]:
    return (cell,) if rules.scale else ()


def _at_the_limit(rules: Rules) -> Iterator[SubjectGrades]:
    terms, mark = rules.terms, int(10 * rules.pass_mark)
    yield SubjectGrades((mark,) * terms)
    for below in (
        (*[mark] * (terms - 1), mark - 1),
        (mark - 1,) * terms,
        (mark - 5,) * terms,
    ):
        yield SubjectGrades(below)
        needed = subjects.evaluate_subject(rules, SubjectGrades(below)).needed_grade
        for exam in [] if needed is None else [needed, needed - 1]:
            yield SubjectGrades(below, exam)
    # The best of those whom no exam can save, and the next better one.
    for grade in range(mark, -1, -1):
        needed = subjects.evaluate_subject(
            rules, SubjectGrades((grade,) * terms)
        ).needed_grade
        if needed is not None and needed > MAX_TENTHS:
            yield SubjectGrades((grade + 1,) * terms)
            yield SubjectGrades((grade,) * terms)
            break
    yield SubjectGrades((mark - 5,) * (terms // 2) + (None,) * (terms - terms // 2))
    yield SubjectGrades((MAX_TENTHS,) * (terms - 1) + (None,))


def of_days(rules: Rules) -> Iterator[str]:
    yield from _head(
        "dias letivos",
        "faltas",
        "a conta",
        "faltas que ainda cabem",
        "Conselho Tutelar",
    )
    year = rules.year_days
    allowed = attendance.evaluate_attendance(rules, AttendanceDays(year)).absences_left
    listed = listed_from(rules)
    for days in (
        AttendanceDays(year, listed - 1), AttendanceDays(year, listed), AttendanceDays(year, allowed),
        AttendanceDays(year, allowed + 1), AttendanceDays(year // 2, allowed - 5),
    ):  # fmt: skip
        result = attendance.evaluate_attendance(rules, days)
        yield _row(
            str(days.lesson_days),
            str(days.absences),
            labels.explain_attendance(rules, days, result),
            str(result.absences_left),
            "sim" if result.requires_council_notice else "não",
        )


def of_years(rules: Rules) -> Iterator[str]:
    yield from _head("situação", "motivos", "o que ainda salva o ano")
    terms, mark, days = rules.terms, int(10 * rules.pass_mark), rules.year_days
    allowed = attendance.evaluate_attendance(rules, AttendanceDays(days)).absences_left
    passed, below = (
        SubjectGrades((mark,) * terms),
        SubjectGrades((mark - 5,) * terms, 0),
    )
    due, half = SubjectGrades((mark - 1,) * terms), (mark - 5,) * (terms // 2)
    missing = SubjectGrades(half + (None,) * (terms - len(half)))
    fine, short = AttendanceDays(days, allowed), AttendanceDays(days, allowed + 1)
    for year in (
        YearRecord({1: passed, 2: passed}, fine, None),
        YearRecord({1: passed, 2: passed}, short, None),
        YearRecord({1: below, 2: passed}, fine, None),
        YearRecord({1: below, 2: passed}, short, None),
        YearRecord({1: below, 2: passed}, fine, None, by_council=True),
        YearRecord({1: due, 2: passed}, fine, None),
        YearRecord({1: missing, 2: passed}, AttendanceDays(days // 2, 10), None),
    ):
        decided = decide_outcome(rules, year)
        yield _row(
            labels.situation_label(decided.situation),
            labels.full_explanation(rules, year, decided, NAMES),
            labels.remedies(rules, year, decided, NAMES),
        )


def _head(*cells: str) -> Iterable[str]:
    return _row(*cells), "|" + "---|" * len(cells)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
