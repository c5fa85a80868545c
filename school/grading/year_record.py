"""Recorded data of a student's year."""

from collections.abc import Mapping
from dataclasses import dataclass

from school.grading.attendance import AttendanceDays
from school.grading.subject_records import SubjectGrades


@dataclass(frozen=True, slots=True)
class YearRecord:
    """Recorded data of a student's year; `subjects` maps subject ids to grades, in order."""

    subjects: Mapping[int, SubjectGrades]
    days: AttendanceDays
    exit_reason: str | None
    """Exit reason; "" if the student left without a recorded reason, None if still enrolled."""
    is_closed: bool = False
    by_council: bool = False
    """True if the class council approved the student in spite of the grades."""
    retained_by_council: bool = False
