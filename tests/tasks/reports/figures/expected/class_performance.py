"""Expected class performance: a row per class, subject and term."""

from collections import Counter, defaultdict
from decimal import Decimal, localcontext
from fractions import Fraction

from school import models as m
from tests.api.access_matrix.actions import parse_table
from tests.api.access_matrix.expected_access import expected_enrolments, list_grades
from tests.support.oracle import grading, rounding, visibility
from tests.support.oracle.selection import Rows, Selection, display_name
from tests.tasks.reports.figures.expected.base import (
    ExpectedReport,
    KeyedRows,
    Objects,
    class_cases,
)


def rows(selection: Selection) -> Rows:
    by_pk = {e.pk: e for e in selection.listed}
    sorted_groups = sorted(
        _groups(selection).items(),
        key=lambda group: _sort_key(group[0][1], by_pk, group[1]),
    )
    return [_row(selection, term, by_pk, grades) for (_, term), grades in sorted_groups]


def _groups(selection: Selection) -> dict[tuple[int, int], list[m.Grade]]:
    groups: dict[tuple[int, int], list[m.Grade]] = defaultdict(list)
    for e in selection.listed:
        for grade in selection.dataset.records.grades.get(e.pk, []):
            is_selected = selection.parameters.get("term") in (None, grade.term)
            if is_selected and not _skip_reason(selection, e, grade):
                groups[grade.offering_id, grade.term].append(grade)
    return groups


def skipped_counts(selection: Selection) -> Counter[str]:
    """Count skipped grades by reason, and subjects without any counted grade."""
    grades = selection.dataset.records.grades
    counts = Counter(
        reason
        for e in selection.listed
        for grade in grades.get(e.pk, [])
        if selection.parameters.get("term") in (None, grade.term)
        and grade.tenths is not None
        and (reason := _skip_reason(selection, e, grade))
    )
    offering_ids = {
        offering.pk
        for school_class in {e.school_class_id for e in selection.listed}
        for offering in selection.dataset.records.subjects_of(school_class)
    }
    counts["not_regular"] = selection.not_regular_count
    counts["subject_without_grades"] = len(
        offering_ids - {o for o, _ in _groups(selection)}
    )
    return counts


def _skip_reason(selection: Selection, e: m.Enrolment, grade: m.Grade) -> str | None:
    records = selection.dataset.records
    terms = records.terms.get(e.school_class.school_year_id, [])
    rules = records.rules_of(e)
    if rules is not None and rules["assessment"] != "grades":
        return "grade_in_other_form"
    if grade.term > (len(terms) if rules is None else rules["terms"]):
        return "grade_outside_terms"
    starts = [term.starts_on for term in terms if term.number == grade.term]
    is_late = e.exit_date is not None and any(day >= e.exit_date for day in starts)
    if is_late:
        return "grade_after_exit"
    is_exempt = any(
        x.offering_id == grade.offering_id and x.term in (None, grade.term)
        for x in records.exemptions.get(e.pk, [])
    )
    return "grade_exempt" if is_exempt else None


def _sort_key(
    term: int, by_pk: dict[int, m.Enrolment], grades: list[m.Grade]
) -> tuple[object, ...]:
    school_and_class = visibility.class_list_key(by_pk[grades[0].enrolment_id])[:4]
    subject = grades[0].offering.subject
    return (*school_and_class, subject.order, bytes(subject.sort_key), subject.pk, term)


def _row(
    selection: Selection,
    term: int,
    by_pk: dict[int, m.Enrolment],
    grades: list[m.Grade],
) -> dict[str, object]:
    e = by_pk[grades[0].enrolment_id]
    tenths = [grade.tenths for grade in grades if grade.tenths is not None]
    mean = Fraction(sum(tenths), 10 * len(tenths)) if tenths else None
    return {
        "school": display_name(e.school_class.school),
        "year": str(e.school_class.school_year),
        "class": e.school_class.name,
        "subject": grades[0].offering.subject.name,
        "term": term,
        "grades": len(tenths),
        "mean": rounding.round_for_display(mean, 2),
        "lowest": rounding.format_grade(min(tenths, default=None)),
        "highest": rounding.format_grade(max(tenths, default=None)),
        "standard_deviation": _deviation(tenths),
        "share_passing": rounding.round_for_display(
            _passing_share(selection, by_pk, grades), 1
        ),
        "class_id": e.school_class_id,
        "school_id": e.school_class.school_id,
    }


def _deviation(tenths: list[int]) -> str | None:
    """Return the population standard deviation, to two decimals."""
    if not tenths:
        return None
    mean = Fraction(sum(tenths), len(tenths))
    variance = sum((t - mean) ** 2 for t in tenths) / (100 * len(tenths))
    with localcontext() as context:
        context.prec = 60
        root = (Decimal(variance.numerator) / variance.denominator).sqrt()
        return rounding.round_for_display(Fraction(root), 2)


def _passing_share(
    selection: Selection, by_pk: dict[int, m.Enrolment], grades: list[m.Grade]
) -> Fraction | None:
    """Return the percentage of grades at or above the pass mark of their year and level.

    None without grades, or if a grade has no pass mark.
    """
    non_null = [grade for grade in grades if grade.tenths is not None]
    rules = [
        selection.dataset.records.rules_of(by_pk[g.enrolment_id]) for g in non_null
    ]
    if not non_null or None in rules:
        return None
    passing = sum(
        Fraction(grade.tenths, 10) >= grading.pass_mark(rule)
        for grade, rule in zip(non_null, rules, strict=True)
    )
    return Fraction(100 * passing, len(non_null))


def cases(objects: Objects) -> list[dict[str, object]]:
    terms = [{"year": 2026, "term": 1}, {"year": 2026, "term": 5}]
    return [*class_cases(objects), *terms]


def expected_performance(name, parameters):
    """Return count, lowest and highest grade by class, subject and term."""
    groups = defaultdict(list)
    for *group, term, tenths in list_grades(expected_enrolments(name, parameters)):
        if tenths is not None and parameters.get("term") in (None, term):
            groups[*group, term].append(tenths)
    return {group: (len(t), min(t), max(t)) for group, t in groups.items()}


def actual_performance(rows):
    return {
        (row["school"], row["class"], row["subject"], row["term"]): (
            row["grades"],
            *(round(float(row[name]) * 10) for name in ("lowest", "highest")),
        )
        for row in rows
    }


OUTCOMES = parse_table("""
                        superuser administrator secretary teacher   colleague stranger  neighbour
-                       made      made          made      made      made      made      made
class_id=2              made      made          made      made      class_id  class_id  class_id
class_id=3              made      made          class_id  class_id  class_id  made      class_id
class_id=5              made      class_id      class_id  class_id  class_id  class_id  class_id
school_id=2             made      made          school_id school_id school_id made      school_id
school_id=2,class_id=1  bare      bare          school_id school_id school_id class_id  both
school_id=3,class_id=3  bare      bare          both      both      both      school_id class_id
year=2026,term=2        made      made          made      made      made      made      made
""")

EXPECTED = ExpectedReport(
    roles={"administrator", "staff", "teacher"},
    reach="SELECTED",
    rows=rows,
    skipped=skipped_counts,
    skipped_of_inconsistent_class={"grade_outside_terms": 3, "grade_after_exit": 1},
    cases=cases,
    students="none",
    has_own_sql=True,
    keyed_rows=KeyedRows(expected_performance, actual_performance),
    outcomes=OUTCOMES,
)
