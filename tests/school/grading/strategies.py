"""Hypothesis strategies for valid rules, grades and years."""

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
    }
    return Rules.from_json(values | fixed)


def subject_marks(rules, grades=OPTIONAL_GRADES, exams=OPTIONAL_GRADES):
    terms = st.tuples(*[grades] * rules.terms)
    return st.builds(SubjectGrades, terms, exams)


@st.composite
def days(draw):
    lesson_days = draw(st.just(200) | st.integers(0, 220))
    # Shares of a quarter and a fifth are the limits of the most likely minimums.
    limit = lesson_days // draw(st.sampled_from([4, 5]))
    near_limit = st.integers(max(limit - 1, 0), min(limit + 1, lesson_days))
    absent = draw(st.integers(0, lesson_days) | near_limit)
    outside = draw(st.just(0) | st.integers(0, 220))
    return AttendanceDays(lesson_days, absent, draw(st.integers(0, absent)), outside)


@st.composite
def years(draw, rules):
    # Half of the years have all grades of a student who stayed, so that they are decided.
    is_complete = draw(st.booleans())
    if is_complete:
        marks, exit_reasons = subject_marks(rules, GRADES, GRADES), st.none()
    else:
        marks = subject_marks(rules) | subject_marks(rules, GRADES)
        exit_reasons = st.none() | st.sampled_from(sorted(EXIT_SITUATIONS))
    return YearRecord(
        subjects=dict(enumerate(draw(st.lists(marks, max_size=4)), 1)),
        days=draw(days()),
        exit_reason=draw(exit_reasons),
        is_closed=draw(st.booleans()),
        by_council=draw(st.booleans()),
    )
