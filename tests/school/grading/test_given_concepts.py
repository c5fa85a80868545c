"""Concepts that teachers give instead of grades."""

from dataclasses import replace

import pytest
from django.utils.translation import override

from school.grading import labels
from school.grading.attendance import AttendanceDays
from school.grading.default_profiles import DEFAULT_PROFILES
from school.grading.outcome import YearRecord, decide_outcome
from school.grading.subjects import (
    SubjectGrades,
    evaluate_subject,
    is_subject_unrecoverable,
)

BY_GRADES = next(p.rules for p in DEFAULT_PROFILES if p.code == "i-educar-conceitual")
GIVEN = BY_GRADES.model_copy(
    update={"assessment": "concepts", "pass_concept": "C", "recovery_rule": "none"}
)
WITH_EXAM = GIVEN.model_copy(update={"recovery_rule": "replace_if_higher"})


def concepts(given, exam=None, **fields):
    given = tuple(None if label == "-" else label for label in given)
    return SubjectGrades(
        (None,) * len(given), concepts=given, exam_concept=exam, **fields
    )


def judge(rules, subject):
    result = evaluate_subject(rules, subject)
    return result.standing, result.concept


@pytest.mark.parametrize(
    ("given", "standing", "concept"),
    [
        ("EEEC", "passed", "C"),
        ("AAAD", "failed", "D"),
        ("AAAA", "passed", "A"),
        ("AB--", "open", "B"),
        ("----", "open", None),
        ("-AAA", "open", "A"),
    ],
)
def test_concept_of_the_last_term_decides(given, standing, concept):
    assert judge(GIVEN, concepts(given)) == (standing, concept)


def test_last_due_term_decides_if_the_last_term_is_exempt():
    subject = concepts("AAC-", exempt_terms=frozenset({4}))

    assert judge(GIVEN, subject) == ("passed", "C")


@pytest.mark.parametrize(
    ("exam", "standing", "concept"),
    [
        (None, "recovery", "D"),
        ("C", "passed_after_recovery", "C"),
        ("D", "failed", "D"),
        ("E", "failed", "D"),
    ],
)
def test_exam_replaces_the_concept_if_it_is_higher(exam, standing, concept):
    assert judge(WITH_EXAM, concepts("AAAD", exam)) == (standing, concept)


def test_exam_of_a_passed_subject_does_not_count():
    assert judge(WITH_EXAM, concepts("AAAC", "A")) == ("passed", "C")


def test_closed_year_without_exam_fails_with_the_concept_of_the_terms():
    year = YearRecord({1: concepts("AAAD")}, AttendanceDays(200), None, is_closed=True)

    outcome = decide_outcome(WITH_EXAM, year)

    assert outcome.situation == "failed"
    assert (outcome.subjects[1].standing, outcome.subjects[1].concept) == (
        "failed",
        "D",
    )


@pytest.mark.parametrize(
    ("rules", "given", "is_lost"),
    [
        (GIVEN, "EEE-", False),
        (GIVEN, "-EEE", True),
        (WITH_EXAM, "-EEE", False),
    ],
)
def test_subject_is_lost_if_the_last_concept_is_below_and_no_exam_follows(
    rules, given, is_lost
):
    subject = concepts(given)

    result = evaluate_subject(rules, subject)

    assert is_subject_unrecoverable(rules, subject, result) is is_lost


def test_given_concepts_are_explained_in_sentences():
    def explain(rules, subject):
        result = evaluate_subject(rules, subject)
        with override("en"):
            return labels.explain_subject(rules, subject, result)

    text = "The year's concept is {}; the minimum is C."
    assert explain(GIVEN, concepts("AAAC")) == text.format("C")
    assert explain(WITH_EXAM, concepts("AAAD")) == (
        f"{text.format('D')} Needs at least C in the recovery exam to pass."
    )
    needed = "Needs at least C in the 4th bimester to pass."
    assert explain(GIVEN, concepts("AD--")) == f"The last concept is D. {needed}"
    assert explain(GIVEN, concepts("----")) == f"No concept yet. {needed}"
    # The last term alone decides, and it has its concept.
    assert explain(GIVEN, concepts("-DDA")) == "The last concept is A."
    any_passes = GIVEN.model_copy(update={"pass_concept": GIVEN.scale[0].label})
    assert explain(any_passes, concepts("AD--")) == "The last concept is D."


@pytest.mark.parametrize(
    ("is_closed", "given", "text"),
    [
        (False, "AD--", "Arte: needs at least C in the 4th bimester to pass."),
        (False, "AAA-", "Arte: needs at least C in the 4th bimester to pass."),
        (False, "AAAC", ""),
        (True, "AD--", ""),
    ],
)
def test_remedies_name_the_concept_that_is_still_needed(is_closed, given, text):
    days = AttendanceDays(lesson_days=200)
    year = YearRecord({1: concepts(given)}, days, None, is_closed)

    with override("en"):
        remedies = labels.remedies(
            GIVEN, year, decide_outcome(GIVEN, year), {1: "Arte"}
        )

    assert remedies == text


def test_optional_subject_with_a_concept_is_taken():
    assert judge(GIVEN, concepts("----", is_optional=True))[0] == "not_taken"
    assert judge(GIVEN, replace(concepts("A---"), is_optional=True))[0] == "open"
