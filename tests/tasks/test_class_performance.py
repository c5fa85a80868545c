import json
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest

from school.models import Grade, SchoolYear
from tasks import artifacts
from tests.making import made

pytestmark = pytest.mark.django_db


def rows_of(task):
    return json.loads(artifacts.read(task.artifact))


def figures_by_hand(tenths, pass_tenths=60):
    """The same figures from the single grades, one by one."""
    n = len(tenths)
    mean = Fraction(sum(tenths), n * 10)
    variance = Fraction(sum((Fraction(t, 10) - mean) ** 2 for t in tenths), n)
    root = (Decimal(variance.numerator) / variance.denominator).sqrt()
    passing = Fraction(100 * sum(t >= pass_tenths for t in tenths), n)

    def places(value, step):
        exact = (
            Decimal(value.numerator) / value.denominator
            if isinstance(value, Fraction)
            else value
        )
        return str(exact.quantize(Decimal(step), ROUND_HALF_UP))

    return {
        "grades": n,
        "mean": places(mean, "0.01"),
        "lowest": places(Fraction(min(tenths), 10), "0.1"),
        "highest": places(Fraction(max(tenths), 10), "0.1"),
        "standard_deviation": places(root, "0.01"),
        "share_passing": places(passing, "0.1"),
    }


def test_every_figure_is_that_of_the_grades(admin):
    rows = rows_of(made(admin, {}))
    groups: dict = {}
    grades = Grade.objects.exclude(tenths=None).select_related(
        "offering__subject", "offering__school_class__school"
    )
    for grade in grades:
        school_class = grade.offering.school_class
        key = (
            school_class.school.name,
            school_class.name,
            grade.offering.subject.name,
            grade.term,
        )
        groups.setdefault(key, []).append(grade.tenths)

    assert len(rows) == len(groups) == 160
    for row in rows:
        key = tuple(row.pop(name) for name in ("school", "class", "subject", "term"))
        assert row == figures_by_hand(groups[key]), key


def test_exactly_the_pass_mark_passes(teacher):
    Grade.objects.filter(offering=1, term=1).update(tenths=60)

    row = rows_of(made(teacher, {"class_id": 1, "term": 1}))[0]

    assert (row["share_passing"], row["mean"], row["standard_deviation"]) == (
        "100.0",
        "6.00",
        "0.00",
    )


def test_pass_mark_is_the_year_s(teacher):
    Grade.objects.filter(offering=1, term=1).update(tenths=60)
    SchoolYear.objects.update(pass_tenths=61)

    assert (
        rows_of(made(teacher, {"class_id": 1, "term": 1}))[0]["share_passing"] == "0.0"
    )


def test_grades_due_but_not_given_are_not_counted(teacher):
    Grade.objects.filter(offering=1, term=1).update(tenths=None)

    row = rows_of(made(teacher, {"class_id": 1, "term": 1}))[0]

    assert row["grades"] == 0
    assert (
        row["mean"]
        is row["lowest"]
        is row["standard_deviation"]
        is row["share_passing"]
        is None
    )


def test_year_without_grades_is_empty_and_says_why(teacher):
    task = made(teacher, {"year": 1999})

    assert task.state == "succeeded"
    assert task.result["rows"] == 0
    assert (
        task.result["summary"] == "Não há nenhum aluno matriculado no que foi pedido."
    )
