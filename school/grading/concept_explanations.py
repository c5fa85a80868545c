"""Texts on subjects whose concepts are given by teachers."""

from django.utils.translation import gettext as _

from school.grading.rules import Rules
from school.grading.subjects import Standing, SubjectResult


def explain_concepts(rules: Rules, result: SubjectResult) -> str:
    """Return the concept that decides the subject, and the one still needed."""
    if result.concept is None:
        return _("no grade yet")
    if result.standing is Standing.OPEN:
        return _("{sum} so far").format(sum=result.concept)
    parts = [compare_concepts(rules, result), explain_needed_concept(rules, result)]
    return "; ".join(filter(None, parts))


def compare_concepts(rules: Rules, result: SubjectResult) -> str:
    """Return the comparison of the concept with the one that passes: "D < C"."""
    ranks, concept = rules.concept_ranks, str(result.concept)
    is_enough = ranks[concept] >= ranks[str(rules.pass_concept)]
    return f"{concept} {'≥' if is_enough else '<'} {rules.pass_concept}"


def explain_needed_concept(rules: Rules, result: SubjectResult) -> str:
    """Return the concept that passes by the exam; empty if no exam is pending."""
    if result.standing is not Standing.RECOVERY or not result.has_future:
        return ""
    return _("needs at least {grade} in the recovery exam").format(
        grade=rules.pass_concept
    )
