"""Result of a subject: passed, failed, open or due for a recovery exam."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from operator import mul
from typing import cast

from school.grading.arithmetic import GradeArithmetic
from school.grading.concepts import evaluate_concepts
from school.grading.rules import Rules
from school.grading.subject_records import (
    UNCOUNTED_STANDINGS,
    Standing,
    SubjectGrades,
    SubjectResult,
)
from school.grading.term_recoveries import apply_recoveries

__all__ = [
    "MAX_TENTHS", "UNCOUNTED_STANDINGS", "Standing", "SubjectGrades", "SubjectResult",
    "close_without_exam", "evaluate_subject", "find_excused_standing", "is_subject_unrecoverable", "partial_mean",
]  # fmt: skip

MAX_TENTHS = 100
"""Highest grade in tenths."""
CACHE_SIZE = 2**13
"""Number of cached results of about 300 bytes each.

Four unweighted terms have 401 distinct totals; a network of 100,000 students has about
10,000 distinct results after exams.
"""


def evaluate_subject(rules: Rules, grades: SubjectGrades) -> SubjectResult:
    """Evaluate the subject by the rules.

    Raise `ValueError` if the number of terms differs from that of the rules.
    """
    if len(grades.terms) != rules.terms:
        raise ValueError(f"expected {rules.terms} terms, got {len(grades.terms)}")
    if rules.assessment != "grades" or grades.exempt_terms or grades.is_optional:
        result = _evaluate_without_grades(rules, grades)
        if result is not None:
            return result
    if grades.recoveries:
        grades = apply_recoveries(rules, grades)
    arithmetic, terms = rules.grade_arithmetic, grades.terms
    if grades.exempt_terms or grades.outside_terms:
        due_terms = tuple(grades.due_terms)
        arithmetic = _limit_to_terms(arithmetic, due_terms)
        terms = tuple(terms[n - 1] for n in due_terms)
    if None in terms:
        return _evaluate_open(arithmetic, *_weighted_sums(terms, arithmetic.weights))
    term_grades = cast("tuple[int | Fraction, ...]", terms)
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


def _evaluate_without_grades(
    rules: Rules, grades: SubjectGrades
) -> SubjectResult | None:
    """Return the result of a subject that grades in numbers do not decide, else None."""
    if rules.assessment == "none":
        return SubjectResult(Standing.NOT_GRADED, None, None, None)
    excused_standing = find_excused_standing(grades)
    if excused_standing is not None:
        return SubjectResult(excused_standing, None, None, None)
    return evaluate_concepts(rules, grades) if rules.assessment == "concepts" else None


def find_excused_standing(grades: SubjectGrades) -> Standing | None:
    """Return the standing of a subject that the student need not or did not take, else None."""
    if grades.exempt_terms and not grades.due_terms:
        return Standing.EXEMPT
    return Standing.NOT_TAKEN if grades.is_optional and grades.is_empty else None


def close_without_exam(result: SubjectResult) -> SubjectResult:
    """Return the final result of a closed year: a pending recovery exam becomes a failure."""
    if result.standing is not Standing.RECOVERY:
        return result
    return replace(
        result,
        standing=Standing.FAILED,
        final_mean=result.mean,
        needed_grade=None,
    )


def partial_mean(grades: SubjectGrades, rules: Rules | None = None) -> Fraction | None:
    """Return the mean of the graded terms, weighted by the rules if there are any.

    The mean is never rounded, even if all terms are graded. None without grades.
    """
    grades = apply_recoveries(rules, grades)
    weights = rules.grade_arithmetic.weights if rules else (1,) * len(grades.terms)
    return _mean(*_weighted_sums(grades.terms, weights))


def is_subject_unrecoverable(
    rules: Rules, grades: SubjectGrades, result: SubjectResult
) -> bool:
    """Return whether no possible remaining grade lets the subject pass."""
    if result.standing is Standing.OPEN and rules.assessment == "concepts":
        best_case = _fill_missing(rules, grades)
        return evaluate_subject(rules, best_case).standing is Standing.FAILED
    if result.needed_grade is None:
        return result.standing is Standing.FAILED
    if result.needed_grade <= MAX_TENTHS:
        return False
    if result.standing is Standing.RECOVERY:
        return True
    # The terms alone cannot pass, but the exam may still pass after the best possible terms.
    best_case = _fill_missing(rules, grades)
    return is_subject_unrecoverable(
        rules, best_case, evaluate_subject(rules, best_case)
    )


def _fill_missing(rules: Rules, grades: SubjectGrades) -> SubjectGrades:
    """Return the best possible terms, before any exam."""
    missing_terms = grades.missing_terms
    if rules.assessment == "concepts":
        best_concept = rules.scale[-1].label
        concepts = tuple(
            best_concept if n in missing_terms else concept
            for n, concept in enumerate(grades.concepts, 1)
        )
        return replace(grades, concepts=concepts, exam_concept=None)
    terms = tuple(
        MAX_TENTHS if n in missing_terms else tenths
        for n, tenths in enumerate(grades.terms, 1)
    )
    return replace(grades, terms=terms, exam=None)


@lru_cache(CACHE_SIZE)
def _limit_to_terms(
    arithmetic: GradeArithmetic, terms: tuple[int, ...]
) -> GradeArithmetic:
    """Return the arithmetic of a year that has only these terms."""
    return replace(arithmetic, weights=tuple(arithmetic.weights[n - 1] for n in terms))


def _weighted_sums(
    terms: Sequence[int | Fraction | None], weights: Sequence[int]
) -> tuple[int | Fraction, int]:
    """Return the sum of tenths times weight and the sum of weights of the graded terms."""
    pairs = [(t, w) for t, w in zip(terms, weights, strict=True) if t is not None]
    return sum(t * w for t, w in pairs), sum(w for _, w in pairs)


def _mean(total: int | Fraction, weight: int) -> Fraction | None:
    return Fraction(total, 10 * weight) if weight else None


# A network has a million results but few distinct ones, so each is computed once.
@lru_cache(CACHE_SIZE)
def _evaluate_open(
    arithmetic: GradeArithmetic, total: int | Fraction, weight: int
) -> SubjectResult:
    needed_grade = arithmetic.needed_term_grade(total, weight)
    return SubjectResult(Standing.OPEN, _mean(total, weight), None, needed_grade)


@lru_cache(CACHE_SIZE)
def _evaluate_terms(
    arithmetic: GradeArithmetic, total: int | Fraction
) -> SubjectResult:
    mean = arithmetic.round_to_step(Fraction(total, 10 * arithmetic.total_weight))
    if mean >= arithmetic.pass_mark:
        return SubjectResult(Standing.PASSED, mean, mean, None)
    if arithmetic.has_recovery:
        needed_grade = arithmetic.needed_exam_grade(mean)
        if needed_grade <= MAX_TENTHS or not arithmetic.fail_if_unrecoverable:
            return SubjectResult(Standing.RECOVERY, mean, None, needed_grade)
    return SubjectResult(Standing.FAILED, mean, mean, None)


@lru_cache(CACHE_SIZE)
def _evaluate_exam(
    arithmetic: GradeArithmetic, total: int | Fraction, exam: int
) -> SubjectResult:
    mean = arithmetic.round_to_step(Fraction(total, 10 * arithmetic.total_weight))
    final_mean = arithmetic.round_to_step(arithmetic.combine_with_exam(mean, exam))
    passes = final_mean >= arithmetic.recovery_pass_mark
    standing = Standing.PASSED_AFTER_RECOVERY if passes else Standing.FAILED
    return SubjectResult(standing, mean, final_mean, None)
