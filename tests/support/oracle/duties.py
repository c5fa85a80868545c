"""Terms that a student owes in a subject, and the grades that count for them."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from school import models as m
from tests.support.oracle import grading
from tests.support.oracle.visibility import Stay

EXEMPT = object()
"""Mark of a term that the student is exempt from."""


class Entries(NamedTuple):
    """What counts of one subject: grades in tenths, or given concepts."""

    terms: list[object | None]
    exam: object | None
    duty: grading.Duty


def value_of(
    grade: m.Grade | m.RecoveryGrade, rules: grading.RulesJson | None
) -> int | Fraction | str | None:
    """Return the grade or concept if the rules have this form, else None."""
    assessment = rules["assessment"] if rules else "grades"
    if assessment == "grades":
        recovery = getattr(grade, "recovery_tenths", None)
        return grading.after_recovery(rules, grade.tenths, recovery)
    if assessment == "none":
        return None
    labels = [band["label"] for band in rules["scale"]]
    return grade.concept if grade.concept in labels else None


def is_late(stay: Stay, number: int, terms: Iterable[m.Term]) -> bool:
    """Return whether the term began after the stay had ended."""
    return any(
        term.number == number and stay.end is not None and term.starts_on >= stay.end
        for term in terms
    )


def exempt_numbers(
    stay: Stay,
    subject_id: int,
    exemptions: Iterable[m.Exemption],
    count: int,
    terms: Sequence[m.Term],
    *,
    is_newest: bool,
) -> list[int]:
    """Return the terms that an enrolment's exemptions cover; the newest one's reach to the end."""
    numbers = []
    for number in range(1, count + 1):
        covered = any(
            x.offering.subject_id == subject_id and x.term in (None, number)
            for x in exemptions
        )
        if covered and (is_newest or not is_late(stay, number, terms)):
            numbers.append(number)
    return numbers


def terms_without_stay(chain: Iterable[Stay], terms: Iterable[m.Term]) -> set[int]:
    """Return the terms on no day of which the student was enrolled, before a later entry."""
    chain = list(chain)
    outside = set()
    for term in terms:
        days_shared = [
            stay
            for stay in chain
            if stay.enrolment.entry_date <= term.ends_on
            and (stay.end is None or stay.end > term.starts_on)
        ]
        comes_later = any(stay.enrolment.entry_date > term.ends_on for stay in chain)
        if comes_later and not days_shared:
            outside.add(term.number)
    return outside
