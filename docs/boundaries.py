"""The worked examples of docs/rules.md: what a profile makes of marks and days at its boundaries."""

from collections.abc import Iterable, Iterator

from school.grading import attendance, labels, subjects
from school.grading.attendance import Days
from school.grading.number_format import tenths
from school.grading.outcome import Year, decide
from school.grading.rules import Rules
from school.grading.subjects import HIGHEST, Marks

NAMES = {1: "Matemática", 2: "História"}


def listed_from(rules: Rules) -> int:
    return next(
        absent
        for absent in range(rules.year_days + 2)
        if attendance.judge(rules, Days(rules.year_days, absent)).is_for_council
    )


def of_subjects(rules: Rules) -> Iterator[str]:
    yield from _head(
        "notas", "recuperação", *_of_scale(rules, "conceito"), "resultado", "a conta"
    )
    for marks in _at_the_limit(rules):
        result = subjects.judge(rules, marks)
        value = result.mean if result.final is None else result.final
        concept = "" if value is None else rules.concept(value) or ""
        yield _row(
            " · ".join("–" if t is None else tenths(t) for t in marks.terms),
            "" if marks.recovery is None else tenths(marks.recovery),
            *_of_scale(rules, concept),
            labels.standing(result.standing),
            labels.subject(rules, marks, result),
        )


def _of_scale(rules: Rules, cell: str) -> tuple[str, ...]:
    return (cell,) if rules.scale else ()


def _at_the_limit(rules: Rules) -> Iterator[Marks]:
    terms, mark = rules.terms, int(10 * rules.pass_mark)
    yield Marks((mark,) * terms)
    for below in (
        (*[mark] * (terms - 1), mark - 1),
        (mark - 1,) * terms,
        (mark - 5,) * terms,
    ):
        yield Marks(below)
        needed = subjects.judge(rules, Marks(below)).needed
        for exam in [] if needed is None else [needed, needed - 1]:
            yield Marks(below, exam)
    # The best of those whom no exam can save, and the next better one.
    for grade in range(mark, -1, -1):
        needed = subjects.judge(rules, Marks((grade,) * terms)).needed
        if needed is not None and needed > HIGHEST:
            yield Marks((grade + 1,) * terms)
            yield Marks((grade,) * terms)
            break
    yield Marks((mark - 5,) * (terms // 2) + (None,) * (terms - terms // 2))
    yield Marks((HIGHEST,) * (terms - 1) + (None,))


def of_days(rules: Rules) -> Iterator[str]:
    yield from _head(
        "dias letivos",
        "faltas",
        "a conta",
        "faltas que ainda cabem",
        "Conselho Tutelar",
    )
    year = rules.year_days
    allowed = attendance.judge(rules, Days(year)).absences_left
    listed = listed_from(rules)
    for days in (
        Days(year, listed - 1), Days(year, listed), Days(year, allowed),
        Days(year, allowed + 1), Days(year // 2, allowed - 5),
    ):  # fmt: skip
        result = attendance.judge(rules, days)
        yield _row(
            str(days.given),
            str(days.absent),
            labels.attendance(rules, days, result),
            str(result.absences_left),
            "sim" if result.is_for_council else "não",
        )


def of_years(rules: Rules) -> Iterator[str]:
    yield from _head("situação", "motivos", "o que ainda salva o ano")
    terms, mark, days = rules.terms, int(10 * rules.pass_mark), rules.year_days
    allowed = attendance.judge(rules, Days(days)).absences_left
    passed, below = Marks((mark,) * terms), Marks((mark - 5,) * terms, 0)
    due, half = Marks((mark - 1,) * terms), (mark - 5,) * (terms // 2)
    missing = Marks(half + (None,) * (terms - len(half)))
    fine, short = Days(days, allowed), Days(days, allowed + 1)
    for year in (
        Year({1: passed, 2: passed}, fine, None),
        Year({1: passed, 2: passed}, short, None),
        Year({1: below, 2: passed}, fine, None),
        Year({1: below, 2: passed}, short, None),
        Year({1: below, 2: passed}, fine, None, by_council=True),
        Year({1: due, 2: passed}, fine, None),
        Year({1: missing, 2: passed}, Days(days // 2, 10), None),
    ):
        decided = decide(rules, year)
        yield _row(
            labels.situation(decided.situation),
            labels.account(rules, year, decided, NAMES),
            labels.saving(rules, year, decided, NAMES),
        )


def _head(*cells: str) -> Iterable[str]:
    return _row(*cells), "|" + "---|" * len(cells)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
