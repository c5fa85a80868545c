"""Worked examples of docs/rules.md: results of a profile at its boundaries."""

from collections.abc import Iterable, Iterator

from school.grading import attendance, labels, subjects
from school.grading.attendance import AttendanceDays
from school.grading.number_format import format_tenths
from school.grading.outcome import YearRecord, decide_outcome
from school.grading.rules import Rules
from school.grading.subjects import MAX_TENTHS, SubjectGrades

SUBJECT_NAMES = {1: "Matemática", 2: "História"}


def council_threshold(rules: Rules) -> int:
    return next(
        absences
        for absences in range(rules.year_days + 2)
        if attendance.evaluate_attendance(
            rules, AttendanceDays(rules.year_days, absences)
        ).requires_council_notice
    )


def subject_rows(rules: Rules) -> Iterator[str]:
    yield from _header_rows(
        "notas",
        "recuperação",
        *_concept_cells(rules, "conceito"),
        "resultado",
        "a conta",
    )
    for grades in _boundary_grades(rules):
        result = subjects.evaluate_subject(rules, grades)
        value = result.mean if result.final_mean is None else result.final_mean
        concept = "" if value is None else rules.concept(value) or ""
        yield _row(
            " · ".join("–" if t is None else format_tenths(t) for t in grades.terms),
            "" if grades.exam is None else format_tenths(grades.exam),
            *_concept_cells(rules, concept),
            labels.standing_label(result.standing),
            labels.explain_subject(rules, grades, result),
        )


def _concept_cells(rules: Rules, cell: str) -> tuple[str, ...]:
    return (cell,) if rules.scale else ()


def _boundary_grades(rules: Rules) -> Iterator[SubjectGrades]:
    terms, pass_tenths = rules.terms, int(10 * rules.pass_mark)
    yield SubjectGrades((pass_tenths,) * terms)
    for failing_terms in (
        (*[pass_tenths] * (terms - 1), pass_tenths - 1),
        (pass_tenths - 1,) * terms,
        (pass_tenths - 5,) * terms,
    ):
        grades = SubjectGrades(failing_terms)
        yield grades
        needed = subjects.evaluate_subject(rules, grades).needed_grade
        for exam in [] if needed is None else [needed, needed - 1]:
            yield SubjectGrades(failing_terms, exam)
    # The highest grade that no exam can raise to a pass, and the next higher grade.
    for grade in range(pass_tenths, -1, -1):
        needed = subjects.evaluate_subject(
            rules, SubjectGrades((grade,) * terms)
        ).needed_grade
        if needed is not None and needed > MAX_TENTHS:
            yield SubjectGrades((grade + 1,) * terms)
            yield SubjectGrades((grade,) * terms)
            break
    yield SubjectGrades(
        (pass_tenths - 5,) * (terms // 2) + (None,) * (terms - terms // 2)
    )
    yield SubjectGrades((MAX_TENTHS,) * (terms - 1) + (None,))


def attendance_rows(rules: Rules) -> Iterator[str]:
    yield from _header_rows(
        "dias letivos",
        "faltas",
        "a conta",
        "faltas que ainda cabem",
        "Conselho Tutelar",
    )
    year = rules.year_days
    max_absences = attendance.evaluate_attendance(
        rules, AttendanceDays(year)
    ).absences_left
    threshold = council_threshold(rules)
    for days in (
        AttendanceDays(year, threshold - 1), AttendanceDays(year, threshold), AttendanceDays(year, max_absences),
        AttendanceDays(year, max_absences + 1), AttendanceDays(year // 2, max_absences - 5),
    ):  # fmt: skip
        result = attendance.evaluate_attendance(rules, days)
        yield _row(
            str(days.lesson_days),
            str(days.absences),
            labels.explain_attendance(rules, days, result),
            str(result.absences_left),
            "sim" if result.requires_council_notice else "não",
        )


def year_rows(rules: Rules) -> Iterator[str]:
    yield from _header_rows("situação", "motivos", "o que ainda salva o ano")
    years = _years_without_grades if rules.assessment == "none" else _years_with_grades
    for year in years(rules):
        outcome = decide_outcome(rules, year)
        yield _row(
            labels.situation_label(outcome.situation),
            labels.full_explanation(rules, year, outcome, SUBJECT_NAMES),
            labels.remedies(rules, year, outcome, SUBJECT_NAMES),
        )


def _limit_days(rules: Rules) -> tuple[AttendanceDays, AttendanceDays]:
    """Return a whole year with as many absences as allowed, and with one more."""
    days = rules.year_days
    max_absences = attendance.evaluate_attendance(
        rules, AttendanceDays(days)
    ).absences_left
    return AttendanceDays(days, max_absences), AttendanceDays(days, max_absences + 1)


def _years_without_grades(rules: Rules) -> Iterator[YearRecord]:
    enough_days, too_few_days = _limit_days(rules)
    yield YearRecord({}, enough_days, None)
    for days in (enough_days, too_few_days):
        yield YearRecord({}, days, None, is_closed=True)
    yield YearRecord({}, enough_days, None, is_closed=True, retained_by_council=True)


def _years_with_grades(rules: Rules) -> Iterator[YearRecord]:
    terms, pass_tenths, days = rules.terms, int(10 * rules.pass_mark), rules.year_days
    passing, failing = (
        SubjectGrades((pass_tenths,) * terms),
        SubjectGrades((pass_tenths - 5,) * terms, 0),
    )
    recoverable, first_half = (
        SubjectGrades((pass_tenths - 1,) * terms),
        (pass_tenths - 5,) * (terms // 2),
    )
    incomplete = SubjectGrades(first_half + (None,) * (terms - len(first_half)))
    enough_days, too_few_days = _limit_days(rules)
    yield YearRecord({1: passing, 2: passing}, enough_days, None)
    yield YearRecord({1: passing, 2: passing}, too_few_days, None)
    yield YearRecord({1: failing, 2: passing}, enough_days, None)
    yield YearRecord({1: failing, 2: passing}, too_few_days, None)
    yield YearRecord({1: failing, 2: passing}, enough_days, None, by_council=True)
    yield YearRecord({1: recoverable, 2: passing}, enough_days, None)
    yield YearRecord({1: incomplete, 2: passing}, AttendanceDays(days // 2, 10), None)


def _header_rows(*cells: str) -> Iterable[str]:
    return _row(*cells), "|" + "---|" * len(cells)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
