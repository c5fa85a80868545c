"""The rules once more, as slow and plain as they are written down: knows nothing of the engine.

Takes rules as JSON and works with Fractions alone. What is needed is found by trying.
"""

from fractions import Fraction

ENDINGS = {
    "": "left",
    "transferred": "transferred",
    "abandoned": "abandoned",
    "reclassified": "reclassified",
    "deceased": "deceased",
    "class_change": "class_changed",
}
FAR = 12_000
"""Tenths past which nothing is searched: enough for 100 of 1000 weights to reach 10.0."""


def rounded(rules, value):
    step = Fraction(rules["rounding_step"])
    below = value - value % step
    if rules["rounding"] == "none" or below == value:
        return value
    if rules["rounding"] == "up":
        return below + step
    if rules["rounding"] == "down":
        return below
    return below if value - below < below + step - value else below + step


def weights(rules):
    if rules["mean_rule"] == "weighted":
        return rules["term_weights"]
    return [1] * rules["terms"]


def mean_of_given(rules, terms):
    over = under = Fraction(0)
    for tenths, weight in zip(terms, weights(rules), strict=True):
        if tenths is not None:
            over += weight * Fraction(tenths, 10)
            under += weight
    return over / under if under else None


def passes_with(rules, terms, tenths):
    filled = [tenths if t is None else t for t in terms]
    mean = rounded(rules, mean_of_given(rules, filled))
    return mean >= Fraction(rules["pass_mark"])


def after_exam(rules, mean, tenths):
    exam = Fraction(tenths, 10)
    if rules["recovery_rule"] == "replace_if_higher":
        return rounded(rules, max(mean, exam))
    m, e = rules["recovery_mean_weight"], rules["recovery_exam_weight"]
    return rounded(rules, (mean * m + exam * e) / (m + e))


def recovery_mark(rules):
    own = rules["recovery_pass_mark"]
    return Fraction(rules["pass_mark"] if own is None else own)


def exam_passes(rules, mean, tenths):
    return after_exam(rules, mean, tenths) >= recovery_mark(rules)


def least(does):
    """By trying in larger steps first, then one by one: what passes, passes with more."""
    high = next((t for t in range(0, FAR, 100) if does(t)), None)
    assert high is not None
    return next(t for t in range(max(0, high - 100), high + 1) if does(t))


def subject(rules, terms, exam):
    """Standing, mean, final and needed, as a tuple."""
    mean = mean_of_given(rules, terms)
    if None in terms:
        return "open", mean, None, least(lambda t: passes_with(rules, terms, t))
    mean = rounded(rules, mean)
    if mean >= Fraction(rules["pass_mark"]):
        return "passed", mean, mean, None
    if rules["recovery_rule"] == "none":
        return "failed", mean, mean, None
    if exam is not None:
        final = after_exam(rules, mean, exam)
        passes = final >= recovery_mark(rules)
        return "passed_after_recovery" if passes else "failed", mean, final, None
    needed = least(lambda t: exam_passes(rules, mean, t))
    if rules["fail_if_unrecoverable"] and needed > 100:
        return "failed", mean, mean, None
    return "recovery", mean, None, needed


def attendance(rules, given, absent, outside):
    """Base, percent, verdict, planned, absences left and whether the council is told."""
    planned = max(given, rules["year_days"] - outside)
    minimum = Fraction(rules["minimum_attendance"])
    left = -absent
    while (left + absent + 1) * 100 <= planned * (100 - minimum):
        left += 1
    if given == 0:
        return None, None, None, planned, left, False
    base = given if rules["attendance_base"] == "given" else planned
    percent = Fraction(100 * (base - absent), base)
    told = 100 * absent > Fraction(rules["council_absences"]) * planned
    return base, percent, percent >= minimum, planned, left, told


def subject_at_the_end(rules, terms, exam):
    """The same once the year is over: who has not sat the exam by then has failed."""
    standing, mean, final, needed = subject(rules, terms, exam)
    if standing == "recovery":
        return "failed", mean, mean, None
    return standing, mean, final, needed


def situation(rules, standings, days, year):
    """`days` are as of `attendance`; `year` has the ending, if closed, if by the council."""
    ending, is_closed, _by_council = year
    if ending is not None:
        return ENDINGS[ending]
    if rules is None:
        return None
    if standings == [] or "open" in standings:
        return "incomplete" if is_closed else "in_progress"
    if "recovery" in standings:
        return "in_recovery"
    return of_decided(rules, standings, days, year)


def of_decided(rules, standings, days, year):
    _ending, is_closed, by_council = year
    failed = sum(standing == "failed" for standing in standings)
    passes_by_grades = failed == 0 or by_council or failed <= rules["dependencies"]
    if days[2] is False:
        if passes_by_grades and not is_closed and days[4] >= 0:
            return "in_progress"
        return "failed_by_attendance" if failed == 0 else "failed"
    if failed == 0:
        after = "passed_after_recovery" in standings
        return "approved_after_recovery" if after else "approved"
    if by_council:
        return "approved_by_council"
    return "approved_with_dependency" if failed <= rules["dependencies"] else "failed"
