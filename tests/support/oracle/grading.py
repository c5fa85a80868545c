"""Slow reference implementation of the grading rules, independent of the engine.

It takes rules as JSON, calculates with Fractions only, and finds needed grades by search.
Means and pass marks are grades (0 to 10); term grades, exams and needed grades are in tenths.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from tests.support.oracle.rounding import round_to_step

RulesJson = dict[str, Any]
SITUATION_BY_ENDING = {
    "": "left",
    "transferred": "transferred",
    "abandoned": "abandoned",
    "reclassified": "reclassified",
    "deceased": "deceased",
    "class_change": "class_changed",
}
MAX_TENTHS = 100
"""Highest grade."""
MAX_SEARCH_TENTHS = 200_000
"""Upper limit of the search: lets a weight of 1 in 1,000 still reach 10.0."""


class SubjectJudgement(NamedTuple):
    standing: str
    mean: Fraction | None
    final_mean: Fraction | None
    needed_tenths: int | None
    concept: str | None = None


class Duty(NamedTuple):
    """What a student owes in a subject; terms are numbers from 1."""

    exempt_terms: Collection[int] = ()
    outside_terms: Collection[int] = ()
    """Terms of which the student was enrolled on no day."""
    is_optional: bool = False


ALL_DUE = Duty()


class AttendanceJudgement(NamedTuple):
    base_days: int | None
    percent: Fraction | None
    is_enough: bool | None
    planned_days: int
    absences_left: int | None
    """None in a closed year."""
    is_for_council: bool


def pass_mark(rules: RulesJson) -> Fraction:
    return Fraction(rules["pass_mark"])


def recovery_pass_mark(rules: RulesJson) -> Fraction:
    """Return the pass mark of a mean that includes the exam."""
    own_mark = rules["recovery_pass_mark"]
    return pass_mark(rules) if own_mark is None else Fraction(own_mark)


def mean_of_terms(
    rules: RulesJson | None, terms: Sequence[int | None]
) -> Fraction | None:
    """Return the unrounded mean of the graded terms."""
    is_weighted = rules is not None and rules["mean_rule"] == "weighted"
    weights = rules["term_weights"] if is_weighted else [1] * len(terms)
    numerator = denominator = Fraction(0)
    for tenths, weight in zip(terms, weights, strict=True):
        if tenths is not None:
            numerator += weight * Fraction(tenths, 10)
            denominator += weight
    return numerator / denominator if denominator else None


def after_recovery(
    rules: RulesJson | None, tenths: int | None, recovery: int | None
) -> int | Fraction | None:
    """Return the grade of a term, in tenths, after the term's own recovery."""
    rule = rules["term_recovery"] if rules else "none"
    if tenths is None or recovery is None or rule == "none":
        return tenths
    if rule == "mean":
        return Fraction(tenths + recovery) / 2
    return recovery if recovery > tenths else tenths


def owed_terms(entries: Sequence[object | None], duty: Duty) -> list[int] | None:
    """Return the numbers of the terms that count; None if the student is exempt from all.

    A term of which the student was enrolled on no day is owed only if it has a grade; who
    was enrolled in no term owes them all.
    """
    not_exempt = [n for n in range(1, len(entries) + 1) if n not in duty.exempt_terms]
    owed = [
        n
        for n in not_exempt
        if entries[n - 1] is not None or n not in duty.outside_terms
    ]
    if owed:
        return owed
    return None if len(not_exempt) < len(entries) else not_exempt


def missing_terms(entries: Sequence[object | None], duty: Duty) -> list[int]:
    return [n for n in owed_terms(entries, duty) or [] if entries[n - 1] is None]


def excuse(
    entries: Sequence[object | None], exam: object | None, duty: Duty
) -> str | None:
    """Return "exempt" or "not_taken" if nothing is owed, else None."""
    if owed_terms(entries, duty) is None:
        return "exempt"
    has_any = exam is not None or any(entry is not None for entry in entries)
    return "not_taken" if duty.is_optional and not has_any else None


def judge_subject(
    rules: RulesJson,
    terms: Sequence[int | None],
    exam: int | None,
    duty: Duty = ALL_DUE,
    *,
    is_year_over: bool = False,
    has_future: bool = True,
) -> SubjectJudgement:
    """Judge a subject; once the year is over, a recovery exam not taken is a failure.

    Who has no future in the year, because it is closed or the student has left it, needs no grade.
    """
    judgement = _judge_subject(rules, terms, exam, duty, is_year_over)
    return judgement if has_future else judgement._replace(needed_tenths=None)


def _judge_subject(
    rules: RulesJson,
    terms: Sequence[int | None],
    exam: int | None,
    duty: Duty,
    is_year_over: bool,
) -> SubjectJudgement:
    if rules["assessment"] == "none":
        return SubjectJudgement("not_graded", None, None, None)
    excused = excuse(terms, exam, duty)
    if excused is not None:
        return SubjectJudgement(excused, None, None, None)
    numbers = owed_terms(terms, duty)
    terms = [terms[n - 1] for n in numbers]
    if rules["mean_rule"] == "weighted":
        weights = [rules["term_weights"][n - 1] for n in numbers]
        rules = {**rules, "term_weights": weights}
    return _judge_owed(rules, terms, exam, is_year_over=is_year_over)


def judge_concepts(
    rules: RulesJson,
    concepts: Sequence[str | None],
    exam: str | None,
    duty: Duty = ALL_DUE,
    *,
    is_year_over: bool = False,
) -> SubjectJudgement:
    """Judge given concepts: the last one owed counts, and the exam's if it is higher."""
    excused = excuse(concepts, exam, duty)
    if excused is not None:
        return SubjectJudgement(excused, None, None, None)
    owed = [concepts[n - 1] for n in owed_terms(concepts, duty)]
    if None in owed:
        known = [concept for concept in concepts if concept is not None]
        return SubjectJudgement("open", None, None, None, known[-1] if known else None)
    labels = [band["label"] for band in rules["scale"]]
    passing = labels[labels.index(rules["pass_concept"]) :]
    if owed[-1] in passing:
        return SubjectJudgement("passed", None, None, None, owed[-1])
    if rules["recovery_rule"] == "none" or (exam is None and is_year_over):
        return SubjectJudgement("failed", None, None, None, owed[-1])
    if exam is None:
        return SubjectJudgement("recovery", None, None, None, owed[-1])
    best = labels[max(labels.index(owed[-1]), labels.index(exam))]
    standing = "passed_after_recovery" if best in passing else "failed"
    return SubjectJudgement(standing, None, None, None, best)


def _judge_owed(
    rules: RulesJson,
    terms: Sequence[int | None],
    exam: int | None,
    *,
    is_year_over: bool,
) -> SubjectJudgement:
    mean = mean_of_terms(rules, terms)
    if None in terms:
        needed = _least_tenths(lambda t: _passes_with(rules, terms, t))
        return SubjectJudgement("open", mean, None, needed)
    mean = _round(rules, mean)
    if mean >= pass_mark(rules):
        return SubjectJudgement("passed", mean, mean, None)
    if rules["recovery_rule"] == "none":
        return SubjectJudgement("failed", mean, mean, None)
    if exam is not None:
        final = _mean_with_exam(rules, mean, exam)
        passes = final >= recovery_pass_mark(rules)
        standing = "passed_after_recovery" if passes else "failed"
        return SubjectJudgement(standing, mean, final, None)
    needed = _least_tenths(
        lambda t: _mean_with_exam(rules, mean, t) >= recovery_pass_mark(rules)
    )
    if is_year_over or (rules["fail_if_unrecoverable"] and needed > MAX_TENTHS):
        return SubjectJudgement("failed", mean, mean, None)
    return SubjectJudgement("recovery", mean, None, needed)


def attendance_percent(base_days: int, absences: int) -> Fraction | None:
    return Fraction(100 * (base_days - absences), base_days) if base_days else None


def judge_attendance(
    rules: RulesJson,
    lesson_days: int,
    absences: int,
    days_outside: int,
    *,
    is_closed: bool = False,
) -> AttendanceJudgement:
    """Judge the days; without lesson days there is no percentage and no council notice.

    A closed year has no days to come: unless its base is the plan, its plan is what was given.
    """
    planned = rules["year_days"] - days_outside
    if planned < lesson_days or (is_closed and rules["attendance_base"] == "given"):
        planned = lesson_days
    minimum = Fraction(rules["minimum_attendance"])
    absences_left = -absences
    while (absences_left + absences + 1) * 100 <= planned * (100 - minimum):
        absences_left += 1
    if is_closed:
        absences_left = None
    if lesson_days == 0:
        return AttendanceJudgement(None, None, None, planned, absences_left, False)
    base = lesson_days if rules["attendance_base"] == "given" else planned
    percent = attendance_percent(base, absences)
    is_for_council = 100 * absences > Fraction(rules["council_absences"]) * planned
    return AttendanceJudgement(
        base, percent, percent >= minimum, planned, absences_left, is_for_council
    )


def decide_situation(
    rules: RulesJson | None,
    subjects: Sequence[tuple[str, bool]],
    attendance: AttendanceJudgement | None,
    ending: str | None,
    *,
    is_closed: bool,
    by_council: bool,
    retained_by_council: bool = False,
) -> str | None:
    """Return the situation; `ending` is None for a student who has not left.

    `subjects` are the standing of each subject, and whether it counts for promotion.
    """
    if ending is not None:
        return SITUATION_BY_ENDING[ending]
    if rules is None:
        return None
    situation = _decide_without_council(
        rules, subjects, attendance, is_closed=is_closed, by_council=by_council
    )
    goes_on = situation.startswith("approved") or situation == "promoted"
    return "failed_by_council" if goes_on and retained_by_council else situation


def _decide_without_council(
    rules: RulesJson,
    subjects: Sequence[tuple[str, bool]],
    attendance: AttendanceJudgement,
    *,
    is_closed: bool,
    by_council: bool,
) -> str:
    if rules["assessment"] == "none":
        if not is_closed:
            return "in_progress"
        is_retained = attendance.is_enough is False and rules["retention"] != "none"
        return "failed_by_attendance" if is_retained else "promoted"
    taken = [pair for pair in subjects if pair[0] != "not_taken"]
    standings = [
        standing for standing, counts in taken if counts and standing != "exempt"
    ]
    if not taken or "open" in standings:
        return "incomplete" if is_closed else "in_progress"
    if not standings and not is_closed:
        return "in_progress"
    if "recovery" in standings:
        return "in_recovery"
    if rules["retention"] != "grades_and_attendance":
        return _decide_without_retention_by_grades(
            rules, standings, attendance, is_closed=is_closed
        )
    return _decide_completed(rules, standings, attendance, is_closed, by_council)


def _decide_without_retention_by_grades(
    rules: RulesJson,
    standings: Sequence[str],
    attendance: AttendanceJudgement,
    *,
    is_closed: bool,
) -> str:
    if attendance.is_enough is False:
        if not is_closed and attendance.absences_left >= 0:
            return "in_progress"
        retains = rules["retention"] == "attendance"
        return "failed_by_attendance" if retains else "promoted"
    if "failed" in standings:
        return "promoted"
    has_passed_exam = "passed_after_recovery" in standings
    return "approved_after_recovery" if has_passed_exam else "approved"


def concept(rules: RulesJson, value: Fraction) -> str | None:
    """Return the label of the highest band that the value reaches; None without a scale."""
    bands = [b for b in rules["scale"] if Fraction(b["lowest"]) <= value]
    return max(bands, key=lambda b: Fraction(b["lowest"]))["label"] if bands else None


def _decide_completed(
    rules: RulesJson,
    standings: Sequence[str],
    attendance: AttendanceJudgement,
    is_closed: bool,
    by_council: bool,
) -> str:
    """Return the situation of a student all of whose subjects are decided."""
    failed_count = sum(standing == "failed" for standing in standings)
    has_few_failures = failed_count <= rules["dependencies"]
    if attendance.is_enough is False:
        may_pass = failed_count == 0 or by_council or has_few_failures
        if may_pass and not is_closed and attendance.absences_left >= 0:
            return "in_progress"
        return "failed" if failed_count else "failed_by_attendance"
    if failed_count == 0:
        has_passed_exam = "passed_after_recovery" in standings
        return "approved_after_recovery" if has_passed_exam else "approved"
    if by_council:
        return "approved_by_council"
    return "approved_with_dependency" if has_few_failures else "failed"


def _round(rules: RulesJson, value: Fraction) -> Fraction:
    return round_to_step(value, rules["rounding"], Fraction(rules["rounding_step"]))


def _passes_with(rules: RulesJson, terms: Sequence[int | None], tenths: int) -> bool:
    """Return whether the terms pass if every missing one gets this grade."""
    complete_terms = [tenths if t is None else t for t in terms]
    return _round(rules, mean_of_terms(rules, complete_terms)) >= pass_mark(rules)


def _mean_with_exam(rules: RulesJson, mean: Fraction, tenths: int) -> Fraction:
    exam = Fraction(tenths, 10)
    if rules["recovery_rule"] == "replace_if_higher":
        return _round(rules, max(mean, exam))
    m, e = rules["recovery_mean_weight"], rules["recovery_exam_weight"]
    return _round(rules, (mean * m + exam * e) / (m + e))


def _least_tenths(suffices: Callable[[int], bool]) -> int:
    """Return the least tenths that suffice, by binary search; `suffices` is monotonic."""
    least = bisect_left(range(MAX_SEARCH_TENTHS), True, key=suffices)
    assert least < MAX_SEARCH_TENTHS
    return least
