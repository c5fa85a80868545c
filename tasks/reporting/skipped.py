"""Descriptions of the records that a report skipped."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext, gettext_noop

from tasks.reporting.unshown_texts import UnshownTexts

SIGNS_NOT_IN_FONTS = "signs_not_in_fonts"

SKIP_REASONS = {
    "no_subjects": gettext_noop("Students whose class has no subjects."),
    "subject_without_grades": gettext_noop("Subjects of a class without any grade."),
    "left": gettext_noop("Students who have left."),
    "no_rules": gettext_noop(
        "Students whose year and grade level have no grading rules."
    ),
    "grade_outside_terms": gettext_noop(
        "Grades or concepts of terms that the year does not have."
    ),
    "grade_after_exit": gettext_noop(
        "Grades or concepts of terms that began after the student had left the class."
    ),
    "grade_exempt": gettext_noop(
        "Grades or concepts of terms or subjects that the student is exempt from."
    ),
    "grade_in_other_form": gettext_noop(
        "Grades in a form that the rules do not have, such as numbers among given concepts."
    ),
    "subject_not_offered": gettext_noop(
        "Grades or concepts from an earlier class in subjects that the student's class does not have."
    ),
    "not_regular": gettext_noop(
        "Enrolments in specialised support (AEE) or complementary classes, which count in no "
        "result. The attendance report of such a class has its days."
    ),
    "absence_outside_enrolment": gettext_noop(
        "Absences on days when the student was not in the class."
    ),
    SIGNS_NOT_IN_FONTS: gettext_noop(
        "Names and other texts with signs that the fonts of the PDF lack: a box stands for "
        "each. Copied text and the other formats have the signs."
    ),
}
"""Descriptions by reason code; the codes come from reports and `school.records`."""


def describe_skipped(
    counts: Mapping[str, int], unshown_texts: UnshownTexts
) -> dict[str, Any]:
    """Build the `skipped` member of a result, with details in the active language."""
    all_counts = {**counts, SIGNS_NOT_IN_FONTS: unshown_texts.count}
    reasons: list[dict[str, Any]] = [
        {"code": code, "detail": gettext(SKIP_REASONS.get(code, code)), "count": count}
        for code, count in sorted(all_counts.items())
        if count
    ]
    for reason in reasons:
        if reason["code"] == SIGNS_NOT_IN_FONTS:
            reason["examples"] = unshown_texts.examples
    return {"total": sum(reason["count"] for reason in reasons), "reasons": reasons}
