import io
import zipfile

import pytest
from django.utils.translation import override
from pypdf import PdfReader

from school.access import visible_enrolments
from school.models import Enrolment, Network, School, SchoolClass, SchoolYear
from tasks import artifacts
from tasks.reporting.student_report import StudentParameters
from tasks.reports.final_results import FinalResults
from tests.support.class_factory import (
    MATHEMATICS,
    PORTUGUESE,
    SampleClass,
    create_student,
    school_day,
    set_rules,
)
from tests.support.task_factories import read_rows, run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database(
        "tests/tasks/reports/figures and tests/api/matrix compare this kind's rows on both"
    ),
]


@pytest.fixture
def sample_class(network):
    """Twenty days of lessons, which are all of a year that is closed."""
    sample_class = SampleClass()
    set_rules(sample_class.year, recovery_rule="weighted", year_days=20, dependencies=1)
    sample_class.add_sessions(*range(20))
    sample_class.year.is_closed = True
    sample_class.year.save()
    return sample_class


@pytest.fixture
def class_with_all_outcomes(sample_class):
    """One student of each end that a year can have."""
    other_class = SampleClass("Turma B")

    def add_student(name, portuguese, mathematics, exams=(None, None), **enrolment):
        one = sample_class.enrol(name, **enrolment)
        sample_class.add_grades(one, PORTUGUESE, *[portuguese] * 4, exam=exams[0])
        sample_class.add_grades(one, MATHEMATICS, *[mathematics] * 4, exam=exams[1])
        return one

    exit_fields = {"exit_date": school_day(10)}
    add_student("Ana", 70, 60)
    add_student("Bia", 70, 55, (None, 65))
    add_student("Caio", 30, 30, (40, 40), approved_by_council=True)
    add_student("Davi", 70, 30, (None, 40))
    add_student("Eva", 30, 30, (40, 40))
    sample_class.add_absences(add_student("Fábio", 70, 70), *range(6))
    add_student("Gil", 70, 50)
    add_student("Hugo", 70, None)
    add_student("Iara", 70, 70, ending="transferred", **exit_fields)
    add_student("João", 70, 70, ending="abandoned", **exit_fields)
    add_student("Kátia", 70, 70, **exit_fields)
    moved_enrolment = add_student("Lia", 70, 70, ending="class_change", **exit_fields)
    other_class.enrol(moved_enrolment.student, entry_date=school_day(10))
    add_student("Mia", 70, 70, ending="reclassified", **exit_fields)
    add_student("Noé", 70, 70, ending="deceased", **exit_fields)
    return sample_class


def run_report(viewer, sample_class, **options):
    return run_task(
        viewer, {"class_id": sample_class.pk}, kind="final_results", **options
    )


def test_everybody_who_was_in_the_class_has_a_line_with_the_end(
    secretary, class_with_all_outcomes
):
    rows = read_rows(run_report(secretary, class_with_all_outcomes))

    assert [(row["number"], row["student"], row["situation"]) for row in rows] == [
        (1, "Ana", "approved"),
        (2, "Bia", "approved_after_recovery"),
        (3, "Caio", "approved_by_council"),
        (4, "Davi", "approved_with_dependency"),
        (5, "Eva", "failed"),
        (6, "Fábio", "failed_by_attendance"),
        (7, "Gil", "approved_with_dependency"),
        (8, "Hugo", "incomplete"),
        (9, "Iara", "transferred"),
        (10, "João", "abandoned"),
        (11, "Kátia", "left"),
        (12, "Lia", "class_changed"),
        (13, "Mia", "reclassified"),
        (14, "Noé", "deceased"),
    ]


def test_grade_is_the_final_one_or_the_mean_so_far(secretary, class_with_all_outcomes):
    rows = read_rows(run_report(secretary, class_with_all_outcomes))

    grades = {row["student"]: (row["subject_s-1"], row["subject_s-2"]) for row in rows}
    assert grades["Bia"] == ("7.00", "6.00")  # (5.5 + 6.5) / 2
    assert grades["Davi"] == ("7.00", "3.50")
    assert grades["Gil"] == ("7.00", "5.00")
    assert grades["Hugo"] == ("7.00", None)


def test_concepts_stand_where_there_is_a_scale(secretary, network):
    room = SampleClass()
    scale = [("Satisfatório", "5.0", "10.0"), ("Insuficiente", "0.0", "4.9")]
    bands = [{"label": b, "lowest": low, "highest": high} for b, low, high in scale]
    set_rules(room.year, scale=bands[::-1])
    room.add_grades(room.enrol("Ana"), PORTUGUESE, 49, 50, 50, 50)

    (row,) = read_rows(run_report(secretary, room))

    assert row["subject_s-1"] == "Insuficiente"


def test_every_reason_is_told_in_both_languages(secretary, class_with_all_outcomes):
    def reasons(language):
        rows = read_rows(
            run_report(secretary, class_with_all_outcomes, language=language)
        )
        return {row["student"]: row["reasons"] for row in rows}

    portuguese, english = reasons("pt-BR"), reasons("en")
    present = "frequência 20/20 = 100,0 % ≥ 75 % (dos dias letivos dados)"
    there = "attendance 20/20 = 100.0 % ≥ 75 % (days given)"
    assert portuguese["Ana"] == f"aprovado em todas as 2 disciplinas; {present}"
    assert english["Ana"] == f"passed in all 2 subjects; {there}"
    assert portuguese["Caio"] == (
        "sem aprovação em Língua Portuguesa (3,5 < 6,0), Matemática (3,5 < 6,0); "
        f"aprovado pelo conselho de classe; {present}"
    )
    assert english["Caio"] == (
        "failed in Língua Portuguesa (3.5 < 6.0), Matemática (3.5 < 6.0); "
        f"approved by the class council; {there}"
    )
    assert portuguese["Davi"] == (
        "aprovado em 1 disciplina; sem aprovação em Matemática (3,5 < 6,0); "
        f"com dependência (disciplinas sem aprovação: 1; permitidas: 1); {present}"
    )
    assert english["Davi"] == (
        "passed in 1 subject; failed in Matemática (3.5 < 6.0); "
        f"with dependency (failed subjects: 1; allowed: 1); {there}"
    )
    assert portuguese["Fábio"] == (
        "aprovado em todas as 2 disciplinas; "
        "frequência 14/20 = 70,0 % < 75 % (dos dias letivos dados)"
    )
    assert english["Gil"] == (
        "passed in 1 subject; failed in Matemática (5.0 < 6.0); "
        f"with dependency (failed subjects: 1; allowed: 1); {there}"
    )
    assert portuguese["Hugo"] == (
        "aprovado em 1 disciplina; "
        f"faltam notas em Matemática (bimestre 1, 2, 3, 4); {present}"
    )
    assert english["Hugo"] == (
        "passed in 1 subject; "
        f"grades missing in Matemática (bimester 1, 2, 3, 4); {there}"
    )


def test_both_reasons_are_told_where_grades_and_attendance_fail(
    secretary, sample_class
):
    one = sample_class.enrol("Oto")
    for subject in (PORTUGUESE, MATHEMATICS):
        sample_class.add_grades(one, subject, 30, 30, 30, 30, exam=40)
    sample_class.add_absences(one, *range(10))

    (row,) = read_rows(run_report(secretary, sample_class))

    assert row["situation"] == "failed"
    assert row["reasons"] == (
        "sem aprovação em Língua Portuguesa (3,5 < 6,0), Matemática (3,5 < 6,0); "
        "frequência 10/20 = 50,0 % < 75 % (dos dias letivos dados)"
    )


def test_open_year_waits_for_exams_and_for_days_that_can_lift_attendance(
    secretary, network
):
    room = SampleClass()
    set_rules(room.year, recovery_rule="weighted", year_days=40)
    room.add_sessions(*range(20))
    ana, bia, caio = (room.enrol(name) for name in ("Ana", "Bia", "Caio"))
    room.add_grades(ana, PORTUGUESE, 50, 50, 50, 50)
    room.add_grades(bia, PORTUGUESE, 70, 70, 70, 70)
    room.add_grades(caio, PORTUGUESE, 70, 70, 70, 70)
    for one in (ana, bia, caio):
        room.add_grades(one, MATHEMATICS, 70, 70, 70, 70)
    room.add_absences(bia, *range(10))
    room.add_absences(caio, *range(11))

    rows = read_rows(run_report(secretary, room))

    assert [row["situation"] for row in rows] == [
        "in_recovery",
        "in_progress",
        "failed_by_attendance",
    ]


def test_summary_counts_each_situation(secretary, class_with_all_outcomes):
    portuguese = run_report(secretary, class_with_all_outcomes).result["summary"]
    english = run_report(secretary, class_with_all_outcomes, language="en").result[
        "summary"
    ]

    assert portuguese == (
        "Matrículas: 14 (Incompleto: faltam notas: 1, Aprovado: 1, "
        "Aprovado após recuperação: 1, Aprovado pelo conselho de classe: 1, "
        "Aprovado com dependência: 2, Reprovado: 1, Reprovado por frequência: 1, "
        "Transferido: 1, Abandono: 1, Reclassificado: 1, Falecido: 1, Remanejado: 1, "
        "Saiu, motivo não registrado: 1)"
    )
    assert english.startswith("Enrolments: 14 (Incomplete: grades missing: 1, ")


def test_summary_counts_those_without_rules_too(secretary, network):
    room = SampleClass()
    room.enrol("Ana")

    task = run_report(secretary, room)

    assert read_rows(task)[0]["situation"] is None
    assert task.result["summary"] == "Matrículas: 1 (Sem resultado: 1)"


def test_subject_that_a_class_is_not_taught_is_blank_there(secretary, sample_class):
    art = 6
    other = SampleClass("Turma B", subjects=(art,))
    other.add_grades(other.enrol("Ana"), art, 80)
    sample_class.add_grades(sample_class.enrol("Bia"), PORTUGUESE, 70)

    task = run_task(secretary, {"school_id": 1, "year": 2025}, kind="final_results")
    bia, ana = read_rows(task)

    names = ["subject_s-1", "subject_s-2", "subject_s-6"]
    assert [name for name in ana if name.startswith("subject_")] == names
    assert [bia[name] for name in names] == ["7.00", None, None]
    assert [ana[name] for name in names] == [None, None, "8.00"]


def test_who_came_back_to_the_class_has_both_lines(secretary, sample_class):
    before = sample_class.enrol("Ana", exit_date=school_day(5), ending="transferred")
    sample_class.add_grades(before, PORTUGUESE, 80)
    after = sample_class.enrol(before.student, entry_date=school_day(10))
    sample_class.add_grades(after, PORTUGUESE, None, None, 60)

    rows = read_rows(run_report(secretary, sample_class))

    assert [(row["number"], row["subject_s-1"]) for row in rows] == [
        (1, "8.00"),
        (2, "7.00"),  # with what was before it
    ]


def test_result_is_called_by_the_social_name(secretary, sample_class):
    sample_class.enrol(create_student("Pedro Dias", social_name="Paula Dias"))

    assert read_rows(run_report(secretary, sample_class))[0]["student"] == "Paula Dias"


@pytest.mark.parametrize(
    ("language", "titles"),
    [
        ("pt-br", ["Escola", "Ano letivo", "Turma", "Série", "Nº", "Matrícula", "Aluno", "Língua Portuguesa", "Matemática", "Faltas", "Frequência", "Situação", "Motivos"]),
        ("en", ["School", "School year", "Class", "Grade level", "Number", "Registration", "Student", "Língua Portuguesa", "Matemática", "Days absent", "Attendance", "Situation", "Reasons"]),
    ],
)  # fmt: skip
def test_titles_are_in_the_language_and_names_are_not(
    secretary, sample_class, language, titles
):
    sample_class.enrol("Ana")
    enrolments = visible_enrolments(secretary).filter(school_class=sample_class.pk)
    with override(language):
        columns = FinalResults(StudentParameters(class_id=1), enrolments).columns()
        assert [str(column.title) for column in columns] == titles

    assert [column.name for column in columns] == [
        "school", "year", "class", "grade_level", "number", "registration", "student",
        "subject_s-1", "subject_s-2", "absences", "attendance", "situation", "reasons",
    ]  # fmt: skip


def test_situations_are_labelled_for_people(secretary):
    report = FinalResults(StudentParameters(class_id=1), visible_enrolments(secretary))
    with override("pt-br"):
        labels = {
            column.name: {code: str(text) for code, text in column.labels.items()}
            for column in report.columns()
        }

    assert labels["situation"]["approved_by_council"] == "Aprovado pelo conselho de classe"  # fmt: skip
    assert len(labels["situation"]) == 15


def test_grade_after_leaving_is_left_out_and_said(secretary, sample_class):
    left = sample_class.enrol("Ana", exit_date=school_day(5), ending="transferred")
    sample_class.add_grades(left, PORTUGUESE, 80, 20)

    task = run_report(secretary, sample_class)

    assert read_rows(task)[0]["subject_s-1"] == "8.00"
    assert task.result["skipped"]["reasons"] == [
        {
            "code": "grade_after_exit",
            "detail": "Notas de períodos que começaram depois que o aluno saiu da turma.",
            "count": 1,
        }
    ]


def test_class_without_anybody_is_empty_and_says_why(secretary, sample_class):
    task = run_report(secretary, sample_class, language="en")

    assert task.result["rows"] == 0
    assert task.result["summary"] == "No student is enrolled in what was asked for."


@pytest.mark.parametrize("format", ["pdf", "zip"])
def test_classes_of_one_name_in_two_periods_have_minutes_of_their_own(
    secretary, sample_class, format
):
    year = SchoolYear.objects.create(
        network_id=1,
        year=2025,
        period="2",
        starts_on=school_day(200),
        ends_on=school_day(300),
    )
    other = SchoolClass.objects.create(
        school=sample_class.school_class.school,
        school_year=year,
        name="Turma A",
        shift="evening",
    )
    sample_class.enrol("Ana")
    Enrolment.objects.create(
        student=create_student("Bia"), school_class=other, grade_level_id=1, diary_number=1,
        entry_date=school_day(200),
    )  # fmt: skip

    asked = {"school_id": sample_class.school_class.school_id, "year": 2025}
    task = run_task(secretary, asked, kind="final_results", format=format)

    content = io.BytesIO(artifacts.read_artifact(task.artifact))
    if format == "zip":
        names = zipfile.ZipFile(content).namelist()
        assert names[:2] == ["2025/Turma A.pdf", "2025.2/Turma A.pdf"]
        return
    said = [page.extract_text() for page in PdfReader(content).pages]
    assert ["Ana" in page for page in said[:2]] == [True, False]
    assert ["Bia" in page for page in said[:2]] == [False, True]
    assert "Ano letivo: 2025.2" in said[1]


def create_namesake_class(sample_class):
    """A class of the same name, in another school of the same name."""
    school = School.objects.create(
        network_id=1, inep_code="13099999", name=sample_class.school_class.school.name
    )
    other_class = SchoolClass.objects.create(
        school=school, school_year=sample_class.year, name="Turma A", shift="morning"
    )
    Enrolment.objects.create(
        student=create_student("Bia"), school_class=other_class, grade_level_id=1, diary_number=1,
        entry_date=school_day(0),
    )  # fmt: skip
    return school


@pytest.fixture
def ambiguous_schools(sample_class):
    """What the two schools are called, and who is in the class of each."""
    sample_class.enrol("Ana")
    schools = sample_class.school_class.school, create_namesake_class(sample_class)
    labels = [f"{school.name} (INEP {school.inep_code})" for school in schools]
    return [*zip(labels, ("Ana", "Bia"), strict=True)]


def test_schools_of_one_name_are_told_apart_in_rows(admin, ambiguous_schools):
    task = run_task(admin, {"year": 2025}, kind="final_results")

    found = [(row["school"], row["student"]) for row in read_rows(task)]
    assert found == ambiguous_schools


def test_classes_of_one_name_in_two_schools_of_one_name_are_two_papers(
    admin, ambiguous_schools
):
    task = run_task(admin, {"year": 2025}, kind="final_results", format="pdf")

    *papers, _closing = PdfReader(
        io.BytesIO(artifacts.read_artifact(task.artifact))
    ).pages
    for (school, student_name), page in zip(ambiguous_schools, papers, strict=True):
        said = page.extract_text()
        assert school in said
        assert [name for name in ("Ana", "Bia") if name in said] == [student_name]


def test_classes_of_one_name_in_two_schools_of_one_name_are_two_files(
    admin, ambiguous_schools
):
    task = run_task(admin, {"year": 2025}, kind="final_results", format="zip")

    names = zipfile.ZipFile(
        io.BytesIO(artifacts.read_artifact(task.artifact))
    ).namelist()
    assert names[:2] == [
        f"{school}/2025/Turma A.pdf" for school, _name in ambiguous_schools
    ]


def test_school_whose_name_nobody_shares_in_the_network_is_called_by_it(
    admin, sample_class
):
    sample_class.enrol("Ana")
    elsewhere = Network.objects.create(code="other", name="Outra rede")
    create_namesake_class(sample_class)
    School.objects.filter(inep_code="13099999").update(network=elsewhere)

    task = run_task(
        admin, {"class_id": sample_class.school_class.pk}, kind="final_results"
    )

    assert [row["school"] for row in read_rows(task)] == [
        sample_class.school_class.school.name
    ]


def test_of_nobody_it_says_why_and_counts_no_situations(secretary, sample_class):
    task = run_report(secretary, sample_class, format="pdf")

    [page] = PdfReader(io.BytesIO(artifacts.read_artifact(task.artifact))).pages
    said = page.extract_text()
    assert "Não há nenhum aluno matriculado no que foi pedido." in said
    assert "Matrículas: 0" not in said
    assert sample_class.school_class.school.name in said
