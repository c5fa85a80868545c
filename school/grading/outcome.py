"""Outcome of a student's year: one situation and all reasons for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from school.grading import attendance, subjects
from school.grading.attendance import AttendanceDays, AttendanceResult
from school.grading.rules import Rules
from school.grading.subjects import Standing, SubjectGrades, SubjectResult


class Situation(StrEnum):
    IN_PROGRESS = "in_progress"
    INCOMPLETE = "incomplete"
    """The year is closed but grades are missing."""
    IN_RECOVERY = "in_recovery"
    APPROVED = "approved"
    APPROVED_AFTER_RECOVERY = "approved_after_recovery"
    APPROVED_BY_COUNCIL = "approved_by_council"
    APPROVED_WITH_DEPENDENCY = "approved_with_dependency"
    FAILED = "failed"
    FAILED_BY_ATTENDANCE = "failed_by_attendance"
    TRANSFERRED = "transferred"
    ABANDONED = "abandoned"
    RECLASSIFIED = "reclassified"
    DECEASED = "deceased"
    CLASS_CHANGED = "class_changed"
    LEFT = "left"
    """The student left and no reason was recorded."""


EXIT_SITUATIONS = {
    "": Situation.LEFT,
    "transferred": Situation.TRANSFERRED,
    "abandoned": Situation.ABANDONED,
    "reclassified": Situation.RECLASSIFIED,
    "deceased": Situation.DECEASED,
    "class_change": Situation.CLASS_CHANGED,
}
"""Situation for each recorded exit reason; the empty string means not recorded."""


class ReasonCode(StrEnum):
    """Codes of reasons; those with a star are reported per subject."""

    SUBJECT_FAILED = "subject_failed"  # *
    SUBJECT_IN_RECOVERY = "subject_in_recovery"  # *
    GRADES_MISSING = "grades_missing"  # *
    ATTENDANCE_SHORT = "attendance_short"
    APPROVED_BY_COUNCIL = "approved_by_council"
    DEPENDENCY = "dependency"
    NO_RULES = "no_rules"
    NO_DAYS = "no_days"
    NO_SUBJECTS = "no_subjects"


OVERRIDES = {
    Situation.APPROVED_BY_COUNCIL: ReasonCode.APPROVED_BY_COUNCIL,
    Situation.APPROVED_WITH_DEPENDENCY: ReasonCode.DEPENDENCY,
}
"""Situations in which a year passes despite failed subjects, with their reason."""


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    subject_id: int | None = None


@dataclass(frozen=True, slots=True)
class YearRecord:
    """Recorded data of a student's year; `subjects` maps subject ids to grades, in order."""

    subjects: Mapping[int, SubjectGrades]
    days: AttendanceDays
    exit_reason: str | None
    """Exit reason; "" if the student left without a recorded reason, None if still enrolled."""
    is_closed: bool = False
    by_council: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    situation: Situation | None
    """None without rules."""
    subjects: Mapping[int, SubjectResult]
    attendance: AttendanceResult | None
    """None without rules."""
    reasons: tuple[Reason, ...]


def decide_outcome(rules: Rules | None, year: YearRecord) -> Outcome:
    """Decide the year by the rules; without rules, only an exit gives a situation.

    Raise `ValueError` for an unknown exit reason or a wrong number of terms.
    """
    if rules is None:
        results = {
            key: _result_without_rules(grades) for key, grades in year.subjects.items()
        }
        attendance_result = None
    else:
        results = {
            key: _evaluate_subject(rules, grades, year)
            for key, grades in year.subjects.items()
        }
        attendance_result = attendance.evaluate_attendance(rules, year.days)
    situation = _decide_situation(rules, year, results, attendance_result)
    return Outcome(
        situation,
        results,
        attendance_result,
        tuple(_collect_reasons(year, results, attendance_result, situation)),
    )


def _evaluate_subject(
    rules: Rules, grades: SubjectGrades, year: YearRecord
) -> SubjectResult:
    result = subjects.evaluate_subject(rules, grades)
    is_over = year.is_closed and year.exit_reason is None
    return subjects.close_without_exam(result) if is_over else result


def _result_without_rules(grades: SubjectGrades) -> SubjectResult:
    return SubjectResult(Standing.OPEN, subjects.partial_mean(grades), None, None)


def _decide_situation(
    rules: Rules | None,
    year: YearRecord,
    results: Mapping[int, SubjectResult],
    attendance_result: AttendanceResult | None,
) -> Situation | None:
    """Return the first situation that applies, in the order given in docs/rules.md."""
    if year.exit_reason is not None:
        return _exit_situation(year.exit_reason)
    if rules is None:
        return None
    standings = [result.standing for result in results.values()]
    if not standings or Standing.OPEN in standings:
        return Situation.INCOMPLETE if year.is_closed else Situation.IN_PROGRESS
    if Standing.RECOVERY in standings:
        return Situation.IN_RECOVERY
    situation = _decide_by_standings(standings, rules, year)
    if (
        attendance_result is None
        or attendance_result.is_enough is not False
        or situation is Situation.FAILED
    ):
        return situation
    if not attendance.is_attendance_unrecoverable(
        attendance_result, is_closed=year.is_closed
    ):
        return Situation.IN_PROGRESS
    has_failed = Standing.FAILED in standings
    return Situation.FAILED if has_failed else Situation.FAILED_BY_ATTENDANCE


def _exit_situation(exit_reason: str) -> Situation:
    if exit_reason not in EXIT_SITUATIONS:
        raise ValueError(f"unknown exit reason: {exit_reason}")
    return EXIT_SITUATIONS[exit_reason]


def _decide_by_standings(
    standings: list[Standing], rules: Rules, year: YearRecord
) -> Situation:
    failed_count = standings.count(Standing.FAILED)
    if not failed_count:
        is_after_recovery = Standing.PASSED_AFTER_RECOVERY in standings
        return (
            Situation.APPROVED_AFTER_RECOVERY
            if is_after_recovery
            else Situation.APPROVED
        )
    if year.by_council:
        return Situation.APPROVED_BY_COUNCIL
    if failed_count <= rules.dependencies:
        return Situation.APPROVED_WITH_DEPENDENCY
    return Situation.FAILED


def _collect_reasons(
    year: YearRecord,
    results: Mapping[int, SubjectResult],
    attendance_result: AttendanceResult | None,
    situation: Situation | None,
) -> Iterator[Reason]:
    """Yield every reason that applies, not only the one that decided the situation."""
    for subject_id, result in results.items():
        code = _subject_reason(result.standing, year.subjects[subject_id])
        if code is not None:
            yield Reason(code, subject_id)
    if attendance_result is None:
        yield Reason(ReasonCode.NO_RULES)
    elif attendance_result.is_enough is False:
        yield Reason(ReasonCode.ATTENDANCE_SHORT)
    if situation in OVERRIDES:
        yield Reason(OVERRIDES[situation])
    if not year.days.lesson_days:
        yield Reason(ReasonCode.NO_DAYS)
    if not year.subjects:
        yield Reason(ReasonCode.NO_SUBJECTS)


def _subject_reason(standing: Standing, grades: SubjectGrades) -> ReasonCode | None:
    if standing is Standing.FAILED:
        return ReasonCode.SUBJECT_FAILED
    if standing is Standing.RECOVERY:
        return ReasonCode.SUBJECT_IN_RECOVERY
    # Without rules a subject is open even if all its grades are present.
    return ReasonCode.GRADES_MISSING if None in grades.terms else None
