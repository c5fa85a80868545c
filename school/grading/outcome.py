"""Outcome of a student's year: one situation and all reasons for it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from school.grading import attendance, subjects
from school.grading.attendance import AttendanceResult
from school.grading.rules import Rules
from school.grading.situations import (
    EXIT_SITUATIONS,
    PASSED_SITUATIONS,
    Situation,
    exit_situation,
)
from school.grading.subject_records import (
    UNCOUNTED_STANDINGS,
    Standing,
    SubjectGrades,
    SubjectResult,
)
from school.grading.year_reasons import (
    Reason,
    ReasonCode,
    collect_reasons,
    is_nothing_taken,
)
from school.grading.year_record import YearRecord

__all__ = [
    "EXIT_SITUATIONS", "PASSED_SITUATIONS", "Outcome", "Reason", "ReasonCode", "Situation", "YearRecord", "decide_outcome",
]  # fmt: skip


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
        attendance_result = attendance.evaluate_attendance(
            rules, year.days, is_closed=year.is_closed
        )
    situation = _decide_situation(rules, year, results, attendance_result)
    if attendance_result is not None and year.is_gone:
        attendance_result = replace(attendance_result, absences_left=None)
    return Outcome(
        situation,
        results,
        attendance_result,
        tuple(collect_reasons(rules, year, results, attendance_result, situation)),
    )


def _evaluate_subject(
    rules: Rules, grades: SubjectGrades, year: YearRecord
) -> SubjectResult:
    result = subjects.evaluate_subject(rules, grades)
    if year.is_closed and year.exit_reason is None:
        result = subjects.close_without_exam(result)
    if year.has_future or result.standing not in {Standing.OPEN, Standing.RECOVERY}:
        return result
    return replace(result, needed_grade=None, has_future=False)


def _result_without_rules(grades: SubjectGrades) -> SubjectResult:
    excused_standing = subjects.find_excused_standing(grades)
    if excused_standing is not None:
        return SubjectResult(excused_standing, None, None, None)
    return SubjectResult(Standing.OPEN, subjects.partial_mean(grades), None, None)


def _decide_situation(
    rules: Rules | None,
    year: YearRecord,
    results: Mapping[int, SubjectResult],
    attendance_result: AttendanceResult | None,
) -> Situation | None:
    """Return the first situation that applies, in the order given in docs/rules.md."""
    if year.exit_reason is not None:
        return exit_situation(year.exit_reason)
    if rules is None:
        return None
    standings = [
        result.standing
        for key, result in results.items()
        if result.standing not in UNCOUNTED_STANDINGS
        and year.subjects[key].counts_for_promotion
    ]
    if rules.assessment == "none":
        if not year.is_closed:
            return Situation.IN_PROGRESS
        situation = Situation.PROMOTED
    elif (
        Standing.OPEN in standings
        or is_nothing_taken(results)
        # Who owes nothing has no result before the year's end.
        or not (standings or year.is_closed)
    ):
        return Situation.INCOMPLETE if year.is_closed else Situation.IN_PROGRESS
    elif Standing.RECOVERY in standings:
        return Situation.IN_RECOVERY
    else:
        situation = _decide_by_standings(standings, rules, year)
    situation = _apply_attendance(situation, standings, rules, year, attendance_result)
    if year.retained_by_council and situation in PASSED_SITUATIONS:
        return Situation.FAILED_BY_COUNCIL
    return situation


def _apply_attendance(
    situation: Situation,
    standings: list[Standing],
    rules: Rules,
    year: YearRecord,
    attendance_result: AttendanceResult | None,
) -> Situation:
    """Return the situation of a student whose grades alone lead to `situation`."""
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
    if rules.retention == "none":
        return Situation.PROMOTED
    has_failed = Standing.FAILED in standings
    return (
        Situation.FAILED
        if has_failed and rules.retention == "grades_and_attendance"
        else Situation.FAILED_BY_ATTENDANCE
    )


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
    if rules.retention != "grades_and_attendance":
        return Situation.PROMOTED
    if year.by_council:
        return Situation.APPROVED_BY_COUNCIL
    if failed_count <= rules.dependencies:
        return Situation.APPROVED_WITH_DEPENDENCY
    return Situation.FAILED
