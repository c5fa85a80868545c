"""Calculations behind subject results and attendance, as text to check by hand."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from school.grading.arithmetic import GradeArithmetic
from school.grading.attendance import AttendanceDays, AttendanceResult
from school.grading.concept_explanations import explain_concepts
from school.grading.needed_grades import describe_needed_grade
from school.grading.number_format import format_number, format_prose, format_tenths
from school.grading.recovery_explanations import explain_recoveries
from school.grading.rules import Rules
from school.grading.sentences import in_terms, of_terms
from school.grading.subjects import (
    UNCOUNTED_STANDINGS,
    Standing,
    SubjectGrades,
    SubjectResult,
    partial_mean,
)
from school.grading.term_recoveries import apply_recoveries

ROUNDING_LABELS: dict[str, str | Promise] = {
    "half_up": gettext_lazy("to the nearest {step}"),
    "up": gettext_lazy("up to the next {step}"),
    "down": gettext_lazy("down to a {step}"),
}
STEP_LABELS: dict[Decimal, str | Promise] = {
    Decimal("0.1"): gettext_lazy("tenth of a point"),
    Decimal("0.5"): gettext_lazy("half point"),
    Decimal(1): gettext_lazy("whole point"),
}
UNCOUNTED_TEXTS: dict[Standing, str | Promise] = {
    Standing.EXEMPT: gettext_lazy("Exempt from this subject."),
    Standing.NOT_TAKEN: gettext_lazy("Does not take this optional subject."),
    Standing.NOT_GRADED: gettext_lazy("There are no grades at this stage."),
}


def explain_subject(
    rules: Rules | None, grades: SubjectGrades, result: SubjectResult
) -> str:
    """Return the calculation of the terms, of the exam if used, and the grade still needed."""
    if result.standing in UNCOUNTED_STANDINGS:
        return str(UNCOUNTED_TEXTS[result.standing])
    parts = list(_explain_undue_terms(rules, grades))
    if rules is not None and rules.assessment == "concepts":
        parts.append(explain_concepts(rules, result))
    else:
        parts += explain_recoveries(rules, grades)
        grades = apply_recoveries(rules, grades)
        parts.append(_end_sentence(_explain_terms(rules, grades, result)))
    if rules is not None:
        if uses_exam(rules, grades, result):
            parts.append(_end_sentence(_explain_exam(rules, grades, result)))
        parts.append(describe_needed_grade(rules, grades, result))
    return " ".join(filter(None, parts))


def _explain_undue_terms(rules: Rules | None, grades: SubjectGrades) -> Iterator[str]:
    """Yield the terms that do not count, and why."""
    kind = rules.term_kind if rules else "term"
    if grades.exempt_terms:
        yield ngettext(
            "Exempt from {terms}, which does not count.",
            "Exempt from {terms}, which do not count.",
            len(grades.exempt_terms),
        ).format(terms=of_terms(kind, sorted(grades.exempt_terms)))
    if not grades.outside_terms:
        return
    absent_terms = [
        n
        for n in sorted(grades.outside_terms - grades.exempt_terms)
        if n not in grades.due_terms
    ]
    if absent_terms:
        yield ngettext(
            "Not enrolled {terms}, which does not count.",
            "Not enrolled {terms}, which do not count.",
            len(absent_terms),
        ).format(terms=in_terms(kind, absent_terms))


def explain_attendance(
    rules: Rules, days: AttendanceDays, result: AttendanceResult
) -> str:
    """Return the attended days over their base in percent, compared with the minimum."""
    if result.base_days is None or result.percent is None:
        return _("no lesson day recorded yet")
    sign = "≥" if result.is_enough else "<"
    kind = _("days planned") if rules.attendance_base == "planned" else _("days given")
    return _("attendance {sum} = {percent} % {sign} {minimum} % ({kind})").format(
        sum=f"{result.attended_days}/{result.base_days}",
        percent=format_number(result.percent),
        sign=sign,
        minimum=format_number(rules.minimum_attendance, min_decimals=0),
        kind=kind,
    )


def _explain_terms(
    rules: Rules | None, grades: SubjectGrades, result: SubjectResult
) -> str:
    exact_mean = partial_mean(grades, rules)
    if exact_mean is None or result.mean is None:
        return _("There are no grades yet.")
    weights = rules.grade_arithmetic.weights if rules else (1,) * len(grades.terms)
    text = _format_mean(grades.terms, weights, exact_mean)
    if rules is None or result.standing is Standing.OPEN:
        return _("{sum} so far").format(sum=text)
    return text + _format_rounding(
        rules, exact_mean, result.mean, rules.grade_arithmetic.pass_mark
    )


def _explain_exam(rules: Rules, grades: SubjectGrades, result: SubjectResult) -> str:
    mean, exam = result.mean or Fraction(0), grades.exam or 0
    exact_mean = rules.grade_arithmetic.combine_with_exam(mean, exam)
    text = _format_combination(
        rules.grade_arithmetic, format_number(mean), format_tenths(exam)
    )
    final_mean = exact_mean if result.final_mean is None else result.final_mean
    pass_mark = rules.grade_arithmetic.recovery_pass_mark
    return f"{text} = {format_number(exact_mean)}{_format_rounding(rules, exact_mean, final_mean, pass_mark)}"


def _format_combination(arithmetic: GradeArithmetic, mean: str, exam: str) -> str:
    if arithmetic.recovery_rule == "replace_if_higher":
        return _("The higher of {mean} and {exam}").format(mean=mean, exam=exam)
    weights = arithmetic.mean_weight, arithmetic.exam_weight
    if weights == (1, 1):
        return f"({mean} + {exam}) / 2"
    return f"({mean} × {weights[0]} + {exam} × {weights[1]}) / {sum(weights)}"


def _format_mean(
    terms: Sequence[int | Fraction | None], weights: Sequence[int], mean: Fraction
) -> str:
    pairs = [(t, w) for t, w in zip(terms, weights, strict=True) if t is not None]
    if len(pairs) == 1:
        return format_number(mean)
    if set(weights) == {1}:
        addends = " + ".join(format_tenths(t) for t, _w in pairs)
    else:
        addends = " + ".join(f"{format_tenths(t)} × {w}" for t, w in pairs)
    return f"({addends}) / {sum(w for _t, w in pairs)} = {format_number(mean)}"


def _format_rounding(
    rules: Rules, exact_mean: Fraction, rounded_mean: Fraction, pass_mark: Fraction
) -> str:
    """Return the text after a mean: the rounding if it changed the value, and the pass mark."""
    if exact_mean == rounded_mean:
        return _compare(rounded_mean, pass_mark)
    text = _("The mean {mean} is rounded to {rounded} ({rule})").format(
        mean=format_prose(exact_mean),
        rounded=format_number(rounded_mean),
        rule=describe_rounding(rules.rounding, rules.rounding_step),
    )
    if not pass_mark:
        return f". {text}"
    return ". " + _("{sentence}; the minimum is {mark}").format(
        sentence=text, mark=format_number(pass_mark)
    )


def describe_rounding(rounding: str, step: Decimal) -> str:
    """Return the rule and the step of rounding: "to the nearest half point"."""
    label = STEP_LABELS.get(step) or _("multiple of {step}").format(
        step=format_number(step)
    )
    return str(ROUNDING_LABELS[rounding]).format(step=label)


def _compare(value: Fraction, pass_mark: Fraction) -> str:
    """Return the comparison with the pass mark; empty if every grade passes."""
    if not pass_mark:
        return ""
    sign = "≥" if value >= pass_mark else "<"
    return f" {sign} {format_number(pass_mark)}"


def _end_sentence(text: str) -> str:
    return text if text.endswith(("…", ".")) else f"{text}."


def uses_exam(rules: Rules, grades: SubjectGrades, result: SubjectResult) -> bool:
    """Return whether the exam decided the subject."""
    return (
        grades.exam is not None
        and rules.grade_arithmetic.has_recovery
        and result.standing in {Standing.PASSED_AFTER_RECOVERY, Standing.FAILED}
    )
