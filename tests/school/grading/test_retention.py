"""Years whose rules have no grades, or do not retain; years that the council retains."""

import pytest
from django.utils.translation import override

from school.grading.attendance import AttendanceDays
from school.grading.default_profiles import DEFAULT_PROFILES
from school.grading.explanations import explain_subject
from school.grading.outcome import ReasonCode, Situation, YearRecord, decide_outcome
from school.grading.rules import Rules
from school.grading.subjects import Standing, SubjectGrades, evaluate_subject

AMAZONAS = DEFAULT_PROFILES[0].rules
WITHOUT_GRADES = Rules(terms=4, assessment="none", minimum_attendance=60)
PROGRESSION = AMAZONAS.model_copy(update={"retention": "attendance"})
NOBODY = AMAZONAS.model_copy(update={"retention": "none"})
PASSED, FAILED = SubjectGrades((60,) * 4), SubjectGrades((20,) * 4, 0)
AFTER_RECOVERY = SubjectGrades((55,) * 4, 65)
IN_RECOVERY, OPEN = SubjectGrades((59,) * 4), SubjectGrades((60, None, None, None))
PRESENT = AttendanceDays(lesson_days=200)
SHORT = AttendanceDays(lesson_days=200, absences=81)


def decide(rules, *subjects, days=PRESENT, exit_reason=None, **year):
    year = YearRecord(dict(enumerate(subjects, 1)), days, exit_reason, **year)
    return decide_outcome(rules, year)


def codes(outcome):
    return [reason.code for reason in outcome.reasons]


@pytest.mark.parametrize("retention", ["grades_and_attendance", "attendance"])
def test_year_without_grades_is_judged_by_attendance_alone(retention):
    rules = WITHOUT_GRADES.model_copy(update={"retention": retention})

    assert decide(rules).situation is Situation.IN_PROGRESS
    closed = decide(rules, is_closed=True)
    assert (closed.situation, codes(closed)) == (Situation.PROMOTED, [])
    short = decide(rules, days=SHORT, is_closed=True)
    assert short.situation is Situation.FAILED_BY_ATTENDANCE
    assert codes(short) == [ReasonCode.ATTENDANCE_SHORT]


def test_year_without_grades_compares_attendance_with_its_own_minimum():
    limit = AttendanceDays(lesson_days=200, absences=80)

    assert decide(WITHOUT_GRADES, days=limit, is_closed=True).situation == "promoted"


def test_subject_of_year_without_grades_is_not_graded():
    outcome = decide(
        WITHOUT_GRADES, SubjectGrades((None, 20, None, None)), is_closed=True
    )

    assert outcome.subjects[1].standing is Standing.NOT_GRADED
    assert outcome.subjects[1].mean is None
    assert (outcome.situation, codes(outcome)) == (Situation.PROMOTED, [])


def test_year_without_days_and_grades_says_that_no_day_is_recorded():
    outcome = decide(WITHOUT_GRADES, days=AttendanceDays(), is_closed=True)

    assert (outcome.situation, codes(outcome)) == ("promoted", [ReasonCode.NO_DAYS])


def test_year_without_grades_keeps_the_exit():
    outcome = decide(WITHOUT_GRADES, exit_reason="transferred", is_closed=True)

    assert outcome.situation is Situation.TRANSFERRED


@pytest.mark.parametrize("rules", [PROGRESSION, NOBODY])
def test_failed_subjects_do_not_retain_in_continuous_progression(rules):
    failed = decide(rules, FAILED, PASSED)
    assert failed.situation is Situation.PROMOTED
    assert codes(failed) == [
        ReasonCode.SUBJECT_FAILED,
        ReasonCode.CONTINUOUS_PROGRESSION,
    ]
    assert decide(rules, FAILED, by_council=True).situation is Situation.PROMOTED
    assert decide(rules, PASSED).situation is Situation.APPROVED
    assert decide(rules, AFTER_RECOVERY).situation is Situation.APPROVED_AFTER_RECOVERY


@pytest.mark.parametrize(
    ("rules", "subject", "ending"),
    [
        (AMAZONAS, SubjectGrades((10,) * 4), "; the class council can decide."),
        (PROGRESSION, SubjectGrades((10,) * 4), "."),
        (NOBODY, SubjectGrades((10,) * 4), "."),
        (AMAZONAS, SubjectGrades((10,) * 4, counts_for_promotion=False), "."),
    ],
)
def test_council_is_named_only_where_the_subject_retains(rules, subject, ending):
    with override("en"):
        text = explain_subject(rules, subject, evaluate_subject(rules, subject))

    assert text.endswith(f"Not even 10.0 in the recovery exam would reach 6.0{ending}")


def test_short_attendance_retains_in_continuous_progression():
    outcome = decide(PROGRESSION, FAILED, days=SHORT)

    assert outcome.situation is Situation.FAILED_BY_ATTENDANCE
    assert codes(outcome) == [ReasonCode.SUBJECT_FAILED, ReasonCode.ATTENDANCE_SHORT]


def test_short_attendance_does_not_retain_where_nobody_is_retained():
    passed, failed = (
        decide(NOBODY, PASSED, days=SHORT),
        decide(NOBODY, FAILED, days=SHORT),
    )

    assert passed.situation is failed.situation is Situation.PROMOTED
    assert codes(passed) == [ReasonCode.ATTENDANCE_SHORT, ReasonCode.NO_RETENTION]
    assert codes(failed) == [
        ReasonCode.SUBJECT_FAILED,
        ReasonCode.ATTENDANCE_SHORT,
        ReasonCode.CONTINUOUS_PROGRESSION,
        ReasonCode.NO_RETENTION,
    ]


@pytest.mark.parametrize("rules", [PROGRESSION, NOBODY])
def test_pending_recovery_holds_up_promotion_until_the_year_closes(rules):
    assert decide(rules, IN_RECOVERY).situation is Situation.IN_RECOVERY
    assert decide(rules, IN_RECOVERY, is_closed=True).situation is Situation.PROMOTED


@pytest.mark.parametrize("rules", [AMAZONAS, PROGRESSION, NOBODY])
def test_missing_grades_leave_a_closed_year_incomplete(rules):
    outcome = decide(rules, OPEN, PASSED, is_closed=True, retained_by_council=True)

    assert (outcome.situation, codes(outcome)) == ("incomplete", ["grades_missing"])


@pytest.mark.parametrize(
    ("rules", "subjects"),
    [
        (AMAZONAS, [PASSED]),
        (AMAZONAS, [AFTER_RECOVERY]),
        (AMAZONAS.model_copy(update={"dependencies": 1}), [FAILED, PASSED]),
        (PROGRESSION, [FAILED]),
        (WITHOUT_GRADES, []),
    ],
)
def test_council_retains_a_student_who_would_go_on(rules, subjects):
    outcome = decide(rules, *subjects, is_closed=True, retained_by_council=True)

    assert outcome.situation is Situation.FAILED_BY_COUNCIL
    assert codes(outcome)[-1] == ReasonCode.RETAINED_BY_COUNCIL
    assert ReasonCode.CONTINUOUS_PROGRESSION not in codes(outcome)


def test_council_adds_nothing_to_a_failed_year():
    for days, situation in ((PRESENT, "failed"), (SHORT, "failed_by_attendance")):
        subject = FAILED if days is PRESENT else PASSED
        outcome = decide(
            AMAZONAS, subject, days=days, is_closed=True, retained_by_council=True
        )
        assert outcome.situation == situation
        assert ReasonCode.RETAINED_BY_COUNCIL not in codes(outcome)
