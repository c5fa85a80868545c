"""A student's year decided: one situation, and every reason that speaks for or against it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from school.grading import attendance, subjects
from school.grading.attendance import Attendance, Days
from school.grading.rules import Rules
from school.grading.subjects import Marks, Standing, SubjectResult


class Situation(StrEnum):
    IN_PROGRESS = "in_progress"
    INCOMPLETE = "incomplete"
    """The year is closed, and grades are missing."""
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
    """Nobody recorded why."""


ENDINGS = {
    "": Situation.LEFT,
    "transferred": Situation.TRANSFERRED,
    "abandoned": Situation.ABANDONED,
    "reclassified": Situation.RECLASSIFIED,
    "deceased": Situation.DECEASED,
    "class_change": Situation.CLASS_CHANGED,
}
"""What each recorded reason for leaving makes of the year."""


class Why(StrEnum):
    """The codes of reasons. Those with a star are given for each subject."""

    SUBJECT_FAILED = "subject_failed"  # *
    SUBJECT_IN_RECOVERY = "subject_in_recovery"  # *
    GRADES_MISSING = "grades_missing"  # *
    ATTENDANCE_SHORT = "attendance_short"
    APPROVED_BY_COUNCIL = "approved_by_council"
    DEPENDENCY = "dependency"
    NO_RULES = "no_rules"
    NO_DAYS = "no_days"
    NO_SUBJECTS = "no_subjects"


IN_SPITE = {
    Situation.APPROVED_BY_COUNCIL: Why.APPROVED_BY_COUNCIL,
    Situation.APPROVED_WITH_DEPENDENCY: Why.DEPENDENCY,
}
"""What lets a year pass in spite of failed subjects."""


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    subject: int | None = None


@dataclass(frozen=True, slots=True)
class Year:
    """What is known of a student's year; subjects are by their ids, in order."""

    subjects: Mapping[int, Marks]
    days: Days
    ending: str | None
    """Why the student left; empty if that was not recorded, None if nobody left."""
    is_closed: bool = False
    by_council: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    situation: Situation | None
    """None without rules."""
    subjects: Mapping[int, SubjectResult]
    attendance: Attendance | None
    """None without rules."""
    reasons: tuple[Reason, ...]


def decide(rules: Rules | None, year: Year) -> Outcome:
    """Judge the year by the rules; without any, only that somebody left is known.

    `ValueError` for an ending that is none, or marks of another number of terms.
    """
    if rules is None:
        judged = {key: _unjudged(marks) for key, marks in year.subjects.items()}
        days = None
    else:
        judged = {
            key: _judged(rules, marks, year) for key, marks in year.subjects.items()
        }
        days = attendance.judge(rules, year.days)
    situation = _situation(rules, year, judged, days)
    return Outcome(
        situation, judged, days, tuple(_reasons(year, judged, days, situation))
    )


def _judged(rules: Rules, marks: Marks, year: Year) -> SubjectResult:
    result = subjects.judge(rules, marks)
    is_over = year.is_closed and year.ending is None
    return subjects.without_exam(result) if is_over else result


def _unjudged(marks: Marks) -> SubjectResult:
    return SubjectResult(Standing.OPEN, subjects.partial_mean(marks), None, None)


def _situation(
    rules: Rules | None,
    year: Year,
    judged: Mapping[int, SubjectResult],
    days: Attendance | None,
) -> Situation | None:
    """The first that fits, in the order of the rules' documentation."""
    if year.ending is not None:
        return _ended(year.ending)
    if rules is None:
        return None
    standings = [result.standing for result in judged.values()]
    if not standings or Standing.OPEN in standings:
        return Situation.INCOMPLETE if year.is_closed else Situation.IN_PROGRESS
    if Standing.RECOVERY in standings:
        return Situation.IN_RECOVERY
    situation = _of_decided(standings, rules, year)
    if days is None or days.is_enough is not False or situation is Situation.FAILED:
        return situation
    if not attendance.is_lost(days, is_closed=year.is_closed):
        return Situation.IN_PROGRESS
    failed = Standing.FAILED in standings
    return Situation.FAILED if failed else Situation.FAILED_BY_ATTENDANCE


def _ended(ending: str) -> Situation:
    if ending not in ENDINGS:
        raise ValueError(f"no such ending: {ending}")
    return ENDINGS[ending]


def _of_decided(standings: list[Standing], rules: Rules, year: Year) -> Situation:
    failed = standings.count(Standing.FAILED)
    if not failed:
        is_after_recovery = Standing.PASSED_AFTER_RECOVERY in standings
        return (
            Situation.APPROVED_AFTER_RECOVERY
            if is_after_recovery
            else Situation.APPROVED
        )
    if year.by_council:
        return Situation.APPROVED_BY_COUNCIL
    if failed <= rules.dependencies:
        return Situation.APPROVED_WITH_DEPENDENCY
    return Situation.FAILED


def _reasons(
    year: Year,
    judged: Mapping[int, SubjectResult],
    days: Attendance | None,
    situation: Situation | None,
) -> Iterator[Reason]:
    """All that apply, whatever was decided by the first: both, where both fail."""
    for key, result in judged.items():
        why = _why(result.standing, year.subjects[key])
        if why is not None:
            yield Reason(why, key)
    if days is None:
        yield Reason(Why.NO_RULES)
    elif days.is_enough is False:
        yield Reason(Why.ATTENDANCE_SHORT)
    if situation in IN_SPITE:
        yield Reason(IN_SPITE[situation])
    if not year.days.given:
        yield Reason(Why.NO_DAYS)
    if not year.subjects:
        yield Reason(Why.NO_SUBJECTS)


def _why(standing: Standing, marks: Marks) -> Why | None:
    if standing is Standing.FAILED:
        return Why.SUBJECT_FAILED
    if standing is Standing.RECOVERY:
        return Why.SUBJECT_IN_RECOVERY
    # Without rules a subject is open though all its grades may be there.
    return Why.GRADES_MISSING if None in marks.terms else None
