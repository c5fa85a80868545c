"""A year's marks in one subject, judged: passed, failed, open, or due for a recovery exam."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from operator import mul
from typing import cast

from school.grading.arithmetic import Measure
from school.grading.rules import Rules

HIGHEST = 100
"""Of grades, in tenths."""
REMEMBERED = 2**13
"""Results that are kept, some 300 bytes each: with four plain terms there are 401, and of a
network of 100,000 students ten thousand after exams."""


class Standing(StrEnum):
    OPEN = "open"
    """Grades of terms are missing."""
    PASSED = "passed"
    RECOVERY = "recovery"
    """The terms do not pass, and the exam has no grade yet."""
    PASSED_AFTER_RECOVERY = "passed_after_recovery"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Marks:
    """The grades of one subject in tenths; none where none is given."""

    terms: tuple[int | None, ...]
    recovery: int | None = None


@dataclass(frozen=True, slots=True)
class SubjectResult:
    standing: Standing
    mean: Fraction | None
    """Of all terms, rounded by the rules; of the given ones, exact, while some are missing."""
    final: Fraction | None
    """What the year ends with; none while open or before the exam."""
    needed: int | None
    """The least grade that still passes, in tenths: of the exam, or of each missing term.

    Above 100 it cannot be reached. None where nothing is due any more.
    """


def judge(rules: Rules, marks: Marks) -> SubjectResult:
    """Judge the subject by the rules.

    `ValueError` if there are not as many terms as in the rules.
    """
    measure, terms = rules.measure, marks.terms
    if len(terms) != len(measure.weights):
        raise ValueError(f"{len(terms)} terms, not {len(measure.weights)}")
    if None in terms:
        return _open(measure, *_given(terms, measure.weights))
    grades = cast("tuple[int, ...]", terms)
    total = sum(grades) if measure.is_plain else sum(map(mul, measure.weights, grades))
    result = _by_terms(measure, total)
    if (
        marks.recovery is None
        or not measure.has_recovery
        or result.standing is Standing.PASSED
    ):
        return result
    return _by_exam(measure, total, marks.recovery)


def without_exam(result: SubjectResult) -> SubjectResult:
    """The result once no exam will be sat any more: who was due for one has failed."""
    if result.standing is not Standing.RECOVERY:
        return result
    return SubjectResult(Standing.FAILED, result.mean, result.mean, None)


def partial_mean(marks: Marks, rules: Rules | None = None) -> Fraction | None:
    """The mean of the terms that are given, weighted by the rules if there are any.

    Never rounded, even of all terms. None if none is given.
    """
    weights = rules.measure.weights if rules else (1,) * len(marks.terms)
    return _mean(*_given(marks.terms, weights))


def is_lost(rules: Rules, marks: Marks, result: SubjectResult) -> bool:
    """Whether no grade that is still to come can make the subject pass."""
    if result.needed is None:
        return result.standing is Standing.FAILED
    if result.needed <= HIGHEST:
        return False
    if result.standing is Standing.RECOVERY:
        return True
    # The terms are lost, but after the best of them there may still be the exam.
    best = Marks(tuple(HIGHEST if t is None else t for t in marks.terms))
    return is_lost(rules, best, judge(rules, best))


def _given(terms: Sequence[int | None], weights: Sequence[int]) -> tuple[int, int]:
    """Their tenths times their weights, and their weights, each summed up."""
    given = [(t, w) for t, w in zip(terms, weights, strict=True) if t is not None]
    return sum(t * w for t, w in given), sum(w for _, w in given)


def _mean(total: int, weight: int) -> Fraction | None:
    return Fraction(total, 10 * weight) if weight else None


# A network has a million results but few different ones: each is worked out once.
@lru_cache(REMEMBERED)
def _open(measure: Measure, total: int, weight: int) -> SubjectResult:
    needed = measure.needed_in_terms(total, weight)
    return SubjectResult(Standing.OPEN, _mean(total, weight), None, needed)


@lru_cache(REMEMBERED)
def _by_terms(measure: Measure, total: int) -> SubjectResult:
    mean = measure.rounded(Fraction(total, 10 * measure.total_weight))
    if mean >= measure.pass_mark:
        return SubjectResult(Standing.PASSED, mean, mean, None)
    if measure.has_recovery:
        needed = measure.needed_in_exam(mean)
        if needed <= HIGHEST or not measure.hopeless_fails:
            return SubjectResult(Standing.RECOVERY, mean, None, needed)
    return SubjectResult(Standing.FAILED, mean, mean, None)


@lru_cache(REMEMBERED)
def _by_exam(measure: Measure, total: int, exam: int) -> SubjectResult:
    mean = measure.rounded(Fraction(total, 10 * measure.total_weight))
    final = measure.rounded(measure.combined(mean, exam))
    passes = final >= measure.recovery_mark
    standing = Standing.PASSED_AFTER_RECOVERY if passes else Standing.FAILED
    return SubjectResult(standing, mean, final, None)
