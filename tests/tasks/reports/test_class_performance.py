import io
import json
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader

from school.access import visible_enrolments
from school.models import Enrolment, Grade, GradeLevel, SchoolYear, YearRules
from tasks import artifacts
from tasks.reports.class_performance import ClassPerformance, Parameters
from tests.support.earlier_release import earlier_release
from tests.support.environment import DATABASE
from tests.support.school_factory import PORTUGUESE, SampleClass, set_rules
from tests.support.task_factories import run_task

pytestmark = pytest.mark.django_db


def read_rows(task):
    return json.loads(artifacts.read_artifact(task.artifact))


def expected_figures(tenths, pass_tenths=60):
    """Compute the expected figures from single grades in tenths."""
    n = len(tenths)
    mean = Fraction(sum(tenths), n * 10)
    variance = Fraction(sum((Fraction(t, 10) - mean) ** 2 for t in tenths), n)
    root = (Decimal(variance.numerator) / variance.denominator).sqrt()
    passing = Fraction(100 * sum(t >= pass_tenths for t in tenths), n)

    def quantize(value, step):
        exact = (
            Decimal(value.numerator) / value.denominator
            if isinstance(value, Fraction)
            else value
        )
        return str(exact.quantize(Decimal(step), ROUND_HALF_UP))

    return {
        "grades": n,
        "mean": quantize(mean, "0.01"),
        "lowest": quantize(Fraction(min(tenths), 10), "0.1"),
        "highest": quantize(Fraction(max(tenths), 10), "0.1"),
        "standard_deviation": quantize(root, "0.01"),
        "share_passing": quantize(passing, "0.1"),
    }


def test_figures_match_recorded_grades(admin):
    rows = read_rows(run_task(admin, {}))
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
            school_class.pk,
            school_class.school_id,
        )
        groups.setdefault(key, []).append(grade.tenths)

    assert len(rows) == len(groups) == 160
    for row in rows:
        names = ("school", "class", "subject", "term", "class_id", "school_id")
        key = tuple(row.pop(name) for name in names)
        assert row.pop("year") == "2026"
        assert row == expected_figures(groups[key]), key


def test_grade_equal_to_pass_mark_passes(teacher):
    Grade.objects.filter(offering=1, term=1).update(tenths=60)

    row = read_rows(run_task(teacher, {"class_id": 1, "term": 1}))[0]

    assert (row["share_passing"], row["mean"], row["standard_deviation"]) == (
        "100.0",
        "6.00",
        "0.00",
    )


def share_passing(viewer):
    return read_rows(run_task(viewer, {"class_id": 1, "term": 1}))[0]["share_passing"]


def set_pass_mark(pass_mark, level=None):
    """Set rules with this pass mark for the year, or for one level of it."""
    YearRules.objects.filter(school_year=1, grade_level=level).delete()
    set_rules(SchoolYear.objects.get(pk=1), level, pass_mark=pass_mark)


def test_pass_mark_comes_from_year_rules(teacher):
    Grade.objects.filter(offering=1, term=1).update(tenths=60)
    set_pass_mark("6.1")

    assert share_passing(teacher) == "0.0"


def test_level_rules_override_year_rules(teacher, admin):
    Grade.objects.filter(offering__in=(1, 21), term=1).update(tenths=60)
    set_pass_mark("6.1", level=1)

    shares = {
        (row["class"], row["subject"]): row["share_passing"]
        for row in read_rows(run_task(admin, {"term": 1}))
    }
    assert (
        share_passing(teacher)
        == shares["1º ano, turma 1", "Língua Portuguesa"]
        == "0.0"
    )
    assert shares["2º ano, turma 3", "Língua Portuguesa"] == "100.0"


def test_levels_of_one_class_use_their_own_pass_marks(teacher):
    Grade.objects.filter(offering=1, term=1).update(tenths=60)
    set_pass_mark("6.1", level=5)
    GradeLevel.objects.get(pk=5).classes.add(1)
    Enrolment.objects.filter(school_class=1, diary_number__lte=5).update(grade_level=5)

    assert share_passing(teacher) == "80.0"


def test_share_passing_without_level_rules_is_null(teacher):
    YearRules.objects.all().delete()
    assert share_passing(teacher) is None

    set_pass_mark("6.0", level=5)
    assert share_passing(teacher) is None
    GradeLevel.objects.get(pk=5).classes.add(1)
    Enrolment.objects.filter(school_class=1).update(grade_level=5)
    assert share_passing(teacher) is not None


def test_query_count_is_independent_of_rule_count(admin):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            report = ClassPerformance(Parameters(), visible_enrolments(admin))
            assert len(list(report.rows())) == 160
        return len(captured)

    before = queries()
    for level in range(1, 6):
        set_pass_mark(f"6.{level}", level=level)

    # On PostgreSQL, psycopg streams the largest query, which Django does not log.
    assert queries() == before == (6 if DATABASE == "postgresql" else 7)


def test_terms_come_from_rules_of_each_level(admin):
    sample_class = SampleClass()
    set_rules(sample_class.year)
    set_rules(sample_class.year, level=2, terms=3, term_kind="trimester")
    four_terms = sample_class.enrol("Ana")
    three_terms = sample_class.enrol("Bia", grade_level_id=2)
    with earlier_release():  # the year has no fifth term
        for enrolment in (four_terms, three_terms):
            sample_class.add_grades(enrolment, PORTUGUESE, 50, 60, 70, 80, 90)

    task = run_task(admin, {"class_id": sample_class.pk})

    portuguese = [
        row for row in read_rows(task) if row["subject"] == "Língua Portuguesa"
    ]
    assert [(row["term"], row["grades"]) for row in portuguese] == [
        (1, 2), (2, 2), (3, 2), (4, 1),
    ]  # fmt: skip
    assert {
        enrolment["code"]: enrolment["count"]
        for enrolment in task.result["skipped"]["reasons"]
    } == {
        "grade_outside_terms": 3,
        "subject_without_grades": 1,
    }


def test_null_grades_are_not_counted(teacher):
    Grade.objects.filter(offering=1, term=1).update(tenths=None)

    row = read_rows(run_task(teacher, {"class_id": 1, "term": 1}))[0]

    assert row["grades"] == 0
    assert (
        row["mean"]
        is row["lowest"]
        is row["standard_deviation"]
        is row["share_passing"]
        is None
    )


def test_year_without_students_has_no_rows_and_a_reason(teacher):
    task = run_task(teacher, {"year": 1999})

    assert task.state == "succeeded"
    assert task.result["rows"] == 0
    assert (
        task.result["summary"] == "Não há nenhum aluno matriculado no que foi pedido."
    )


def test_pdf_states_term_and_rules(teacher):
    task = run_task(teacher, {"class_id": 1, "term": 2}, format="pdf")

    text = (
        PdfReader(io.BytesIO(artifacts.read_artifact(task.artifact)))
        .pages[0]
        .extract_text()
    )
    assert "Desempenho das turmas: 2º bimestre" in text
    assert "Regras: SEDUC-AM 2022, v1" in text


def test_title_of_years_with_several_kinds_of_terms_names_none(admin):
    later = SampleClass(subjects=(PORTUGUESE,))
    set_rules(later.year, term_kind="trimester")
    later.enrol("Ana")

    report = ClassPerformance.build(ClassPerformance.select(admin, {"term": 2}))

    assert report.full_title() == "Desempenho das turmas: 2º período"


@pytest.mark.parametrize("assessment", ["concepts", "none"])
def test_rules_without_numbers_have_no_rows_and_a_reason(admin, network, assessment):
    school_class = SampleClass(subjects=(PORTUGUESE,))
    band = {"lowest": "0.0", "highest": "10.0", "label": "C"}
    has_concepts = assessment == "concepts"
    set_rules(
        school_class.year,
        assessment=assessment,
        recovery_rule="none",
        scale=[band] if has_concepts else [],
        pass_concept="C" if has_concepts else None,
    )
    enrolment = school_class.enrol("Ana")
    Grade.objects.create(
        enrolment=enrolment,
        offering_id=school_class.offering_ids[PORTUGUESE],
        term=1,
        concept="C" if has_concepts else "",
    )

    task = run_task(admin, {"year": 2025})

    assert task.result["rows"] == 0
    assert task.result["summary"] == (
        "As regras dessas turmas não têm notas em número, e por isso não há médias."
    )
