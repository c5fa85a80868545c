"""Calculations behind subject results and attendance, as text to check by hand."""

from collections.abc import Sequence
from fractions import Fraction

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from school.grading.arithmetic import GradeArithmetic
from school.grading.attendance import AttendanceDays, AttendanceResult
from school.grading.concept_explanations import (
    compare_concepts,
    explain_concepts,
    explain_needed_concept,
)
from school.grading.number_format import format_number, format_tenths
from school.grading.recovery_explanations import explain_recoveries
from school.grading.rules import Rules
from school.grading.subjects import (
    MAX_TENTHS,
    UNCOUNTED_STANDINGS,
    Standing,
    SubjectGrades,
    SubjectResult,
    is_subject_unrecoverable,
    partial_mean,
)
from school.grading.term_recoveries import apply_recoveries

TERM_KIND_LABELS: dict[str, str | Promise] = {
    "bimester": gettext_lazy("bimester"),
    "trimester": gettext_lazy("trimester"),
    "semester": gettext_lazy("semester"),
    "term": gettext_lazy("term"),
}
ROUNDING_LABELS: dict[str, str | Promise] = {
    "half_up": gettext_lazy("rounded half up to {step}"),
    "up": gettext_lazy("rounded up to {step}"),
    "down": gettext_lazy("rounded down to {step}"),
}
UNCOUNTED_LABELS: dict[Standing, str | Promise] = {
    Standing.EXEMPT: gettext_lazy("exempt"),
    Standing.NOT_TAKEN: gettext_lazy("not taken"),
    Standing.NOT_GRADED: gettext_lazy("without grades"),
}


def explain_subject(
    rules: Rules | None, grades: SubjectGrades, result: SubjectResult
) -> str:
    """Return the calculation of the terms, of the exam if used, and the grade still needed."""
    if result.standing in UNCOUNTED_STANDINGS:
        return str(UNCOUNTED_LABELS[result.standing])
    if rules is not None and rules.assessment == "concepts":
        return explain_concepts(rules, result)
    parts = [*explain_recoveries(rules, grades)]
    grades = apply_recoveries(rules, grades)
    parts.append(_explain_terms(rules, grades, result))
    if rules is not None:
        if _uses_exam(rules, grades, result):
            parts.append(_explain_exam(rules, grades, result))
        parts.append(explain_needed_grade(rules, grades, result))
    return "; ".join(filter(None, parts))


def explain_needed_grade(
    rules: Rules, grades: SubjectGrades, result: SubjectResult
) -> str:
    """Return the grade that still passes, or that none does; empty if no grade is pending."""
    if not result.has_future:
        return ""
    if rules.assessment == "concepts":
        return explain_needed_concept(rules, result)
    if result.standing is Standing.OPEN:
        return _explain_needed_in_terms(rules, grades, result)
    if result.standing is Standing.RECOVERY:
        return _explain_needed_in_exam(result.needed_grade or 0)
    if _failed_without_exam(rules, grades, result):
        return _explain_no_exam(
            rules.grade_arithmetic.needed_exam_grade(result.mean or Fraction(0))
        )
    return ""


def format_final_comparison(
    rules: Rules, grades: SubjectGrades, result: SubjectResult
) -> str:
    """Return the comparison that decided the subject: "5.95 < 6.0"."""
    if rules.assessment == "concepts":
        return compare_concepts(rules, result)
    arithmetic = rules.grade_arithmetic
    if _uses_exam(rules, grades, result):
        return _format_comparison(
            result.final_mean or Fraction(0), arithmetic.recovery_pass_mark
        )
    return _format_comparison(result.mean or Fraction(0), arithmetic.pass_mark)


def format_missing_terms(grades: SubjectGrades) -> str:
    """Return the comma-separated numbers of the due terms without a grade."""
    return ", ".join(map(str, grades.missing_terms))


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
        return _("no grade yet")
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
        return _("the higher of {mean} and {exam}").format(mean=mean, exam=exam)
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
        return (
            f" {_comparison_sign(rounded_mean, pass_mark)} {format_number(pass_mark)}"
        )
    rule = str(ROUNDING_LABELS[rules.rounding]).format(
        step=format_number(rules.rounding_step)
    )
    return f" ≈ {rule}: {_format_comparison(rounded_mean, pass_mark)}"


def _format_comparison(value: Fraction, pass_mark: Fraction) -> str:
    return f"{format_number(value)} {_comparison_sign(value, pass_mark)} {format_number(pass_mark)}"


def _comparison_sign(value: Fraction, pass_mark: Fraction) -> str:
    return "≥" if value >= pass_mark else "<"


def _explain_needed_in_terms(
    rules: Rules, grades: SubjectGrades, result: SubjectResult
) -> str:
    grade = result.needed_grade or 0
    if grade == 0:
        return _("passes with any remaining grades")
    if grade <= MAX_TENTHS:
        text = _("needs at least {grade} in each {term} that is missing ({numbers})")
    else:
        text = _("would need {grade} in each {term} that is missing ({numbers})")
    text = text.format(
        grade=format_tenths(grade),
        term=TERM_KIND_LABELS[rules.term_kind],
        numbers=format_missing_terms(grades),
    )
    if grade <= MAX_TENTHS:
        return text
    text = f"{text}: {_format_above_max()}"
    if is_subject_unrecoverable(rules, grades, result):
        return text
    return text + _(", but may pass by the recovery exam")


def _explain_needed_in_exam(grade: int) -> str:
    if grade <= MAX_TENTHS:
        return _("needs at least {grade} in the recovery exam").format(
            grade=format_tenths(grade)
        )
    text = _("would need {grade} in the recovery exam").format(
        grade=format_tenths(grade)
    )
    return f"{text}: {_format_above_max()}"


def _explain_no_exam(grade: int) -> str:
    """Explain a missing exam: no grade could pass it, or the year closed without it."""
    if grade > MAX_TENTHS:
        return _explain_needed_in_exam(grade)
    return _("the year closed without the recovery exam")


def _format_above_max() -> str:
    return _("more than {highest}").format(highest=format_tenths(MAX_TENTHS))


def _uses_exam(rules: Rules, grades: SubjectGrades, result: SubjectResult) -> bool:
    return (
        grades.exam is not None
        and rules.grade_arithmetic.has_recovery
        and result.standing in {Standing.PASSED_AFTER_RECOVERY, Standing.FAILED}
    )


def _failed_without_exam(
    rules: Rules, grades: SubjectGrades, result: SubjectResult
) -> bool:
    return (
        result.standing is Standing.FAILED
        and rules.grade_arithmetic.has_recovery
        and grades.exam is None
    )
