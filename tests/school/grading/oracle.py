"""Slow reference implementation of the grading rules, independent of the engine.

It takes rules as JSON, calculates with Fractions only, and finds needed grades by search.
"""

from fractions import Fraction

SITUATION_BY_ENDING = {
    "": "left",
    "transferred": "transferred",
    "abandoned": "abandoned",
    "reclassified": "reclassified",
    "deceased": "deceased",
    "class_change": "class_changed",
}
MAX_SEARCH_TENTHS = 12_000
"""Upper limit of the search, in tenths: lets a weight of 1 in 100 still reach 10.0."""


def round_by_rule(rules, value):
    step = Fraction(rules["rounding_step"])
    below = value - value % step
    if rules["rounding"] == "none" or below == value:
        return value
    if rules["rounding"] == "up":
        return below + step
    if rules["rounding"] == "down":
        return below
    return below if value - below < below + step - value else below + step


def term_weights(rules):
    if rules["mean_rule"] == "weighted":
        return rules["term_weights"]
    return [1] * rules["terms"]


def mean_of_terms(rules, terms):
    numerator = denominator = Fraction(0)
    for tenths, weight in zip(terms, term_weights(rules), strict=True):
        if tenths is not None:
            numerator += weight * Fraction(tenths, 10)
            denominator += weight
    return numerator / denominator if denominator else None


def passes_with(rules, terms, tenths):
    complete_terms = [tenths if t is None else t for t in terms]
    mean = round_by_rule(rules, mean_of_terms(rules, complete_terms))
    return mean >= Fraction(rules["pass_mark"])


def mean_after_exam(rules, mean, tenths):
    exam = Fraction(tenths, 10)
    if rules["recovery_rule"] == "replace_if_higher":
        return round_by_rule(rules, max(mean, exam))
    m, e = rules["recovery_mean_weight"], rules["recovery_exam_weight"]
    return round_by_rule(rules, (mean * m + exam * e) / (m + e))


def recovery_pass_mark(rules):
    own = rules["recovery_pass_mark"]
    return Fraction(rules["pass_mark"] if own is None else own)


def exam_passes(rules, mean, tenths):
    return mean_after_exam(rules, mean, tenths) >= recovery_pass_mark(rules)


def least_tenths(suffices):
    """Return the least tenths that suffice, by search in steps of 100, then of 1.

    `suffices` must be monotonic.
    """
    high = next((t for t in range(0, MAX_SEARCH_TENTHS, 100) if suffices(t)), None)
    assert high is not None
    return next(t for t in range(max(0, high - 100), high + 1) if suffices(t))


def judge_subject(rules, terms, exam):
    """Return standing, mean, final mean and needed grade."""
    mean = mean_of_terms(rules, terms)
    if None in terms:
        return "open", mean, None, least_tenths(lambda t: passes_with(rules, terms, t))
    mean = round_by_rule(rules, mean)
    if mean >= Fraction(rules["pass_mark"]):
        return "passed", mean, mean, None
    if rules["recovery_rule"] == "none":
        return "failed", mean, mean, None
    if exam is not None:
        final = mean_after_exam(rules, mean, exam)
        passes = final >= recovery_pass_mark(rules)
        return "passed_after_recovery" if passes else "failed", mean, final, None
    needed = least_tenths(lambda t: exam_passes(rules, mean, t))
    if rules["fail_if_unrecoverable"] and needed > 100:
        return "failed", mean, mean, None
    return "recovery", mean, None, needed


def judge_attendance(rules, lesson_days, absent, outside):
    """Return base, percent, verdict, planned days, absences left and council notice."""
    planned = max(lesson_days, rules["year_days"] - outside)
    minimum = Fraction(rules["minimum_attendance"])
    absences_left = -absent
    while (absences_left + absent + 1) * 100 <= planned * (100 - minimum):
        absences_left += 1
    if lesson_days == 0:
        return None, None, None, planned, absences_left, False
    base = lesson_days if rules["attendance_base"] == "given" else planned
    percent = Fraction(100 * (base - absent), base)
    is_for_council = 100 * absent > Fraction(rules["council_absences"]) * planned
    return base, percent, percent >= minimum, planned, absences_left, is_for_council


def judge_subject_at_year_end(rules, terms, exam):
    """Judge a subject of a closed year, where a recovery exam not taken is a failure."""
    standing, mean, final, needed = judge_subject(rules, terms, exam)
    if standing == "recovery":
        return "failed", mean, mean, None
    return standing, mean, final, needed


def decide_situation(rules, standings, days, year):
    """Return the situation.

    `days` is a result of `judge_attendance`; `year` is (exit reason, is closed, by council).
    """
    ending, is_closed, _by_council = year
    if ending is not None:
        return SITUATION_BY_ENDING[ending]
    if rules is None:
        return None
    if standings == [] or "open" in standings:
        return "incomplete" if is_closed else "in_progress"
    if "recovery" in standings:
        return "in_recovery"
    return decide_completed(rules, standings, days, year)


def decide_completed(rules, standings, days, year):
    _ending, is_closed, by_council = year
    failed_count = sum(standing == "failed" for standing in standings)
    passes_by_grades = (
        failed_count == 0 or by_council or failed_count <= rules["dependencies"]
    )
    if days[2] is False:
        if passes_by_grades and not is_closed and days[4] >= 0:
            return "in_progress"
        return "failed_by_attendance" if failed_count == 0 else "failed"
    if failed_count == 0:
        has_passed_exam = "passed_after_recovery" in standings
        return "approved_after_recovery" if has_passed_exam else "approved"
    if by_council:
        return "approved_by_council"
    return (
        "approved_with_dependency"
        if failed_count <= rules["dependencies"]
        else "failed"
    )
