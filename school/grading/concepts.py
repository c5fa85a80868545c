"""Result of a subject whose concepts are given by teachers, not computed from grades."""

from typing import cast

from school.grading.rules import Rules
from school.grading.subject_records import Standing, SubjectGrades, SubjectResult


def evaluate_concepts(rules: Rules, grades: SubjectGrades) -> SubjectResult:
    """Judge the concept of the last due term, and the concept of the exam if it is higher."""
    if grades.missing_terms:
        given = [concept for concept in grades.concepts if concept is not None]
        return SubjectResult(
            Standing.OPEN, None, None, None, given[-1] if given else None
        )
    ranks = rules.concept_ranks
    concept = cast("str", grades.concepts[grades.due_terms[-1] - 1])
    pass_rank = ranks[cast("str", rules.pass_concept)]
    if ranks[concept] >= pass_rank:
        standing = Standing.PASSED
    elif rules.recovery_rule == "none":
        standing = Standing.FAILED
    elif grades.exam_concept is None:
        standing = Standing.RECOVERY
    else:
        concept = max(concept, grades.exam_concept, key=ranks.__getitem__)
        passes = ranks[concept] >= pass_rank
        standing = Standing.PASSED_AFTER_RECOVERY if passes else Standing.FAILED
    return SubjectResult(standing, None, None, None, concept)
