import json

from hypothesis import given, settings
from hypothesis import strategies as st

from school.grading import attendance, outcome, subjects
from school.grading.subjects import Standing
from tests.school.grading import oracle, strategies


def to_plain_json(rules):
    return json.loads(json.dumps(rules.to_json()))


def subject_tuple(result):
    return result.standing, result.mean, result.final, result.needed


def attendance_tuple(result):
    return (
        result.base, result.percent, result.is_enough,
        result.planned, result.absences_left, result.is_for_council,
    )  # fmt: skip


@settings(max_examples=600)
@given(st.data())
def test_every_subject_is_judged_as_written_down(data):
    rules = data.draw(strategies.rules())
    marks = data.draw(
        strategies.subject_marks(rules)
        | strategies.subject_marks(rules, strategies.GRADES)
    )

    expected = oracle.judge_subject(to_plain_json(rules), marks.terms, marks.recovery)

    assert subject_tuple(subjects.evaluate_subject(rules, marks)) == expected


@settings(max_examples=300)
@given(strategies.rules(), strategies.days())
def test_all_days_are_judged_as_written_down(rules, days):
    expected = oracle.judge_attendance(
        to_plain_json(rules), days.given, days.absent, days.outside
    )

    assert attendance_tuple(attendance.evaluate_attendance(rules, days)) == expected


@settings(max_examples=300)
@given(st.data())
def test_every_year_is_decided_as_written_down(data):
    rules = data.draw(strategies.rules())
    year = data.draw(strategies.years(rules))

    decided = outcome.decide_outcome(rules, year)

    content, days = to_plain_json(rules), year.days
    is_over = year.is_closed and year.ending is None
    judge = oracle.judge_subject_at_year_end if is_over else oracle.judge_subject
    judged = {
        key: judge(content, marks.terms, marks.recovery)
        for key, marks in year.subjects.items()
    }
    of_year = oracle.judge_attendance(content, days.given, days.absent, days.outside)
    assert {k: subject_tuple(r) for k, r in decided.subjects.items()} == judged
    assert attendance_tuple(decided.attendance) == of_year
    assert decided.situation == oracle.decide_situation(
        content,
        [standing for standing, *_others in judged.values()],
        of_year,
        (year.ending, year.is_closed, year.by_council),
    )


@given(st.data())
def test_year_without_rules_knows_only_who_left(data):
    year = data.draw(strategies.years(data.draw(strategies.rules())))

    decided = outcome.decide_outcome(None, year)

    assert decided.situation == oracle.decide_situation(
        None, [], None, (year.ending, year.is_closed, year.by_council)
    )
    assert decided.attendance is None
    assert {r.standing for r in decided.subjects.values()} <= {Standing.OPEN}
    assert {r.needed_grade for r in decided.subjects.values()} <= {None}
