import pytest
from django.utils.translation import override

from school.access import visible_enrolments
from school.models import Absence, Enrolment, Grade, Offering
from tasks.errors import InvalidRequest
from tasks.reporting.student_report import StudentParameters
from tasks.reports.report_card import ReportCard
from tests.support.class_factory import (
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
        "tests/tasks/reports/figures and tests/api/matrix compare this kind's rows on both"
    ),
]


@pytest.fixture
def sample_class(network):
    """Twenty days of lessons, five in each term, all that the year is to have."""
    sample_class = SampleClass()
    set_rules(sample_class.year, recovery_rule="weighted", year_days=20)
    sample_class.add_sessions(*range(20))
    return sample_class


@pytest.fixture
def ana(sample_class):
    """Passed one subject by its exam, has that of the other before her, and missed six days."""
    ana = sample_class.enrol(create_student("Ana Ávila", registration="7"))
    sample_class.add_grades(ana, PORTUGUESE, 60, 50, 60, 50, exam=65)
    sample_class.add_grades(ana, MATHEMATICS, 59, 59, 59, 59)
    sample_class.add_absences(ana, 0, 1, 5, 15, 16, 17, justified_count=2)
    return ana


def report_rows(viewer, sample_class, **options):
    return read_rows(
        run_task(viewer, {"class_id": sample_class.pk}, kind="report_card", **options)
    )


def test_card_has_every_figure_and_why(secretary, sample_class, ana):
    first, second = report_rows(secretary, sample_class)

    reasons = (
        "aprovado em 1 disciplina; em recuperação em Matemática (5,9 < 6,0); "
        "frequência 14/20 = 70,0 % < 75 % (dos dias letivos dados)"
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
        "explanation": "(6,0 + 5,0 + 6,0 + 5,0) / 4 = 5,5 < 6,0; (5,5 + 6,5) / 2 = 6,0 ≥ 6,0",
        "situation": "in_recovery",
        "reasons": reasons,
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
            "(5,9 + 5,9 + 5,9 + 5,9) / 4 = 5,9 < 6,0; "
            "precisa de pelo menos 6,1 na recuperação final"
        ),
    }
    assert second == {**first, **of_mathematics}


def test_explanation_is_in_the_language_of_the_task(secretary, sample_class, ana):
    _portuguese, mathematics = report_rows(secretary, sample_class, language="en")

    assert mathematics["explanation"] == (
        "(5.9 + 5.9 + 5.9 + 5.9) / 4 = 5.9 < 6.0; "
        "needs at least 6.1 in the recovery exam"
    )
    assert mathematics["reasons"] == (
        "passed in 1 subject; in recovery in Matemática (5.9 < 6.0); "
        "attendance 14/20 = 70.0 % < 75 % (days given)"
    )


@pytest.mark.parametrize(
    ("language", "titles"),
    [
        ("pt-br", ["1º período", "Média", "Recuperação final", "Média final", "Faltas no 1º período", "Nota ainda necessária", "Como foi calculado"]),
        ("en", ["Term 1", "Mean", "Final recovery", "Final mean", "Days absent in term 1", "Grade still needed", "How it was reckoned"]),
    ],
)  # fmt: skip
def test_titles_are_in_the_language_and_names_are_not(
    secretary, sample_class, language, titles
):
    card = ReportCard(
        StudentParameters(class_id=sample_class.pk), visible_enrolments(secretary)
    )
    with override(language):
        shown = {column.name: str(column.title) for column in card.columns()}

    names = ["term_1", "mean", "recovery", "final", "absences_1", "needed", "explanation"]  # fmt: skip
    assert [shown[name] for name in names] == titles


def test_csv_has_the_same_names_and_figures(secretary, sample_class, ana):
    (json_row, _), (csv_row, _) = (
        report_rows(secretary, sample_class, format=format)
        for format in ("json", "csv")
    )

    assert csv_row == {
        name: "" if cell is None else str(cell) for name, cell in json_row.items()
    }


def test_mean_of_some_terms_is_no_result_yet(secretary, sample_class):
    sample_class.add_grades(sample_class.enrol("Bia"), PORTUGUESE, 70, None, 45)

    row, blank = report_rows(secretary, sample_class)

    # 24.0 - 11.5 = 12.5 are still to come from two terms: 6.25 each.
    assert (row["mean"], row["final"], row["result"]) == ("5.75", None, "open")
    assert (row["needed"], row["situation"]) == ("6.3", "in_progress")
    assert row["explanation"] == (
        "(7,0 + 4,5) / 2 = 5,75 até agora; "
        "precisa de pelo menos 6,3 em cada bimestre que falta (2, 4)"
    )
    assert (blank["mean"], blank["needed"]) == (None, "6.0")
    assert blank["explanation"] == (
        "nenhuma nota ainda; "
        "precisa de pelo menos 6,0 em cada bimestre que falta (1, 2, 3, 4)"
    )


def test_exam_that_cannot_be_passed_is_told_all_the_same(secretary, sample_class):
    sample_class.add_grades(sample_class.enrol("Caio"), PORTUGUESE, 19, 19, 19, 19)

    row, _blank = report_rows(secretary, sample_class)

    assert (row["result"], row["needed"]) == ("recovery", "10.1")
    assert row["explanation"] == (
        "(1,9 + 1,9 + 1,9 + 1,9) / 4 = 1,9 < 6,0; "
        "precisaria de 10,1 na recuperação final: mais que 10,0"
    )


def test_figure_stays_on_its_side_of_the_mark(secretary, network):
    room = SampleClass()
    set_rules(room.year, mean_rule="weighted", term_weights=(1, 1, 98, 100))
    room.add_grades(room.enrol("Davi"), PORTUGUESE, 55, 60, 60, 60)

    row, _blank = report_rows(secretary, room)

    # 1199.5 / 200 = 5.9975, which to two places would be 6.00
    assert (row["mean"], row["final"], row["result"]) == ("5.998", "5.998", "failed")


def test_concept_is_that_of_the_scale(secretary, network):
    scale = [("C", "0.0", "4.9"), ("B", "5.0", "6.9"), ("A", "7.0", "10.0")]
    bands = [{"label": b, "lowest": low, "highest": high} for b, low, high in scale]
    room = SampleClass()
    set_rules(room.year, scale=bands)
    one = room.enrol("Eva")
    room.add_grades(one, PORTUGUESE, 69, 70, 70, 69)  # 6.95 has not reached A
    room.add_grades(one, MATHEMATICS, 70)

    assert [row["concept"] for row in report_rows(secretary, room)] == ["B", "A"]


def test_who_changed_class_has_one_card_with_the_whole_year(admin, sample_class):
    other = SampleClass("Turma B", school=2)
    other.add_sessions(*range(10, 14))
    moved = sample_class.enrol("Fábio", exit_date=school_day(10), ending="transferred")
    sample_class.add_grades(moved, PORTUGUESE, 60, 61)
    sample_class.add_absences(moved, 0)
    after = other.enrol(moved.student, entry_date=school_day(10))
    other.add_grades(after, PORTUGUESE, None, 70, 80)
    other.add_absences(after, 10, 11)

    task = run_task(admin, {"student_id": moved.student_id, "year": 2025}, kind="report_card")  # fmt: skip
    row, _mathematics = read_rows(task)

    assert (row["school"], row["class"]) == (other.school_class.school.name, "Turma B")
    assert [row[f"term_{n}"] for n in range(1, 5)] == ["6.0", "7.0", "8.0", None]
    assert (row["absences"], row["absences_1"], row["absences_3"]) == (3, 1, 2)
    assert row["attendance"] == "78.6"  # 11 of 14


def test_each_school_sees_its_part_of_a_student_who_moved(
    stranger, secretary, sample_class
):
    other = SampleClass("Turma B", school=2)
    moved = sample_class.enrol("Fábio", exit_date=school_day(10), ending="transferred")
    sample_class.add_grades(moved, PORTUGUESE, 60, 61)
    after = other.enrol(moved.student, entry_date=school_day(10))
    other.add_grades(after, PORTUGUESE, None, None, 80)

    old, new = report_rows(secretary, sample_class)[0], report_rows(stranger, other)[0]

    terms = [f"term_{n}" for n in range(1, 5)]
    assert [old[term] for term in terms] == ["6.0", "6.1", None, None]
    assert [new[term] for term in terms] == [None, None, "8.0", None]
    assert (old["situation"], new["situation"]) == ("transferred", "in_progress")


def test_without_rules_nothing_is_said_of_results(secretary, network):
    room = SampleClass()
    room.add_grades(room.enrol("Gil"), PORTUGUESE, 60, 60, 60, 60)

    row, _blank = report_rows(secretary, room)

    assert (row["mean"], row["final"]) == ("6.00", None)
    assert (
        row["result"] is row["needed"] is row["explanation"] is row["situation"] is None
    )
    # The grade of the other subject is missing all the same.
    assert row["reasons"] == (
        "faltam notas em Matemática (período 1, 2, 3, 4); não há regras definidas "
        "para este ano e esta série; nenhum dia letivo registrado ainda"
    )


def test_class_that_is_taught_nothing_is_left_out_and_says_so(secretary, network):
    room = SampleClass(subjects=())
    room.enrol("Hugo")
    room.enrol("Iara")

    task = run_task(secretary, {"class_id": room.pk}, kind="report_card")

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


def test_class_s_cards_are_those_of_its_records(admin):
    for class_id in (1, 3, 4):
        listed = Enrolment.objects.filter(school_class=class_id)
        offered = Offering.objects.filter(school_class=class_id)

        rows = read_rows(run_task(admin, {"class_id": class_id}, kind="report_card"))

        expected = [
            expected_card(enrolment, offering)
            for enrolment in listed.order_by("diary_number")
            for offering in offered.order_by("subject__order")
        ]
        assert [{name: row[name] for name in expected[0]} for row in rows] == expected


def expected_card(enrolment, offering):
    """Also with what the student brought from an earlier class."""
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


@pytest.mark.parametrize("given", [{}, {"student_id": 1}, {"school_id": 1}])
def test_class_or_year_must_be_said(teacher, given):
    with pytest.raises(InvalidRequest, match="Informe uma turma ou um ano letivo"):
        queue_task(teacher, given, kind="report_card")


def test_year_alone_is_all_that_the_viewer_sees(guardian):
    rows = read_rows(run_task(guardian, {"year": 2026}, kind="report_card"))

    assert {row["number"] for row in rows} == {1, 2}
    assert len(rows) == 20
