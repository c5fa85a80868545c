"""Labels and explanations of results in the active language."""

from collections.abc import Iterable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from school.grading.explanations import explain_attendance, explain_subject
from school.grading.number_format import format_number
from school.grading.outcome import ReasonCode, Situation
from school.grading.reasons import full_explanation
from school.grading.remedies import remedies
from school.grading.rules import Rules
from school.grading.subjects import Standing

__all__ = [
    "exempt_mark", "full_explanation", "explain_attendance", "format_number", "remedies", "situation_label", "situation_labels", "standing_label", "explain_subject",
]  # fmt: skip

SITUATION_LABELS: dict[Situation, str | Promise] = {
    Situation.IN_PROGRESS: gettext_lazy("In progress"),
    Situation.INCOMPLETE: gettext_lazy("Incomplete: grades missing"),
    Situation.IN_RECOVERY: gettext_lazy("In recovery"),
    Situation.APPROVED: gettext_lazy("Approved"),
    Situation.APPROVED_AFTER_RECOVERY: gettext_lazy("Approved after recovery"),
    Situation.APPROVED_BY_COUNCIL: gettext_lazy("Approved by the class council"),
    Situation.APPROVED_WITH_DEPENDENCY: gettext_lazy("Approved with dependency"),
    Situation.PROMOTED: gettext_lazy("Promoted"),
    Situation.FAILED: gettext_lazy("Not approved"),
    Situation.FAILED_BY_ATTENDANCE: gettext_lazy("Not approved for attendance"),
    Situation.FAILED_BY_COUNCIL: gettext_lazy("Retained by the class council"),
    Situation.TRANSFERRED: gettext_lazy("Transferred"),
    Situation.ABANDONED: gettext_lazy("Abandoned school"),
    Situation.RECLASSIFIED: gettext_lazy("Reclassified"),
    Situation.DECEASED: gettext_lazy("Deceased"),
    Situation.CLASS_CHANGED: gettext_lazy("Changed class"),
    Situation.LEFT: gettext_lazy("Left, reason not recorded"),
}
STANDING_LABELS: dict[Standing, str | Promise] = {
    Standing.OPEN: gettext_lazy("Open"),
    Standing.PASSED: gettext_lazy("Passed"),
    Standing.RECOVERY: gettext_lazy("In recovery"),
    Standing.PASSED_AFTER_RECOVERY: gettext_lazy("Passed after recovery"),
    Standing.FAILED: gettext_lazy("Not passed"),
    Standing.EXEMPT: gettext_lazy("Exempt"),
    Standing.NOT_TAKEN: gettext_lazy("Not taken"),
    Standing.NOT_GRADED: gettext_lazy("Without grades"),
}
REASON_LABELS: dict[ReasonCode, str | Promise] = {
    ReasonCode.SUBJECT_FAILED: gettext_lazy("Subject not passed"),
    ReasonCode.SUBJECT_IN_RECOVERY: gettext_lazy("Subject in recovery"),
    ReasonCode.GRADES_MISSING: gettext_lazy("Grades missing"),
    ReasonCode.SUBJECT_EXEMPT: gettext_lazy("Exempt from a subject"),
    ReasonCode.SUBJECT_NOT_COUNTED: gettext_lazy("Subject that does not count"),
    ReasonCode.ATTENDANCE_SHORT: gettext_lazy("Attendance below the minimum"),
    ReasonCode.APPROVED_BY_COUNCIL: gettext_lazy("Approval by the class council"),
    ReasonCode.DEPENDENCY: gettext_lazy("Moves up owing subjects"),
    ReasonCode.CONTINUOUS_PROGRESSION: gettext_lazy("Grades do not retain"),
    ReasonCode.NO_RETENTION: gettext_lazy("Absences do not retain"),
    ReasonCode.RETAINED_BY_COUNCIL: gettext_lazy("Retention by the class council"),
    ReasonCode.FEW_DAYS: gettext_lazy("Fewer school days than the year must have"),
    ReasonCode.NO_RULES: gettext_lazy("No grading rules"),
    ReasonCode.NO_DAYS: gettext_lazy("No school days recorded"),
    ReasonCode.NO_SUBJECTS: gettext_lazy("Class without subjects"),
}


def situation_labels(rules: Iterable[Rules]) -> Mapping[Situation, str | Promise]:
    """Return the labels of the situations for years that these rules decide."""
    forms = {one.has_concepts for one in rules}
    if True not in forms:
        return SITUATION_LABELS
    text = (
        _("Incomplete: grades or concepts missing")
        if False in forms
        else _("Incomplete: concepts missing")
    )
    return {**SITUATION_LABELS, Situation.INCOMPLETE: text}


def situation_label(situation: Situation | None, rules: Iterable[Rules] = ()) -> str:
    """Return the label of the situation, or "No result" if there is none (no rules)."""
    return str(situation_labels(rules)[situation]) if situation else _("No result")


def standing_label(standing: Standing) -> str:
    """Return the label of a subject's standing."""
    return str(STANDING_LABELS[standing])


def exempt_mark() -> str:
    """Return the short word that stands instead of a grade of an exempt student."""
    return _("Exempted")
