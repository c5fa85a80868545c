import pytest
from django.utils.translation import override

from school.access import visible_enrolments
from school.models import Absence, Enrolment, Grade, Offering, SchoolYear
from tasks.errors import InvalidRequest
from tasks.reporting.student_report import StudentParameters
from tasks.reports.report_card import ReportCard
from tests.support.school_factory import (
    MATHEMATICS,
    PORTUGUESE,
    SampleClass,
    create_student,
    school_day,
    set_rules,
)
from tests.support.task_factories import queue_task, read_rows, run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database(
        "tests/tasks/reports/figures and tests/api/access_matrix test this kind on both"
    ),
]


@pytest.fixture
def sample_class(network):
    """Class with twenty lesson days, five per term, the planned days of the year."""
    sample_class = SampleClass()
    set_rules(sample_class.year, recovery_rule="weighted", year_days=20)
    sample_class.add_sessions(*range(20))
    return sample_class


@pytest.fixture
def ana(sample_class):
    """Student who passed one subject by exam, awaits another exam, and missed six days."""
    ana = sample_class.enrol(create_student("Ana Ávila", registration="7"))
    sample_class.add_grades(ana, PORTUGUESE, 60, 50, 60, 50, exam=65)
    sample_class.add_grades(ana, MATHEMATICS, 59, 59, 59, 59)
    sample_class.add_absences(ana, 0, 1, 5, 15, 16, 17, justified=(0, 1))
    return ana


def report_rows(viewer, sample_class, **options):
    return read_rows(
        run_task(viewer, {"class_id": sample_class.pk}, kind="report_card", **options)
    )


def test_row_has_every_figure_and_explanation(secretary, sample_class, ana):
    first, second = report_rows(secretary, sample_class)

    reasons = (
        "Passou em 1 de 2 disciplinas. "
        "Vai fazer a recuperação de Matemática: a média do ano foi 5,9 e o mínimo é 6,0. "
        "Veio a 14 dos 20 dias de aula (70 %; o mínimo é 75 %)."
    )
    saving = (
        "Faltou 1 dia a mais que o permitido. "
        "Fale com a escola: algumas redes permitem compensar faltas. "
        "Matemática: precisa tirar pelo menos 6,1 na recuperação para passar."
    )
    assert first == {
        "school": sample_class.school_class.school.name,
        "year": "2025",
        "class": "Turma A",
        "grade_level": "1º ano",
        "number": 1,
        "registration": "7",
        "student": "Ana Ávila",
        "subject": "Língua Portuguesa",
        "term_1": "6.0",
        "term_2": "5.0",
        "term_3": "6.0",
        "term_4": "5.0",
        "mean": "5.50",
        "recovery": "6.5",
        "final": "6.00",
        "concept": None,
        "absences": 6,
        "absences_1": 2,
        "absences_2": 1,
        "absences_3": 0,
        "absences_4": 3,
        "attendance": "70.0",
        "result": "passed_after_recovery",
        "needed": None,
        "explanation": "(6,0 + 5,0 + 6,0 + 5,0) / 4 = 5,5 < 6,0. (5,5 + 6,5) / 2 = 6,0 ≥ 6,0.",
        "situation": "in_recovery",
        "reasons": reasons,
        "saving": saving,
        "partial": True,
        "reason_codes": "subject_in_recovery attendance_short",
        "student_id": ana.student_id,
        "class_id": sample_class.pk,
        "school_id": sample_class.school_class.school_id,
    }
    of_mathematics = {
        "subject": "Matemática",
        **{f"term_{n}": "5.9" for n in range(1, 5)},
        "mean": "5.90",
        "recovery": None,
        "final": None,
        "result": "recovery",
        "needed": "6.1",
        "explanation": (
            "(5,9 + 5,9 + 5,9 + 5,9) / 4 = 5,9 < 6,0. "
            "Precisa tirar pelo menos 6,1 na recuperação para passar."
        ),
    }
    assert second == {**first, **of_mathematics}


def test_explanation_is_in_task_language(secretary, sample_class, ana):
    _portuguese, mathematics = report_rows(secretary, sample_class, language="en")

    assert mathematics["explanation"] == (
        "(5.9 + 5.9 + 5.9 + 5.9) / 4 = 5.9 < 6.0. "
        "Needs at least 6.1 in the recovery exam to pass."
    )
    assert mathematics["reasons"] == (
        "Passed 1 of 2 subjects. "
        "Will take the recovery exam of Matemática: the year's mean was 5.9 and the minimum is 6.0. "
        "Came on 14 of the 20 school days (70%; the minimum is 75%)."
    )


@pytest.mark.parametrize(
    ("language", "titles"),
    [
        ("pt-br", ["1º bimestre", "Média", "Recuperação final", "Média final", "Faltas no 1º bimestre", "Nota ainda necessária", "Como foi calculado"]),
        ("en", ["1st bimester", "Mean", "Final recovery", "Final mean", "Days absent in 1st bimester", "Grade still needed", "How it was calculated"]),
    ],
)  # fmt: skip
def test_only_column_titles_are_translated(secretary, sample_class, language, titles):
    card = ReportCard(
        StudentParameters(class_id=sample_class.pk), visible_enrolments(secretary)
    )
    with override(language):
        titles_by_name = {column.name: str(column.title) for column in card.columns()}

    names = ["term_1", "mean", "recovery", "final", "absences_1", "needed", "explanation"]  # fmt: skip
    assert [titles_by_name[name] for name in names] == titles


def test_csv_has_same_columns_and_values_as_json(secretary, sample_class, ana):
    (json_row, _), (csv_row, _) = (
        report_rows(secretary, sample_class, format=format)
        for format in ("json", "csv")
    )

    assert csv_row == {
        **{name: "" if c is None else str(c) for name, c in json_row.items()},
        "partial": "true",
    }


def test_mean_of_some_terms_gives_open_result(secretary, sample_class):
    sample_class.add_grades(sample_class.enrol("Bia"), PORTUGUESE, 70, None, 45)

    row, blank = report_rows(secretary, sample_class)

    # 24.0 - 11.5 = 12.5 are still needed from two terms: 6.25 each.
    assert (row["mean"], row["final"], row["result"]) == ("5.75", None, "open")
    assert (row["needed"], row["situation"]) == ("6.3", "in_progress")
    assert row["explanation"] == (
        "(7,0 + 4,5) / 2 = 5,75 até agora. "
        "Precisa tirar pelo menos 6,3 no 2º e no 4º bimestre para passar."
    )
    assert (blank["mean"], blank["needed"]) == (None, "6.0")
    assert blank["explanation"] == (
        "Ainda não há notas. "
        "Basta tirar 6,0 no 1º, no 2º, no 3º e no 4º bimestre para passar."
    )


def test_unreachable_exam_grade_is_shown(secretary, sample_class):
    sample_class.add_grades(sample_class.enrol("Caio"), PORTUGUESE, 19, 19, 19, 19)

    row, _blank = report_rows(secretary, sample_class)

    assert (row["result"], row["needed"]) == ("recovery", "10.1")
    assert row["explanation"] == (
        "(1,9 + 1,9 + 1,9 + 1,9) / 4 = 1,9 < 6,0. "
        "Nem com 10,0 na recuperação chegaria a 6,0; quem pode decidir é o conselho de classe."
    )


def test_mean_below_pass_mark_is_not_rounded_up_to_it(secretary, network):
    sample_class = SampleClass()
    set_rules(sample_class.year, mean_rule="weighted", term_weights=(1, 1, 98, 100))
    sample_class.add_grades(sample_class.enrol("Davi"), PORTUGUESE, 55, 60, 60, 60)

    row, _blank = report_rows(secretary, sample_class)

    # 1199.5 / 200 = 5.9975; rounded to two decimals it would be 6.00
    assert (row["mean"], row["final"], row["result"]) == ("5.998", "5.998", "failed")


def test_concept_comes_from_scale(secretary, network):
    scale = [("C", "0.0", "4.9"), ("B", "5.0", "6.9"), ("A", "7.0", "10.0")]
    bands = [{"label": b, "lowest": low, "highest": high} for b, low, high in scale]
    sample_class = SampleClass()
    set_rules(sample_class.year, scale=bands)
    enrolment = sample_class.enrol("Eva")
    sample_class.add_grades(
        enrolment, PORTUGUESE, 69, 70, 70, 69
    )  # 6.95 has not reached A
    sample_class.add_grades(enrolment, MATHEMATICS, 70)

    names = ("term_1", "term_2", "term_3", "term_4", "concept")
    rows = report_rows(secretary, sample_class)
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("B", "A", "A", "B", "B"),
        ("A", None, None, None, None),  # the mean so far is no final concept
    ]


def test_student_who_changed_class_has_one_card(admin, sample_class):
    other_class = SampleClass("Turma B", school=2)
    other_class.add_sessions(*range(10, 14))
    moved = sample_class.enrol("Fábio", exit_date=school_day(10), ending="transferred")
    sample_class.add_grades(moved, PORTUGUESE, 60, 61)
    sample_class.add_absences(moved, 0)
    after = other_class.enrol(moved.student, entry_date=school_day(10))
    other_class.add_grades(after, PORTUGUESE, None, 70, 80)
    other_class.add_absences(after, 10, 11)

    task = run_task(admin, {"student_id": moved.student_id, "year": 2025}, kind="report_card")  # fmt: skip
    row, _mathematics = read_rows(task)

    assert (row["school"], row["class"]) == (
        other_class.school_class.school.name,
        "Turma B",
    )
    assert [row[f"term_{n}"] for n in range(1, 5)] == ["6.0", "7.0", "8.0", None]
    assert (row["absences"], row["absences_1"], row["absences_3"]) == (3, 1, 2)
    assert row["attendance"] == "78.6"  # 11 of 14


def test_new_school_sees_the_earlier_part_and_old_school_not_the_later(
    stranger, secretary, sample_class
):
    other_class = SampleClass("Turma B", school=2)
    moved = sample_class.enrol("Fábio", exit_date=school_day(10), ending="transferred")
    sample_class.add_grades(moved, PORTUGUESE, 60, 61)
    after = other_class.enrol(moved.student, entry_date=school_day(10))
    other_class.add_grades(after, PORTUGUESE, None, None, 80)

    old, new = (
        report_rows(secretary, sample_class)[0],
        report_rows(stranger, other_class)[0],
    )

    terms = [f"term_{n}" for n in range(1, 5)]
    assert [old[term] for term in terms] == ["6.0", "6.1", None, None]
    assert [new[term] for term in terms] == ["6.0", "6.1", "8.0", None]
    assert (old["situation"], new["situation"]) == ("transferred", "in_progress")


def test_class_without_rules_has_no_results(secretary, network):
    sample_class = SampleClass()
    sample_class.add_grades(sample_class.enrol("Gil"), PORTUGUESE, 60, 60, 60, 60)

    row, _blank = report_rows(secretary, sample_class)

    assert (row["mean"], row["final"]) == ("6.00", None)
    assert (
        row["result"] is row["needed"] is row["explanation"] is row["situation"] is None
    )
    # The grades of the other subject are missing nevertheless.
    assert row["reasons"] == (
        "Ainda não há notas em Matemática. "
        "Não há regras de avaliação para este ano letivo e esta série."
    )


def test_students_of_class_without_subjects_are_skipped(secretary, network):
    sample_class = SampleClass(subjects=())
    sample_class.enrol("Hugo")
    sample_class.enrol("Iara")

    task = run_task(secretary, {"class_id": sample_class.pk}, kind="report_card")

    assert read_rows(task) == []
    assert task.result["skipped"] == {
        "total": 2,
        "reasons": [
            {
                "code": "no_subjects",
                "detail": "Alunos cuja turma não tem nenhuma disciplina.",
                "count": 2,
            }
        ],
    }
    assert task.result["summary"] == (
        "Há alunos matriculados, mas ainda não há nada lançado para eles."
    )


def test_cards_match_recorded_data(admin):
    for class_id in (1, 3, 4):
        class_enrolments = Enrolment.objects.filter(school_class=class_id)
        class_offerings = Offering.objects.filter(school_class=class_id)

        rows = read_rows(run_task(admin, {"class_id": class_id}, kind="report_card"))

        expected = [
            expected_card(enrolment, offering)
            for enrolment in class_enrolments.order_by("diary_number")
            for offering in class_offerings.order_by("subject__order")
        ]
        assert [{name: row[name] for name in expected[0]} for row in rows] == expected


def expected_card(enrolment, offering):
    """Return the expected row, including records of the student's earlier class."""
    enrolments = Enrolment.objects.filter(
        student=enrolment.student, entry_date__lte=enrolment.entry_date
    )
    tenths_by_term = dict(
        Grade.objects.filter(
            enrolment__in=enrolments, offering__subject=offering.subject
        ).values_list("term", "tenths")
    )
    tenths = [tenths_by_term.get(term) for term in (1, 2, 3, 4)]
    return {
        "school": enrolment.school_class.school.name,
        "class": enrolment.school_class.name,
        "number": enrolment.diary_number,
        "registration": enrolment.student.registration,
        "student": enrolment.student.social_name or enrolment.student.name,
        "subject": offering.subject.name,
        **{f"term_{n}": None if t is None else f"{t // 10}.{t % 10}" for n, t in enumerate(tenths, 1)},
        "absences": Absence.objects.filter(enrolment__in=enrolments).count(),
    }  # fmt: skip


@pytest.mark.parametrize("parameters", [{}, {"student_id": 1}, {"school_id": 1}])
def test_request_without_class_or_year_is_rejected_if_no_year_is_open(
    teacher, parameters
):
    SchoolYear.objects.update(is_closed=True)
    with pytest.raises(InvalidRequest, match="Informe uma turma ou um ano letivo"):
        queue_task(teacher, parameters, kind="report_card")


def test_year_alone_selects_all_visible_students(guardian):
    rows = read_rows(run_task(guardian, {"year": 2026}, kind="report_card"))

    assert {row["number"] for row in rows} == {1, 2}
    assert len(rows) == 20
