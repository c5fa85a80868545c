"""Situations in which a student's year may be."""

from enum import StrEnum


class Situation(StrEnum):
    IN_PROGRESS = "in_progress"
    INCOMPLETE = "incomplete"
    """The year is closed but grades are missing."""
    IN_RECOVERY = "in_recovery"
    APPROVED = "approved"
    APPROVED_AFTER_RECOVERY = "approved_after_recovery"
    APPROVED_BY_COUNCIL = "approved_by_council"
    APPROVED_WITH_DEPENDENCY = "approved_with_dependency"
    PROMOTED = "promoted"
    """The student goes on because the rules do not retain, or have no grades."""
    FAILED = "failed"
    FAILED_BY_ATTENDANCE = "failed_by_attendance"
    FAILED_BY_COUNCIL = "failed_by_council"
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
PASSED_SITUATIONS = frozenset(
    {
        Situation.APPROVED,
        Situation.APPROVED_AFTER_RECOVERY,
        Situation.APPROVED_BY_COUNCIL,
        Situation.APPROVED_WITH_DEPENDENCY,
        Situation.PROMOTED,
    }
)
"""Situations in which the student goes on to the next year."""


def exit_situation(exit_reason: str) -> Situation:
    """Return the situation of a recorded exit; raise `ValueError` if it is unknown."""
    if exit_reason not in EXIT_SITUATIONS:
        raise ValueError(f"unknown exit reason: {exit_reason}")
    return EXIT_SITUATIONS[exit_reason]
