"""Codes of the reasons for a student's year, written from docs/reports.md and not from the code."""

from collections.abc import Iterator

from tests.support.oracle.student_year import StudentYear
from tests.support.oracle.subject_year import SubjectYear

CODE_BY_STANDING = {
    "failed": "subject_failed",
    "recovery": "subject_in_recovery",
    "open": "grades_missing",
}
CODE_BY_SITUATION = {
    "approved_by_council": "approved_by_council",
    "approved_with_dependency": "dependency",
    "failed_by_council": "retained_by_council",
}
ORDER = [
    "subject_failed", "subject_in_recovery", "grades_missing", "subject_exempt",
    "subject_not_counted", "attendance_short", "approved_by_council", "dependency",
    "continuous_progression", "no_retention", "retained_by_council", "few_days",
    "no_rules", "no_days", "no_subjects",
]  # fmt: skip


def reason_codes(year: StudentYear) -> str | None:
    """Return the codes separated by spaces; there are none of a student who died."""
    if year.situation == "deceased":
        return None
    codes = {*_of_subjects(year), *_of_decision(year), *_of_days(year)}
    if year.rules is None:
        codes.add("no_rules")
    if not year.subjects and not (year.rules and year.rules["assessment"] == "none"):
        codes.add("no_subjects")
    return " ".join(sorted(codes, key=ORDER.index)) or None


def _of_subjects(year: StudentYear) -> Iterator[str]:
    for subject in year.subjects:
        if subject.standing == "exempt":
            yield "subject_exempt"
        elif _is_problem(subject):
            code = CODE_BY_STANDING[subject.standing]
            yield code if subject.counts else "subject_not_counted"
    if year.subjects and all(s.standing == "not_taken" for s in year.subjects):
        yield "grades_missing"  # somebody must have chosen one of them


def _is_problem(subject: SubjectYear) -> bool:
    if subject.standing == "open":
        return bool(subject.missing_terms)
    return subject.standing in ("failed", "recovery")


def _of_decision(year: StudentYear) -> Iterator[str]:
    if year.situation in CODE_BY_SITUATION:
        yield CODE_BY_SITUATION[year.situation]
    if year.situation == "promoted":
        if any(s.counts and s.standing == "failed" for s in year.subjects):
            yield "continuous_progression"
        if _is_short(year):
            yield "no_retention"


def _of_days(year: StudentYear) -> Iterator[str]:
    if _is_short(year):
        yield "attendance_short"
    if year.days.lesson_days == 0:
        yield "no_days"
    is_counted = year.rules is not None and year.is_decided
    if is_counted and 0 < year.days.class_days < year.rules["year_days"]:
        yield "few_days"


def _is_short(year: StudentYear) -> bool:
    return year.rules is not None and year.days.is_enough is False
