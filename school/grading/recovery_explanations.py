"""Calculations behind the grades of terms that have a recovery of their own."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from school.grading.number_format import format_tenths
from school.grading.rules import Rules
from school.grading.sentences import term_name
from school.grading.subject_records import SubjectGrades
from school.grading.term_recoveries import apply_recoveries


def explain_recoveries(rules: Rules | None, grades: SubjectGrades) -> Iterator[str]:
    """Yield for each term with a recovery how its grade came about."""
    if rules is None or rules.term_recovery == "none":
        return
    after = apply_recoveries(rules, grades)
    for number, recovery in enumerate(grades.recoveries, 1):
        tenths, result = grades.terms[number - 1], after.terms[number - 1]
        if tenths is None or result is None or recovery is None:
            continue
        if rules.term_recovery == "mean":
            sum_text = f"({format_tenths(tenths)} + {format_tenths(recovery)}) / 2"
        else:
            sum_text = _("the higher of {mean} and {exam}").format(
                mean=format_tenths(tenths), exam=format_tenths(recovery)
            )
        yield _("{term} after its recovery: {sum} = {grade}.").format(
            term=term_name(rules.term_kind, number),
            sum=sum_text,
            grade=format_tenths(result),
        )
