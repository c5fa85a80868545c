"""Reasons for the situation of a year."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from school.grading.attendance import AttendanceResult
from school.grading.rules import Rules
from school.grading.situations import Situation
from school.grading.subject_records import (
    UNCOUNTED_STANDINGS,
    Standing,
    SubjectGrades,
    SubjectResult,
)
from school.grading.year_record import YearRecord


class ReasonCode(StrEnum):
    """Codes of reasons; those with a star are reported per subject."""

    SUBJECT_FAILED = "subject_failed"  # *
    SUBJECT_IN_RECOVERY = "subject_in_recovery"  # *
    GRADES_MISSING = "grades_missing"  # *
    SUBJECT_EXEMPT = "subject_exempt"  # *
    SUBJECT_NOT_COUNTED = "subject_not_counted"  # *
    ATTENDANCE_SHORT = "attendance_short"
    APPROVED_BY_COUNCIL = "approved_by_council"
    DEPENDENCY = "dependency"
    CONTINUOUS_PROGRESSION = "continuous_progression"
    NO_RETENTION = "no_retention"
    RETAINED_BY_COUNCIL = "retained_by_council"
    FEW_DAYS = "few_days"
    NO_RULES = "no_rules"
    NO_DAYS = "no_days"
    NO_SUBJECTS = "no_subjects"


OVERRIDES = {
    Situation.APPROVED_BY_COUNCIL: ReasonCode.APPROVED_BY_COUNCIL,
    Situation.APPROVED_WITH_DEPENDENCY: ReasonCode.DEPENDENCY,
    Situation.FAILED_BY_COUNCIL: ReasonCode.RETAINED_BY_COUNCIL,
}
"""Situations that grades and attendance do not decide alone, with their reason."""


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    subject_id: int | None = None


def is_nothing_taken(results: Mapping[int, SubjectResult]) -> bool:
    """Return whether no subject says anything: none is offered, or only options not taken."""
    return all(result.standing is Standing.NOT_TAKEN for result in results.values())


def collect_reasons(
    rules: Rules | None,
    year: YearRecord,
    results: Mapping[int, SubjectResult],
    attendance_result: AttendanceResult | None,
    situation: Situation | None,
) -> Iterator[Reason]:
    """Yield every reason that applies, not only the one that decided the situation."""
    reasons = list(_subject_reasons(year.subjects, results))
    yield from reasons
    is_short = attendance_result is not None and attendance_result.is_enough is False
    if attendance_result is None:
        yield Reason(ReasonCode.NO_RULES)
    elif is_short:
        yield Reason(ReasonCode.ATTENDANCE_SHORT)
    if situation in OVERRIDES:
        yield Reason(OVERRIDES[situation])
    if situation is Situation.PROMOTED:
        yield from _promotion_reasons(reasons, is_short=is_short)
    yield from _day_reasons(rules, year)
    if not year.subjects and (rules is None or rules.assessment != "none"):
        yield Reason(ReasonCode.NO_SUBJECTS)


def _day_reasons(rules: Rules | None, year: YearRecord) -> Iterator[Reason]:
    if not year.days.lesson_days:
        yield Reason(ReasonCode.NO_DAYS)
    is_decided = year.is_closed and year.exit_reason is None
    # A year must have so many lesson days (LDB, art. 24 I).
    if rules and is_decided and 0 < year.days.class_days < rules.year_days:
        yield Reason(ReasonCode.FEW_DAYS)


def _promotion_reasons(
    subject_reasons: Iterable[Reason], *, is_short: bool
) -> Iterator[Reason]:
    if any(reason.code == ReasonCode.SUBJECT_FAILED for reason in subject_reasons):
        yield Reason(ReasonCode.CONTINUOUS_PROGRESSION)
    if is_short:
        yield Reason(ReasonCode.NO_RETENTION)


def _subject_reasons(
    subjects: Mapping[int, SubjectGrades], results: Mapping[int, SubjectResult]
) -> Iterator[Reason]:
    nothing_taken = is_nothing_taken(results)
    for subject_id, result in results.items():
        code = _subject_reason(result.standing, subjects[subject_id])
        if code is not None:
            yield Reason(code, subject_id)
        elif nothing_taken:
            yield Reason(ReasonCode.GRADES_MISSING, subject_id)


def _subject_reason(standing: Standing, grades: SubjectGrades) -> ReasonCode | None:
    if standing is Standing.PASSED:  # the usual case
        return None
    if standing is Standing.EXEMPT:
        return ReasonCode.SUBJECT_EXEMPT
    if standing in UNCOUNTED_STANDINGS:
        return None
    if standing is Standing.FAILED:
        code = ReasonCode.SUBJECT_FAILED
    elif standing is Standing.RECOVERY:
        code = ReasonCode.SUBJECT_IN_RECOVERY
    # Without rules a subject is open even if all its grades are present.
    elif grades.missing_terms:
        code = ReasonCode.GRADES_MISSING
    else:
        return None
    return code if grades.counts_for_promotion else ReasonCode.SUBJECT_NOT_COUNTED
