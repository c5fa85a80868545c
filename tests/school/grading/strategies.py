"""Hypothesis strategies for valid rules, grades and years."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import strategies as st

from school.grading.attendance import AttendanceDays
from school.grading.outcome import EXIT_SITUATIONS, YearRecord
from school.grading.rules import Rules
from school.grading.subjects import SubjectGrades

GRADES = st.integers(0, 100)
OPTIONAL_GRADES = st.none() | GRADES
DECIMAL_GRADES = GRADES.map(lambda tenths: Decimal(tenths).scaleb(-1))
PERCENTS = st.integers(0, 10_000).map(lambda hundredths: Decimal(hundredths).scaleb(-2))
RETENTIONS = st.sampled_from(["grades_and_attendance", "attendance", "none"])
CONCEPTS = "EDCBA"
STEPS = st.sampled_from(["0.001", "0.05", "0.1", "0.125", "0.2", "0.25", "0.5", "1"])


@st.composite
def rules(draw, **fixed):
    terms = draw(st.integers(1, 5))
    mean_rule = draw(st.sampled_from(["arithmetic", "weighted"]))
    weights = st.lists(st.integers(1, 9), min_size=terms, max_size=terms)
    recovery = draw(st.sampled_from(["none", "weighted", "replace_if_higher"]))
    values = {
        "terms": terms,
        "mean_rule": mean_rule,
        "term_weights": draw(weights) if mean_rule == "weighted" else [],
        "term_recovery": draw(
            st.sampled_from(["none", "none", "replace_if_higher", "mean"])
        ),
        "pass_mark": draw(DECIMAL_GRADES),
        "rounding": draw(st.sampled_from(["none", "half_up", "up", "down"])),
        "rounding_step": draw(STEPS),
        "recovery_rule": recovery,
        "recovery_mean_weight": draw(st.integers(1, 9)),
        "recovery_exam_weight": draw(st.integers(1, 9)),
        "recovery_pass_mark": None
        if recovery == "none"
        else draw(st.none() | DECIMAL_GRADES),
        "fail_if_unrecoverable": draw(st.booleans()),
        "minimum_attendance": draw(st.sampled_from([75, 80]) | PERCENTS),
        "attendance_base": draw(st.sampled_from(["given", "planned"])),
        "year_days": draw(st.integers(1, 220)),
        "council_absences": draw(st.just(Decimal("7.5")) | PERCENTS),
        "dependencies": draw(st.integers(0, 3)),
        "retention": draw(st.just("grades_and_attendance") | RETENTIONS),
    }
    values |= fixed
    if values["retention"] != "grades_and_attendance":
        values["dependencies"] = 0
    return Rules.from_json(values)


@st.composite
def concept_rules(draw):
    """Draw rules of given concepts with two to five bands."""
    count = draw(st.integers(2, 5))
    scale = [
        {
            "label": CONCEPTS[rank],
            "lowest": str(Decimal(rank)),
            "highest": "10.0" if rank == count - 1 else f"{rank}.9",
        }
        for rank in range(count)
    ]
    return draw(
        rules(
            assessment="concepts",
            mean_rule="arithmetic",
            term_weights=[],
            scale=scale,
            pass_concept=draw(st.sampled_from(CONCEPTS[:count])),
            recovery_rule=draw(st.sampled_from(["none", "replace_if_higher"])),
            term_recovery="none",
            recovery_pass_mark=None,
        )
    )


def rules_without_grades():
    return rules(
        assessment="none",
        mean_rule="arithmetic",
        term_weights=[],
        recovery_rule="none",
        recovery_pass_mark=None,
        term_recovery="none",
    )


def subject_marks(rules, grades=OPTIONAL_GRADES, exams=OPTIONAL_GRADES):
    terms = st.tuples(*[grades] * rules.terms)
    return st.builds(SubjectGrades, terms, exams)


def partly_due_marks(rules):
    """Draw grades with exempt terms, terms outside the enrolments, options and the like.

    The reader of the records blanks grades of exempt terms, so none is drawn.
    """
    numbers = st.frozensets(st.integers(1, rules.terms))
    return st.builds(
        SubjectGrades,
        terms=st.tuples(*[OPTIONAL_GRADES] * rules.terms),
        exam=OPTIONAL_GRADES,
        recoveries=st.just(()) | st.tuples(*[OPTIONAL_GRADES] * rules.terms),
        exempt_terms=numbers | st.just(frozenset()),
        outside_terms=numbers,
        counts_for_promotion=st.booleans(),
        is_optional=st.booleans(),
    ).map(_blank_exempt_terms)


def given_concepts(rules):
    labels = st.sampled_from([band.label for band in rules.scale])
    numbers = st.frozensets(st.integers(1, rules.terms))
    return st.builds(
        SubjectGrades,
        terms=st.just((None,) * rules.terms),
        concepts=st.tuples(*[labels | st.none()] * rules.terms)
        | st.tuples(*[labels] * rules.terms),
        exam_concept=st.none() | labels,
        exempt_terms=numbers | st.just(frozenset()),
        outside_terms=numbers,
        counts_for_promotion=st.booleans(),
        is_optional=st.booleans(),
    ).map(_blank_exempt_terms)


def _blank_exempt_terms(grades):
    terms, concepts = (
        tuple(None if n in grades.exempt_terms else e for n, e in enumerate(entries, 1))
        for entries in (grades.terms, grades.concepts)
    )
    return replace(grades, terms=terms, concepts=concepts)


@st.composite
def days(draw):
    lesson_days = draw(st.just(200) | st.integers(0, 220))
    # Shares of a quarter and a fifth are the limits of the most likely minimums.
    limit = lesson_days // draw(st.sampled_from([4, 5]))
    near_limit = st.integers(max(limit - 1, 0), min(limit + 1, lesson_days))
    absent = draw(st.integers(0, lesson_days) | near_limit)
    outside = draw(st.just(0) | st.integers(0, 220))
    justified = draw(st.integers(0, absent))
    # The class may have had more days than the student, or no day while others had.
    class_days = draw(st.just(lesson_days) | st.integers(0, 220))
    return AttendanceDays(lesson_days, absent, justified, outside, class_days)


@st.composite
def years(draw, rules):
    # Half of the years have all grades of a student who stayed, so that they are decided.
    is_complete = draw(st.booleans())
    if rules.assessment == "concepts":
        marks, exit_reasons = given_concepts(rules), st.none()
    elif is_complete:
        marks, exit_reasons = subject_marks(rules, GRADES, GRADES), st.none()
    else:
        marks = (
            subject_marks(rules)
            | subject_marks(rules, GRADES)
            | partly_due_marks(rules)
        )
        exit_reasons = st.none() | st.sampled_from(sorted(EXIT_SITUATIONS))
    return YearRecord(
        subjects=dict(enumerate(draw(st.lists(marks, max_size=4)), 1)),
        days=draw(days()),
        exit_reason=draw(exit_reasons),
        is_closed=draw(st.booleans()),
        by_council=draw(st.booleans()),
        retained_by_council=draw(st.booleans()),
        has_left=draw(st.booleans()),
    )
