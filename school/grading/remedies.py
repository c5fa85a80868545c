"""Sentences that tell people what to do next for a year that has not passed."""

from collections.abc import Iterator, Mapping, Set

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from school.grading import subjects
from school.grading.attendance import AttendanceResult
from school.grading.needed_grades import describe_needed_grade
from school.grading.outcome import (
    PASSED_SITUATIONS,
    Outcome,
    Situation,
    YearRecord,
)
from school.grading.rules import Rules
from school.grading.sentences import join_words
from school.grading.subjects import MAX_TENTHS, Standing, SubjectResult


def remedies(
    rules: Rules | None,
    year: YearRecord,
    outcome: Outcome,
    subject_names: Mapping[int, str],
) -> str:
    """Return what the year still needs to pass, and who can decide it otherwise.

    Empty if the student goes on or the council retains, if the student left, in a closed
    year, which promises nothing, and without rules.
    """
    if (
        rules is None
        or not year.has_future
        or outcome.situation in PASSED_SITUATIONS
        or outcome.situation is Situation.FAILED_BY_COUNCIL
    ):
        return ""
    return " ".join(_sentences(rules, year, outcome, subject_names))


def _sentences(
    rules: Rules, year: YearRecord, outcome: Outcome, subject_names: Mapping[int, str]
) -> Iterator[str]:
    attendance = outcome.attendance if rules.retention != "none" else None
    if attendance is not None:
        yield from _describe_absences_above_limit(attendance)
    results = _deciding_results(rules, year, outcome)
    lost_ids = [
        id
        for id, result in results.items()
        if subjects.is_subject_unrecoverable(rules, year.subjects[id], result)
    ]
    yield from _describe_needed_grades(
        rules, year, results, set(lost_ids), subject_names
    )
    if lost_ids and not year.by_council:
        yield from _describe_lost(rules, results, lost_ids, subject_names)
    if attendance is not None:
        yield from _describe_absences_left(attendance, year)


def _deciding_results(
    rules: Rules, year: YearRecord, outcome: Outcome
) -> Mapping[int, SubjectResult]:
    """Return the results of the subjects that can retain the student."""
    if rules.retention != "grades_and_attendance":
        return {}
    return {
        id: result
        for id, result in outcome.subjects.items()
        if year.subjects[id].counts_for_promotion
    }


def _describe_needed_grades(
    rules: Rules,
    year: YearRecord,
    results: Mapping[int, SubjectResult],
    lost_ids: Set[int],
    subject_names: Mapping[int, str],
) -> Iterator[str]:
    """Yield the grades still needed; subjects that need the same are said together."""
    names_by_text: dict[str, list[str]] = {}
    for id, result in results.items():
        # An exam must be taken even if any grade in it passes; concepts have no needed grade.
        is_due = (
            result.needed_grade
            or result.standing is Standing.RECOVERY
            or rules.assessment == "concepts"
        )
        if is_due and not (id in lost_ids and year.by_council):
            text = describe_needed_grade(rules, year.subjects[id], result)
            names_by_text.setdefault(text, []).append(subject_names[id])
    for text, names in names_by_text.items():
        if text:
            yield f"{join_words(names)}: {text[0].lower()}{text[1:]}"


def _describe_lost(
    rules: Rules,
    results: Mapping[int, SubjectResult],
    ids: list[int],
    subject_names: Mapping[int, str],
) -> Iterator[str]:
    """Yield how the year may pass with subjects that cannot: owing them, or by the council."""
    if len(ids) <= rules.dependencies:
        yield ngettext(
            "Can move up owing {count} subject: {subjects} (the network allows up to {most}).",
            "Can move up owing {count} subjects: {subjects} (the network allows up to {most}).",
            len(ids),
        ).format(
            count=len(ids),
            subjects=join_words([subject_names[id] for id in ids]),
            most=rules.dependencies,
        )
        return
    # The sentence on a pending grade names the council where no dependency is allowed.
    rest = [id for id in ids if rules.dependencies or not _is_pending(results[id])]
    if rest:
        yield _("{subjects}: the class council can decide.").format(
            subjects=join_words([subject_names[id] for id in rest])
        )


def _is_pending(result: SubjectResult) -> bool:
    return (result.needed_grade or 0) > MAX_TENTHS


def _describe_absences_above_limit(attendance: AttendanceResult) -> Iterator[str]:
    days = -(attendance.absences_left or 0)
    if attendance.is_enough is False and days > 0:
        yield ngettext(
            "Missed {days} day more than allowed.",
            "Missed {days} days more than allowed.",
            days,
        ).format(days=days)
        yield _("Talk to the school: some networks let absences be made up.")


def _describe_absences_left(
    attendance: AttendanceResult, year: YearRecord
) -> Iterator[str]:
    """Yield how many more days may be missed; nothing if the remaining days are too few to matter."""
    left = attendance.absences_left or 0
    remaining_days = attendance.planned_days - year.days.lesson_days
    if left < 0 or left >= remaining_days:
        return
    if left == 0:
        yield _("Cannot miss any more day without losing the year by absences.")
        return
    yield ngettext(
        "Can still miss {days} day without losing the year by absences.",
        "Can still miss {days} days without losing the year by absences.",
        left,
    ).format(days=left)
