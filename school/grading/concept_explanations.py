"""Sentences on subjects whose concepts are given by teachers."""

from django.utils.translation import gettext as _

from school.grading.rules import Rules
from school.grading.subjects import Standing, SubjectResult


def explain_concepts(rules: Rules, result: SubjectResult) -> str:
    """Return the concept that decides the subject, or the last one so far."""
    if result.concept is None:
        return _("No concept yet.")
    if result.standing is Standing.OPEN:
        return _("The last concept is {concept}.").format(concept=result.concept)
    return _("The year's concept is {concept}; the minimum is {mark}.").format(
        concept=result.concept, mark=rules.pass_concept
    )
