from decimal import Decimal

import pytest

from school.grading.attendance import AttendanceDays
from school.grading.default_profiles import DEFAULT_PROFILES
from school.grading.outcome import (
    Reason,
    ReasonCode,
    Situation,
    YearRecord,
    decide_outcome,
)
from school.grading.subjects import Standing, SubjectGrades

AMAZONAS = DEFAULT_PROFILES[0].rules
PASSED, AFTER_RECOVERY = SubjectGrades((60,) * 4), SubjectGrades((55,) * 4, 65)
FAILED, IN_RECOVERY = SubjectGrades((55,) * 4, 64), SubjectGrades((59,) * 4)
OPEN = SubjectGrades((60, 60, 60, None))
PRESENT, LOW_ATTENDANCE = (
    AttendanceDays(lesson_days=200),
    AttendanceDays(lesson_days=200, absences=51),
)


def decide_year(*subjects, days=PRESENT, ending=None, rules=AMAZONAS, **year):
    return decide_outcome(
        rules, YearRecord(dict(enumerate(subjects, 1)), days, ending, **year)
    )


def situation_of(*subjects, **year):
    return decide_year(*subjects, **year).situation


def reasons_of(*subjects, **year):
    return [(r.code, r.subject_id) for r in decide_year(*subjects, **year).reasons]


def test_year_with_all_passed_is_approved_without_reasons():
    assert situation_of(PASSED, PASSED) is Situation.APPROVED
    assert reasons_of(PASSED, PASSED) == []


def test_year_with_one_recovery_passed_is_approved():
    assert situation_of(PASSED, AFTER_RECOVERY) is Situation.APPROVED_AFTER_RECOVERY


def test_year_with_open_subject_stays_open():
    year = (OPEN, FAILED, IN_RECOVERY)

    assert situation_of(*year, days=LOW_ATTENDANCE) is Situation.IN_PROGRESS
    assert (
        situation_of(*year, days=LOW_ATTENDANCE, is_closed=True) is Situation.INCOMPLETE
    )
    assert reasons_of(*year, days=LOW_ATTENDANCE) == [
        (ReasonCode.GRADES_MISSING, 1),
        (ReasonCode.SUBJECT_FAILED, 2),
        (ReasonCode.SUBJECT_IN_RECOVERY, 3),
        (ReasonCode.ATTENDANCE_SHORT, None),
    ]


def test_recovery_takes_precedence_over_failure():
    assert (
        situation_of(IN_RECOVERY, FAILED, days=LOW_ATTENDANCE) is Situation.IN_RECOVERY
    )


def test_closed_year_without_recovery_exam_is_failed():
    assert situation_of(IN_RECOVERY, PASSED, is_closed=True) is Situation.FAILED
    assert reasons_of(IN_RECOVERY, is_closed=True) == [(ReasonCode.SUBJECT_FAILED, 1)]
    result = decide_year(IN_RECOVERY, is_closed=True).subjects[1]
    assert (result.standing, result.final_mean, result.needed_grade) == (
        Standing.FAILED,
        result.mean,
        None,
    )
    left = {"is_closed": True, "ending": "transferred"}
    assert reasons_of(IN_RECOVERY, **left) == [(ReasonCode.SUBJECT_IN_RECOVERY, 1)]


def test_short_attendance_that_can_recover_keeps_year_open():
    low = {"days": AttendanceDays(lesson_days=100, absences=40)}

    assert situation_of(PASSED, **low) is Situation.IN_PROGRESS
    assert situation_of(FAILED, by_council=True, **low) is Situation.IN_PROGRESS
    assert situation_of(FAILED, **low) is Situation.FAILED
    assert situation_of(PASSED, is_closed=True, **low) is Situation.FAILED_BY_ATTENDANCE
    at_limit = AttendanceDays(lesson_days=199, absences=50)
    assert situation_of(PASSED, days=at_limit) is Situation.IN_PROGRESS
    lost = AttendanceDays(lesson_days=100, absences=51)
    assert situation_of(PASSED, days=lost) is Situation.FAILED_BY_ATTENDANCE


def test_short_attendance_alone_is_failed_by_attendance():
    assert situation_of(PASSED, days=LOW_ATTENDANCE) is Situation.FAILED_BY_ATTENDANCE
    assert (
        situation_of(AFTER_RECOVERY, days=LOW_ATTENDANCE)
        is Situation.FAILED_BY_ATTENDANCE
    )


def test_failed_year_has_reasons_for_grades_and_attendance():
    assert situation_of(FAILED, PASSED, days=LOW_ATTENDANCE) is Situation.FAILED
    assert reasons_of(FAILED, PASSED, days=LOW_ATTENDANCE) == [
        (ReasonCode.SUBJECT_FAILED, 1),
        (ReasonCode.ATTENDANCE_SHORT, None),
    ]


def test_council_approves_failed_subjects_not_short_attendance():
    year = {"by_council": True}

    assert situation_of(FAILED, FAILED, **year) is Situation.APPROVED_BY_COUNCIL
    assert situation_of(FAILED, days=LOW_ATTENDANCE, **year) is Situation.FAILED
    assert (
        situation_of(PASSED, days=LOW_ATTENDANCE, **year)
        is Situation.FAILED_BY_ATTENDANCE
    )
    assert situation_of(PASSED, **year) is Situation.APPROVED
    assert reasons_of(FAILED, **year) == [
        (ReasonCode.SUBJECT_FAILED, 1),
        (ReasonCode.APPROVED_BY_COUNCIL, None),
    ]


def test_dependency_allows_the_limited_number_of_failures():
    rules = AMAZONAS.model_copy(update={"dependencies": 1})

    assert (
        situation_of(FAILED, PASSED, rules=rules) is Situation.APPROVED_WITH_DEPENDENCY
    )
    assert situation_of(FAILED, FAILED, rules=rules) is Situation.FAILED
    assert situation_of(FAILED, days=LOW_ATTENDANCE, rules=rules) is Situation.FAILED
    assert reasons_of(FAILED, rules=rules) == [
        (ReasonCode.SUBJECT_FAILED, 1),
        (ReasonCode.DEPENDENCY, None),
    ]


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("", "left"),
        ("transferred", "transferred"),
        ("abandoned", "abandoned"),
        ("reclassified", "reclassified"),
        ("deceased", "deceased"),
        ("class_change", "class_changed"),
    ],
)
def test_exit_reason_decides_the_situation(ending, expected):
    assert situation_of(FAILED, days=LOW_ATTENDANCE, ending=ending) == expected
    assert situation_of(FAILED, ending=ending, rules=None) == expected


def test_year_of_student_who_left_still_has_reasons():
    assert reasons_of(FAILED, ending="transferred") == [(ReasonCode.SUBJECT_FAILED, 1)]


def test_unknown_exit_reason_raises():
    with pytest.raises(ValueError, match="unknown exit reason: lost"):
        decide_year(PASSED, ending="lost")


def test_enrolment_endings_are_all_known():
    from school.models import Enrolment

    for ending in Enrolment.Ending.values:
        assert situation_of(PASSED, ending=ending) in Situation


def test_year_without_subjects_is_in_progress():
    assert situation_of() is Situation.IN_PROGRESS
    assert situation_of(is_closed=True) is Situation.INCOMPLETE
    assert reasons_of() == [(ReasonCode.NO_SUBJECTS, None)]


def test_year_without_lesson_days_is_judged_by_grades():
    assert situation_of(PASSED, days=AttendanceDays()) is Situation.APPROVED
    assert reasons_of(PASSED, days=AttendanceDays()) == [(ReasonCode.NO_DAYS, None)]


def test_year_without_rules_has_means_but_no_situation():
    outcome = decide_year(OPEN, PASSED, rules=None)

    assert outcome.situation is None
    assert outcome.attendance is None
    assert {r.standing for r in outcome.subjects.values()} == {Standing.OPEN}
    assert outcome.subjects[1].mean == 6
    assert outcome.reasons == (
        Reason(ReasonCode.GRADES_MISSING, 1),
        Reason(ReasonCode.NO_RULES),
    )


def test_outcome_keeps_the_order_of_subjects():
    outcome = decide_outcome(
        AMAZONAS, YearRecord({7: FAILED, 3: FAILED}, PRESENT, None)
    )

    assert list(outcome.subjects) == [7, 3]
    assert [reason.subject_id for reason in outcome.reasons] == [7, 3]


def test_minimum_attendance_comes_from_the_rules():
    rules = AMAZONAS.model_copy(update={"minimum_attendance": Decimal(80)})

    assert (
        situation_of(PASSED, days=AttendanceDays(200, 41), rules=rules)
        == "failed_by_attendance"
    )
    assert situation_of(PASSED, days=AttendanceDays(200, 40), rules=rules) == "approved"


@pytest.mark.parametrize(
    "year", [{"is_closed": True}, {"has_left": True}, {"ending": "deceased"}]
)
def test_year_without_future_needs_no_grade(year):
    for grades in (OPEN, IN_RECOVERY):
        (open_result,) = decide_year(grades).subjects.values()
        (result,) = decide_year(grades, **year).subjects.values()

        assert open_result.needed_grade is not None
        assert result.needed_grade is None
        assert result.mean == open_result.mean


def test_exit_after_the_lessons_keeps_the_result():
    assert situation_of(PASSED, has_left=True) is Situation.APPROVED
    assert situation_of(FAILED, has_left=True) is Situation.FAILED
    assert situation_of(IN_RECOVERY, has_left=True) is Situation.IN_RECOVERY
    assert situation_of(IN_RECOVERY, has_left=True, is_closed=True) is Situation.FAILED


@pytest.mark.parametrize(
    "subject",
    [
        SubjectGrades((None,) * 4, exempt_terms=frozenset({1, 2, 3, 4})),
        SubjectGrades((60,) * 4, counts_for_promotion=False),
    ],
)
def test_student_who_owes_nothing_has_no_result_before_the_year_is_closed(subject):
    assert situation_of(subject) is Situation.IN_PROGRESS
    assert situation_of(subject, PASSED) is Situation.APPROVED
    assert situation_of(subject, is_closed=True) is Situation.APPROVED


@pytest.mark.parametrize(
    ("year", "left"), [({}, 49), ({"ending": ""}, None), ({"has_left": True}, None)]
)
def test_student_who_has_left_has_no_absences_left(year, left):
    days = AttendanceDays(lesson_days=100, absences=1)

    assert decide_year(OPEN, days=days, **year).attendance.absences_left == left


@pytest.mark.parametrize(
    ("class_days", "year", "is_told"),
    [
        (199, {"is_closed": True}, True),
        (200, {"is_closed": True}, False),
        (199, {}, False),  # an open year may still have more days
        (0, {"is_closed": True}, False),  # that no day is recorded is told instead
        (199, {"is_closed": True, "ending": "transferred"}, False),
        (199, {"is_closed": True, "has_left": True}, True),
    ],
)
def test_few_lesson_days_are_a_reason_of_a_closed_year(class_days, year, is_told):
    days = AttendanceDays(lesson_days=180, class_days=class_days)

    reasons = reasons_of(PASSED, days=days, **year)

    assert reasons == ([(ReasonCode.FEW_DAYS, None)] if is_told else [])


def test_few_lesson_days_without_rules_are_no_reason():
    days = AttendanceDays(lesson_days=180, class_days=199)

    reasons = reasons_of(PASSED, days=days, is_closed=True, rules=None)

    assert reasons == [(ReasonCode.NO_RULES, None)]
