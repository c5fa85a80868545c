"""Sentences that say which grade a subject still needs, or that none is enough."""

from fractions import Fraction
from functools import lru_cache

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from school.grading.number_format import format_prose, format_tenths
from school.grading.rules import Rules
from school.grading.sentences import CACHE_SIZE, in_terms
from school.grading.subjects import (
    MAX_TENTHS,
    Standing,
    SubjectGrades,
    SubjectResult,
    is_subject_unrecoverable,
)


def describe_needed_grade(
    rules: Rules, grades: SubjectGrades, result: SubjectResult
) -> str:
    """Return the grade that still passes, or that none does; empty if no grade is pending."""
    if not result.has_future:
        return ""
    if rules.assessment == "concepts":
        return _describe_concept(rules, grades, result)
    if result.standing is Standing.OPEN and result.needed_grade is not None:
        return _describe_terms(rules, grades, result, result.needed_grade)
    if result.standing is Standing.RECOVERY and result.needed_grade is not None:
        return _describe_exam(
            result.needed_grade,
            rules.grade_arithmetic.recovery_pass_mark,
            _is_for_council(rules, grades),
            get_language(),
        )
    if _failed_without_exam(rules, grades, result):
        return _describe_no_exam(rules, grades, result)
    return ""


def _describe_concept(
    rules: Rules, grades: SubjectGrades, result: SubjectResult
) -> str:
    """Return the concept that still passes: that of the exam, or of the last due term."""
    if result.standing is Standing.RECOVERY:
        return _("Needs at least {grade} in the recovery exam to pass.").format(
            grade=rules.pass_concept
        )
    last_term = grades.due_terms[-1]
    is_lowest = rules.pass_concept == rules.scale[0].label
    if (
        result.standing is not Standing.OPEN
        or last_term not in grades.missing_terms
        or is_lowest
    ):
        return ""
    return _("Needs at least {grade} {terms} to pass.").format(
        grade=rules.pass_concept, terms=in_terms(rules.term_kind, [last_term])
    )


def _is_for_council(rules: Rules, grades: SubjectGrades) -> bool:
    """Return whether only the class council may let the student go on without the subject."""
    decides = rules.retention == "grades_and_attendance" and grades.counts_for_promotion
    return decides and not rules.dependencies


def _describe_terms(
    rules: Rules, grades: SubjectGrades, result: SubjectResult, needed: int
) -> str:
    missing = tuple(grades.missing_terms)
    pass_mark = rules.grade_arithmetic.pass_mark
    if needed <= MAX_TENTHS:
        return _describe_term_grade(
            needed, rules.term_kind, missing, pass_mark, get_language()
        )
    text = _("Not even {highest} {terms} reaches {mark}").format(
        highest=format_tenths(MAX_TENTHS),
        terms=in_terms(rules.term_kind, missing),
        mark=format_prose(pass_mark),
    )
    if not is_subject_unrecoverable(rules, grades, result):
        return _("{text}; can pass by the recovery exam.").format(text=text)
    return _end_lost(text, by_council=_is_for_council(rules, grades))


@lru_cache(CACHE_SIZE)
def _describe_term_grade(
    needed: int,
    kind: str,
    missing: tuple[int, ...],
    pass_mark: Fraction,
    language: str | None,
) -> str:
    if needed == 0:
        return _("Passes with any remaining grades.")
    text = (
        _("{grade} {terms} is enough to pass.")
        if Fraction(needed, 10) <= pass_mark
        else _("Needs at least {grade} {terms} to pass.")
    )
    return text.format(grade=format_tenths(needed), terms=in_terms(kind, missing))


@lru_cache(CACHE_SIZE)
def _describe_exam(
    needed: int, pass_mark: Fraction, by_council: bool, language: str | None
) -> str:
    if needed == 0:
        return _("Passes with any grade in the recovery exam, but must take it.")
    if needed <= MAX_TENTHS:
        return _("Needs at least {grade} in the recovery exam to pass.").format(
            grade=format_tenths(needed)
        )
    text = _("Not even {highest} in the recovery exam would reach {mark}").format(
        highest=format_tenths(MAX_TENTHS), mark=format_prose(pass_mark)
    )
    return _end_lost(text, by_council=by_council)


def _end_lost(text: str, *, by_council: bool) -> str:
    """End a sentence on a lost subject; where a dependency may be allowed, say no more."""
    if by_council:
        return _("{text}; the class council can decide.").format(text=text)
    return f"{text}."


def _describe_no_exam(
    rules: Rules, grades: SubjectGrades, result: SubjectResult
) -> str:
    """Describe a missing exam: no grade could pass it, or the year closed without it."""
    arithmetic = rules.grade_arithmetic
    needed = arithmetic.needed_exam_grade(result.mean or Fraction(0))
    if needed > MAX_TENTHS:
        return _describe_exam(
            needed,
            arithmetic.recovery_pass_mark,
            _is_for_council(rules, grades),
            get_language(),
        )
    return _("The year closed without a grade in the recovery exam.")


def _failed_without_exam(
    rules: Rules, grades: SubjectGrades, result: SubjectResult
) -> bool:
    return (
        result.standing is Standing.FAILED
        and rules.grade_arithmetic.has_recovery
        and grades.exam is None
    )
