"""Grades of terms after the recovery of the term."""

from dataclasses import replace
from fractions import Fraction

from school.grading.rules import Rules
from school.grading.subject_records import SubjectGrades


def apply_recoveries(rules: Rules | None, grades: SubjectGrades) -> SubjectGrades:
    """Return the grades with what each term has after its recovery; a missing one stays so."""
    if not grades.recoveries:  # the usual case
        return grades
    terms = tuple(
        tenths if tenths is None else _combine(rules, tenths, recovery)
        for tenths, recovery in zip(grades.terms, grades.recoveries, strict=True)
    )
    return replace(grades, terms=terms, recoveries=())


def _combine(
    rules: Rules | None, tenths: int | Fraction, recovery: int | None
) -> int | Fraction:
    if recovery is None or rules is None or rules.term_recovery == "none":
        return tenths
    if rules.term_recovery == "replace_if_higher":
        return max(tenths, recovery)
    return Fraction(tenths + recovery, 2)
