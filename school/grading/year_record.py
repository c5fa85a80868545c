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
    """Reason of an exit before the end of lessons, "" if not recorded; None without such an exit."""
    is_closed: bool = False
    by_council: bool = False
    """True if the class council approved the student in spite of the grades."""
    retained_by_council: bool = False
    has_left: bool = False
    """True also for an exit after the end of lessons, which leaves the result as it is."""

    @property
    def is_gone(self) -> bool:
        """True if the student has left, before or after the end of lessons."""
        return self.has_left or self.exit_reason is not None

    @property
    def has_future(self) -> bool:
        """True if the student may still be given grades and miss lessons in this year."""
        return not (self.is_closed or self.is_gone)
