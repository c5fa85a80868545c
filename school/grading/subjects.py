"""A year's marks in one subject, judged: passed, failed, open, or due for a recovery exam."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from operator import mul
from typing import cast

from school.grading.arithmetic import GradeArithmetic
from school.grading.rules import Rules

MAX_TENTHS = 100
"""Of grades, in tenths."""
CACHE_SIZE = 2**13
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
class SubjectGrades:
    """The grades of one subject in tenths; none where none is given."""

    terms: tuple[int | None, ...]
    exam: int | None = None


@dataclass(frozen=True, slots=True)
class SubjectResult:
    standing: Standing
    mean: Fraction | None
    """Of all terms, rounded by the rules; of the given ones, exact, while some are missing."""
    final_mean: Fraction | None
    """What the year ends with; none while open or before the exam."""
    needed_grade: int | None
    """The least grade that still passes, in tenths: of the exam, or of each missing term.

    Above 100 it cannot be reached. None where nothing is due any more.
    """


def evaluate_subject(rules: Rules, grades: SubjectGrades) -> SubjectResult:
    """Judge the subject by the rules.

    `ValueError` if there are not as many terms as in the rules.
    """
    arithmetic, terms = rules.grade_arithmetic, grades.terms
    if len(terms) != len(arithmetic.weights):
        raise ValueError(f"{len(terms)} terms, not {len(arithmetic.weights)}")
    if None in terms:
        return _evaluate_open(arithmetic, *_weighted_sums(terms, arithmetic.weights))
    term_grades = cast("tuple[int, ...]", terms)
    total = (
        sum(term_grades)
        if arithmetic.is_unweighted
        else sum(map(mul, arithmetic.weights, term_grades))
    )
    result = _evaluate_terms(arithmetic, total)
    if (
        grades.exam is None
        or not arithmetic.has_recovery
        or result.standing is Standing.PASSED
    ):
        return result
    return _evaluate_exam(arithmetic, total, grades.exam)


def close_without_exam(result: SubjectResult) -> SubjectResult:
    """The result once no exam will be sat any more: who was due for one has failed."""
    if result.standing is not Standing.RECOVERY:
        return result
    return SubjectResult(Standing.FAILED, result.mean, result.mean, None)


def partial_mean(grades: SubjectGrades, rules: Rules | None = None) -> Fraction | None:
    """The mean of the terms that are given, weighted by the rules if there are any.

    Never rounded, even of all terms. None if none is given.
    """
    weights = rules.grade_arithmetic.weights if rules else (1,) * len(grades.terms)
    return _mean(*_weighted_sums(grades.terms, weights))


def is_subject_unrecoverable(
    rules: Rules, grades: SubjectGrades, result: SubjectResult
) -> bool:
    """Whether no grade that is still to come can make the subject pass."""
    if result.needed_grade is None:
        return result.standing is Standing.FAILED
    if result.needed_grade <= MAX_TENTHS:
        return False
    if result.standing is Standing.RECOVERY:
        return True
    # The terms are lost, but after the best of them there may still be the exam.
    best_case = SubjectGrades(
        tuple(MAX_TENTHS if t is None else t for t in grades.terms)
    )
    return is_subject_unrecoverable(
        rules, best_case, evaluate_subject(rules, best_case)
    )


def _weighted_sums(
    terms: Sequence[int | None], weights: Sequence[int]
) -> tuple[int, int]:
    """Their tenths times their weights, and their weights, each summed up."""
    pairs = [(t, w) for t, w in zip(terms, weights, strict=True) if t is not None]
    return sum(t * w for t, w in pairs), sum(w for _, w in pairs)


def _mean(total: int, weight: int) -> Fraction | None:
    return Fraction(total, 10 * weight) if weight else None


# A network has a million results but few different ones: each is worked out once.
@lru_cache(CACHE_SIZE)
def _evaluate_open(
    arithmetic: GradeArithmetic, total: int, weight: int
) -> SubjectResult:
    needed_grade = arithmetic.needed_term_grade(total, weight)
    return SubjectResult(Standing.OPEN, _mean(total, weight), None, needed_grade)


@lru_cache(CACHE_SIZE)
def _evaluate_terms(arithmetic: GradeArithmetic, total: int) -> SubjectResult:
    mean = arithmetic.round_to_step(Fraction(total, 10 * arithmetic.total_weight))
    if mean >= arithmetic.pass_mark:
        return SubjectResult(Standing.PASSED, mean, mean, None)
    if arithmetic.has_recovery:
        needed_grade = arithmetic.needed_exam_grade(mean)
        if needed_grade <= MAX_TENTHS or not arithmetic.fail_if_unrecoverable:
            return SubjectResult(Standing.RECOVERY, mean, None, needed_grade)
    return SubjectResult(Standing.FAILED, mean, mean, None)


@lru_cache(CACHE_SIZE)
def _evaluate_exam(arithmetic: GradeArithmetic, total: int, exam: int) -> SubjectResult:
    mean = arithmetic.round_to_step(Fraction(total, 10 * arithmetic.total_weight))
    final_mean = arithmetic.round_to_step(arithmetic.combine_with_exam(mean, exam))
    passes = final_mean >= arithmetic.recovery_pass_mark
    standing = Standing.PASSED_AFTER_RECOVERY if passes else Standing.FAILED
    return SubjectResult(standing, mean, final_mean, None)
