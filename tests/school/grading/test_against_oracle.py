import json

from hypothesis import given, settings
from hypothesis import strategies as st

from school.grading import attendance, outcome, subjects
from school.grading.subjects import Standing
from tests.school.grading import strategies
from tests.support.oracle import grading as oracle


def to_plain_json(rules):
    return json.loads(json.dumps(rules.to_json()))


def subject_tuple(result):
    return (
        result.standing, result.mean, result.final_mean, result.needed_grade,
        result.concept,
    )  # fmt: skip


def judge(content, grades, *, is_year_over=False, has_future=True):
    duty = oracle.Duty(grades.exempt_terms, grades.outside_terms, grades.is_optional)
    if content["assessment"] == "concepts":
        return oracle.judge_concepts(
            content,
            grades.concepts,
            grades.exam_concept,
            duty,
            is_year_over=is_year_over,
        )
    recoveries = grades.recoveries or [None] * len(grades.terms)
    terms = [
        oracle.after_recovery(content, *pair)
        for pair in zip(grades.terms, recoveries, strict=True)
    ]
    return oracle.judge_subject(
        content,
        terms,
        grades.exam,
        duty,
        is_year_over=is_year_over,
        has_future=has_future,
    )


ANY_RULES = (
    strategies.rules() | strategies.concept_rules() | strategies.rules_without_grades()
)


def attendance_tuple(result):
    return (
        result.base_days, result.percent, result.is_enough,
        result.planned_days, result.absences_left, result.requires_council_notice,
    )  # fmt: skip


@settings(max_examples=600)
@given(st.data())
def test_subject_result_equals_oracle(data):
    rules = data.draw(strategies.rules())
    grades = data.draw(
        strategies.subject_marks(rules)
        | strategies.subject_marks(rules, strategies.GRADES)
        | strategies.partly_due_marks(rules)
    )

    expected = judge(to_plain_json(rules), grades)

    assert subject_tuple(subjects.evaluate_subject(rules, grades)) == expected


@settings(max_examples=300)
@given(st.data())
def test_given_concepts_equal_oracle(data):
    rules = data.draw(strategies.concept_rules())
    grades = data.draw(strategies.given_concepts(rules))

    expected = judge(to_plain_json(rules), grades)

    assert subject_tuple(subjects.evaluate_subject(rules, grades)) == expected


@settings(max_examples=300)
@given(strategies.rules(), strategies.days(), st.booleans())
def test_attendance_result_equals_oracle(rules, days, is_closed):
    expected = oracle.judge_attendance(
        to_plain_json(rules),
        days.lesson_days,
        days.absences,
        days.days_outside,
        is_closed=is_closed,
    )
    result = attendance.evaluate_attendance(rules, days, is_closed=is_closed)

    assert attendance_tuple(result) == expected


@settings(max_examples=600)
@given(st.data())
def test_year_outcome_equals_oracle(data):
    rules = data.draw(ANY_RULES)
    year = data.draw(strategies.years(rules))

    decided = outcome.decide_outcome(rules, year)

    content, days = to_plain_json(rules), year.days
    is_over = year.is_closed and year.exit_reason is None
    has_left = year.has_left or year.exit_reason is not None
    expected_subjects = {
        key: judge(
            content,
            grades,
            is_year_over=is_over,
            has_future=not year.is_closed and not has_left,
        )
        for key, grades in year.subjects.items()
    }
    expected_attendance = oracle.judge_attendance(
        content,
        days.lesson_days,
        days.absences,
        days.days_outside,
        is_closed=year.is_closed,
    )
    assert {
        k: subject_tuple(r) for k, r in decided.subjects.items()
    } == expected_subjects
    told = expected_attendance._replace(absences_left=None)
    assert attendance_tuple(decided.attendance) == (
        told if has_left else expected_attendance
    )
    assert decided.situation == oracle.decide_situation(
        content,
        [
            (subject.standing, year.subjects[key].counts_for_promotion)
            for key, subject in expected_subjects.items()
        ],
        expected_attendance,
        year.exit_reason,
        is_closed=year.is_closed,
        by_council=year.by_council,
        retained_by_council=year.retained_by_council,
    )


@given(st.data())
def test_year_without_rules_has_exit_situation_only(data):
    year = data.draw(strategies.years(data.draw(strategies.rules())))

    decided = outcome.decide_outcome(None, year)

    assert decided.situation == oracle.decide_situation(
        None, [], None, year.exit_reason,
        is_closed=year.is_closed, by_council=year.by_council,
    )  # fmt: skip
    assert decided.attendance is None
    excuses = {
        key: oracle.excuse(
            grades.terms,
            grades.exam,
            oracle.Duty(grades.exempt_terms, grades.outside_terms, grades.is_optional),
        )
        for key, grades in year.subjects.items()
    }
    assert {key: result.mean for key, result in decided.subjects.items()} == {
        key: None if excuses[key] else oracle.mean_of_terms(None, grades.terms)
        for key, grades in year.subjects.items()
    }
    assert {key: result.standing for key, result in decided.subjects.items()} == {
        key: excused or Standing.OPEN for key, excused in excuses.items()
    }
    assert {r.needed_grade for r in decided.subjects.values()} <= {None}
