"""How a subject's result and an attendance came about, as a sum that can be checked by hand."""

from collections.abc import Sequence
from fractions import Fraction

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from school.grading.arithmetic import Measure
from school.grading.attendance import Attendance, Days
from school.grading.number_format import number, tenths
from school.grading.rules import Rules
from school.grading.subjects import (
    HIGHEST,
    Marks,
    Standing,
    SubjectResult,
    is_lost,
    partial_mean,
)

TERM_KINDS: dict[str, str | Promise] = {
    "bimester": gettext_lazy("bimester"),
    "trimester": gettext_lazy("trimester"),
    "semester": gettext_lazy("semester"),
    "term": gettext_lazy("term"),
}
ROUNDINGS: dict[str, str | Promise] = {
    "half_up": gettext_lazy("rounded half up to {step}"),
    "up": gettext_lazy("rounded up to {step}"),
    "down": gettext_lazy("rounded down to {step}"),
}


def subject(rules: Rules | None, marks: Marks, result: SubjectResult) -> str:
    """The sum of the terms, that with the exam, and what is still needed, as far as there."""
    parts = [_of_terms(rules, marks, result)]
    if rules is not None:
        if _counts_exam(rules, marks, result):
            parts.append(_of_exam(rules, marks, result))
        parts.append(needed(rules, marks, result))
    return "; ".join(filter(None, parts))


def needed(rules: Rules, marks: Marks, result: SubjectResult) -> str:
    """What grade still passes, or that none does; empty where nothing is due any more."""
    if result.standing is Standing.OPEN:
        return _needed_in_terms(rules, marks, result)
    if result.standing is Standing.RECOVERY:
        return _needed_in_exam(result.needed or 0)
    if _failed_without_exam(rules, marks, result):
        return _of_no_exam(rules.measure.needed_in_exam(result.mean or Fraction(0)))
    return ""


def last(rules: Rules, marks: Marks, result: SubjectResult) -> str:
    """What was compared last, and with what: "5.95 < 6.0"."""
    measure = rules.measure
    if _counts_exam(rules, marks, result):
        return _beside(result.final or Fraction(0), measure.recovery_mark)
    return _beside(result.mean or Fraction(0), measure.pass_mark)


def missing(marks: Marks) -> str:
    """The numbers of the terms without a grade."""
    return ", ".join(str(n) for n, t in enumerate(marks.terms, 1) if t is None)


def attendance(rules: Rules, days: Days, result: Attendance) -> str:
    """The days attended of their base, in percent, beside the minimum."""
    if result.base is None or result.percent is None:
        return _("no lesson day recorded yet")
    sign = "≥" if result.is_enough else "<"
    kind = _("days planned") if rules.attendance_base == "planned" else _("days given")
    return _("attendance {sum} = {percent} % {sign} {minimum} % ({kind})").format(
        sum=f"{result.attended}/{result.base}",
        percent=number(result.percent),
        sign=sign,
        minimum=number(rules.minimum_attendance, places=0),
        kind=kind,
    )


def _of_terms(rules: Rules | None, marks: Marks, result: SubjectResult) -> str:
    exact = partial_mean(marks, rules)
    if exact is None or result.mean is None:
        return _("no grade yet")
    weights = rules.measure.weights if rules else (1,) * len(marks.terms)
    text = _added(marks.terms, weights, exact)
    if rules is None or result.standing is Standing.OPEN:
        return _("{sum} so far").format(sum=text)
    return text + _rounded(rules, exact, result.mean, rules.measure.pass_mark)


def _of_exam(rules: Rules, marks: Marks, result: SubjectResult) -> str:
    mean, exam = result.mean or Fraction(0), marks.recovery or 0
    exact = rules.measure.combined(mean, exam)
    text = _combined(rules.measure, number(mean), tenths(exam))
    final = exact if result.final is None else result.final
    mark = rules.measure.recovery_mark
    return f"{text} = {number(exact)}{_rounded(rules, exact, final, mark)}"


def _combined(measure: Measure, mean: str, exam: str) -> str:
    if measure.recovery == "replace_if_higher":
        return _("the higher of {mean} and {exam}").format(mean=mean, exam=exam)
    weights = measure.mean_weight, measure.exam_weight
    if weights == (1, 1):
        return f"({mean} + {exam}) / 2"
    return f"({mean} × {weights[0]} + {exam} × {weights[1]}) / {sum(weights)}"


def _added(terms: Sequence[int | None], weights: Sequence[int], mean: Fraction) -> str:
    given = [(t, w) for t, w in zip(terms, weights, strict=True) if t is not None]
    if len(given) == 1:
        return number(mean)
    if set(weights) == {1}:
        added = " + ".join(tenths(t) for t, _w in given)
    else:
        added = " + ".join(f"{tenths(t)} × {w}" for t, w in given)
    return f"({added}) / {sum(w for _t, w in given)} = {number(mean)}"


def _rounded(rules: Rules, exact: Fraction, rounded: Fraction, mark: Fraction) -> str:
    """What follows a sum: what rounding made of it, if anything, and the mark."""
    if exact == rounded:
        return f" {_sign(rounded, mark)} {number(mark)}"
    rule = str(ROUNDINGS[rules.rounding]).format(step=number(rules.rounding_step))
    return f" ≈ {rule}: {_beside(rounded, mark)}"


def _beside(value: Fraction, mark: Fraction) -> str:
    return f"{number(value)} {_sign(value, mark)} {number(mark)}"


def _sign(value: Fraction, mark: Fraction) -> str:
    return "≥" if value >= mark else "<"


def _needed_in_terms(rules: Rules, marks: Marks, result: SubjectResult) -> str:
    grade = result.needed or 0
    if grade == 0:
        return _("passes whatever is still to come")
    if grade <= HIGHEST:
        text = _("needs at least {grade} in each {term} that is missing ({numbers})")
    else:
        text = _("would need {grade} in each {term} that is missing ({numbers})")
    text = text.format(
        grade=tenths(grade), term=TERM_KINDS[rules.term_kind], numbers=missing(marks)
    )
    if grade <= HIGHEST:
        return text
    text = f"{text}: {_above_highest()}"
    if is_lost(rules, marks, result):
        return text
    return text + _(", but may pass by the recovery exam")


def _needed_in_exam(grade: int) -> str:
    if grade <= HIGHEST:
        return _("needs at least {grade} in the recovery exam").format(
            grade=tenths(grade)
        )
    text = _("would need {grade} in the recovery exam").format(grade=tenths(grade))
    return f"{text}: {_above_highest()}"


def _of_no_exam(grade: int) -> str:
    """Nobody sits an exam that no grade would pass; of any other, that nobody sat it."""
    if grade > HIGHEST:
        return _needed_in_exam(grade)
    return _("the year closed without the recovery exam")


def _above_highest() -> str:
    return _("more than {highest}").format(highest=tenths(HIGHEST))


def _counts_exam(rules: Rules, marks: Marks, result: SubjectResult) -> bool:
    return (
        marks.recovery is not None
        and rules.measure.has_recovery
        and result.standing in {Standing.PASSED_AFTER_RECOVERY, Standing.FAILED}
    )


def _failed_without_exam(rules: Rules, marks: Marks, result: SubjectResult) -> bool:
    return (
        result.standing is Standing.FAILED
        and rules.measure.has_recovery
        and marks.recovery is None
    )
