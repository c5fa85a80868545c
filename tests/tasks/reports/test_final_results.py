import io
import zipfile

import openpyxl
import pytest
from django.utils.translation import override
from pypdf import PdfReader

from school.access import visible_enrolments
from school.grading.outcome import Situation
from school.models import Network, School
from tasks import artifacts
from tasks.reporting.student_report import StudentParameters
from tasks.reports.final_results import FinalResults
from tests.support.earlier_release import earlier_release
from tests.support.school_factory import (
    MATHEMATICS,
    PORTUGUESE,
    SCHOOL_DAYS,
    ClassFactory,
    SampleClass,
    create_student,
    demo_network,
    school_day,
    set_rules,
)
from tests.support.task_factories import read_rows, run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database(
        "tests/tasks/reports/figures and tests/api/access_matrix test this kind on both"
    ),
]


@pytest.fixture
def sample_class(network):
    """Class with twenty lesson days; `run_report` closes its year."""
    sample_class = SampleClass()
    set_rules(sample_class.year, recovery_rule="weighted", year_days=20, dependencies=1)
    sample_class.add_sessions(*range(20))
    return sample_class


@pytest.fixture
def class_with_all_outcomes(sample_class):
    """Class with one student for each possible outcome of a year."""
    other_class = SampleClass("Turma B")

    def add_student(name, portuguese, mathematics, exams=(None, None), **enrolment):
        student_enrolment = sample_class.enrol(name, **enrolment)
        sample_class.add_grades(
            student_enrolment, PORTUGUESE, *[portuguese] * 4, exam=exams[0]
        )
        sample_class.add_grades(
            student_enrolment, MATHEMATICS, *[mathematics] * 4, exam=exams[1]
        )
        return student_enrolment

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


def run_report(viewer, sample_class, *, is_closed=True, **options):
    sample_class.year.is_closed = is_closed
    sample_class.year.save()
    return run_task(
        viewer, {"class_id": sample_class.pk}, kind="final_results", **options
    )


def test_every_enrolment_has_row_with_situation(secretary, class_with_all_outcomes):
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


def test_subject_grade_is_final_grade_and_no_mean_so_far(
    secretary, class_with_all_outcomes
):
    open_rows = read_rows(
        run_report(secretary, class_with_all_outcomes, is_closed=False)
    )
    rows = read_rows(run_report(secretary, class_with_all_outcomes))

    grades = {row["student"]: (row["subject_s-1"], row["subject_s-2"]) for row in rows}
    assert grades["Bia"] == ("7.00", "6.00")  # (5.5 + 6.5) / 2
    assert grades["Davi"] == ("7.00", "3.50")
    assert grades["Gil"] == ("7.00", "5.00")
    assert grades["Hugo"] == ("7.00", None)
    open_grades = {row["student"]: row["subject_s-2"] for row in open_rows}
    assert open_grades["Gil"] is None  # 5.0, before the recovery exam
    assert {row["partial"] for row in open_rows} == {True}
    assert {row["partial"] for row in rows} == {False}


def test_subject_grade_with_scale_is_concept(secretary, network):
    sample_class = SampleClass()
    scale = [("Satisfatório", "5.0", "10.0"), ("Insuficiente", "0.0", "4.9")]
    bands = [{"label": b, "lowest": low, "highest": high} for b, low, high in scale]
    set_rules(sample_class.year, scale=bands[::-1])
    sample_class.add_grades(sample_class.enrol("Ana"), PORTUGUESE, 49, 50, 50, 50)

    (row,) = read_rows(run_report(secretary, sample_class))

    assert row["subject_s-1"] == "Insuficiente"


def test_reasons_are_in_task_language(secretary, class_with_all_outcomes):
    def reasons(language):
        rows = read_rows(
            run_report(secretary, class_with_all_outcomes, language=language)
        )
        return {row["student"]: row["reasons"] for row in rows}

    portuguese, english = reasons("pt-BR"), reasons("en")
    portuguese_attendance = "Veio a 20 dos 20 dias de aula (100 %; o mínimo é 75 %)."
    english_attendance = "Came on 20 of the 20 school days (100%; the minimum is 75%)."
    assert portuguese["Ana"] == f"Passou nas 2 disciplinas. {portuguese_attendance}"
    assert english["Ana"] == f"Passed all 2 subjects. {english_attendance}"
    assert portuguese["Caio"] == (
        "Não passou em Língua Portuguesa (3,5) e Matemática (3,5); o mínimo é 6,0. "
        f"O conselho de classe decidiu pela aprovação. {portuguese_attendance}"
    )
    assert english["Caio"] == (
        "Did not pass Língua Portuguesa (3.5) and Matemática (3.5); the minimum is 6.0. "
        f"The class council decided to approve. {english_attendance}"
    )
    assert portuguese["Davi"] == (
        "Passou em 1 de 2 disciplinas. Não passou em Matemática: ficou com 3,5 e precisava de 6,0. "
        f"Passa de ano devendo 1 disciplina: Matemática (a rede permite até 1). {portuguese_attendance}"
    )
    assert english["Davi"] == (
        "Passed 1 of 2 subjects. Did not pass Matemática: got 3.5 and needed 6.0. "
        f"Moves up owing 1 subject: Matemática (the network allows up to 1). {english_attendance}"
    )
    assert portuguese["Fábio"] == (
        "Passou nas 2 disciplinas. "
        "Veio a 14 dos 20 dias de aula (70 %; o mínimo é 75 %)."
    )
    assert english["Gil"] == (
        "Passed 1 of 2 subjects. Did not pass Matemática: got 5.0 and needed 6.0. "
        f"Moves up owing 1 subject: Matemática (the network allows up to 1). {english_attendance}"
    )
    assert portuguese["Hugo"] == (
        "Passou em 1 de 2 disciplinas. "
        f"Faltam as notas em Matemática. {portuguese_attendance}"
    )
    assert english["Hugo"] == (
        "Passed 1 of 2 subjects. "
        f"The grades in Matemática are missing. {english_attendance}"
    )


def test_reasons_state_failing_grades_and_attendance(secretary, sample_class):
    enrolment = sample_class.enrol("Oto")
    for subject in (PORTUGUESE, MATHEMATICS):
        sample_class.add_grades(enrolment, subject, 30, 30, 30, 30, exam=40)
    sample_class.add_absences(enrolment, *range(10))

    (row,) = read_rows(run_report(secretary, sample_class))

    assert row["situation"] == "failed"
    assert row["reasons"] == (
        "Não passou em Língua Portuguesa (3,5) e Matemática (3,5); o mínimo é 6,0. "
        "Veio a 10 dos 20 dias de aula (50 %; o mínimo é 75 %)."
    )


def test_open_year_keeps_recoverable_students_undecided(secretary, network):
    sample_class = SampleClass()
    set_rules(sample_class.year, recovery_rule="weighted", year_days=40)
    sample_class.add_sessions(*range(20))
    ana, bia, caio = (sample_class.enrol(name) for name in ("Ana", "Bia", "Caio"))
    sample_class.add_grades(ana, PORTUGUESE, 50, 50, 50, 50)
    sample_class.add_grades(bia, PORTUGUESE, 70, 70, 70, 70)
    sample_class.add_grades(caio, PORTUGUESE, 70, 70, 70, 70)
    for enrolment in (ana, bia, caio):
        sample_class.add_grades(enrolment, MATHEMATICS, 70, 70, 70, 70)
    sample_class.add_absences(bia, *range(10))
    sample_class.add_absences(caio, *range(11))

    rows = read_rows(run_report(secretary, sample_class, is_closed=False))

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


def test_summary_counts_students_without_rules(secretary, network):
    sample_class = SampleClass()
    sample_class.enrol("Ana")

    task = run_report(secretary, sample_class)

    assert read_rows(task)[0]["situation"] is None
    assert task.result["summary"] == "Matrículas: 1 (Sem resultado: 1)"


def test_subject_not_taught_in_class_is_null(secretary, sample_class):
    art = 6
    other_class = SampleClass("Turma B", subjects=(art,))
    other_class.add_grades(other_class.enrol("Ana"), art, 80, 80, 80, 80)
    sample_class.add_grades(sample_class.enrol("Bia"), PORTUGUESE, 70, 70, 70, 70)

    task = run_task(secretary, {"school_id": 1, "year": 2025}, kind="final_results")
    bia, ana = read_rows(task)

    names = ["subject_s-1", "subject_s-2", "subject_s-6"]
    assert [name for name in ana if name.startswith("subject_")] == names
    assert [bia[name] for name in names] == ["7.00", None, None]
    assert [ana[name] for name in names] == [None, None, "8.00"]


def test_student_who_returned_to_class_has_two_rows(secretary, sample_class):
    before = sample_class.enrol("Ana", exit_date=school_day(5), ending="transferred")
    sample_class.add_grades(before, PORTUGUESE, 80)
    after = sample_class.enrol(before.student, entry_date=school_day(10))
    sample_class.add_grades(after, PORTUGUESE, None, 60, 60, 80)

    rows = read_rows(run_report(secretary, sample_class))

    assert [(row["number"], row["subject_s-1"]) for row in rows] == [
        (1, None),
        (2, "7.00"),  # includes the earlier enrolment
    ]


def test_row_shows_social_name(secretary, sample_class):
    sample_class.enrol(create_student("Pedro Dias", social_name="Paula Dias"))

    assert read_rows(run_report(secretary, sample_class))[0]["student"] == "Paula Dias"


@pytest.mark.parametrize(
    ("language", "titles"),
    [
        ("pt-br", ["Escola", "Ano letivo", "Turma", "Série", "Nº", "Matrícula", "Aluno", "Língua Portuguesa", "Matemática", "Faltas", "Frequência", "Situação", "Motivos", "Parcial", "Motivos resumidos", "Id do aluno", "Id da turma", "Id da escola"]),
        ("en", ["School", "School year", "Class", "Grade level", "Number", "Registration", "Student", "Língua Portuguesa", "Matemática", "Days absent", "Attendance", "Situation", "Reasons", "Partial", "Reasons in short", "Student id", "Class id", "School id"]),
    ],
)  # fmt: skip
def test_only_column_titles_are_translated(secretary, sample_class, language, titles):
    sample_class.enrol("Ana")
    enrolments = visible_enrolments(secretary).filter(school_class=sample_class.pk)
    with override(language):
        columns = FinalResults(StudentParameters(class_id=1), enrolments).columns()
        assert [str(column.title) for column in columns] == titles

    assert [column.name for column in columns] == [
        "school", "year", "class", "grade_level", "number", "registration", "student",
        "subject_s-1", "subject_s-2", "absences", "attendance", "situation", "reasons",
        "partial", "reason_codes", "student_id", "class_id", "school_id",
    ]  # fmt: skip


def test_situation_column_has_labels(secretary):
    report = FinalResults(StudentParameters(class_id=1), visible_enrolments(secretary))
    with override("pt-br"):
        labels = {
            column.name: {code: str(text) for code, text in column.labels.items()}
            for column in report.columns()
        }

    assert labels["situation"]["approved_by_council"] == "Aprovado pelo conselho de classe"  # fmt: skip
    assert labels["situation"].keys() == set(Situation)


def test_grade_after_exit_is_skipped(secretary, sample_class):
    enrolment = sample_class.enrol("Ana", exit_date=school_day(5), ending="transferred")
    sample_class.add_grades(enrolment, PORTUGUESE, 80, 20)

    task = run_report(secretary, sample_class)

    assert read_rows(task)[0]["subject_s-1"] is None
    assert task.result["skipped"]["reasons"] == [
        {
            "code": "grade_after_exit",
            "detail": "Notas ou conceitos de períodos que começaram depois que o aluno saiu da turma.",
            "count": 1,
        }
    ]


def test_empty_class_has_no_rows_and_a_reason(secretary, sample_class):
    task = run_report(secretary, sample_class, language="en")

    assert task.result["rows"] == 0
    assert (
        task.result["summary"] == "No student is enrolled in the requested selection."
    )


@pytest.mark.parametrize("format", ["pdf", "zip"])
def test_same_class_name_in_two_periods_gives_two_documents(
    secretary, sample_class, format
):
    year = demo_network().create_year(2025, SCHOOL_DAYS[200:300], period="2")
    other_class = ClassFactory(
        sample_class.school_class.school, year, "Turma A", sample_class.levels, [], []
    )
    sample_class.enrol("Ana")
    other_class.enrol("Bia")

    parameters = {"school_id": sample_class.school_class.school_id, "year": 2025}
    task = run_task(secretary, parameters, kind="final_results", format=format)

    content = io.BytesIO(artifacts.read_artifact(task.artifact))
    if format == "zip":
        names = zipfile.ZipFile(content).namelist()
        assert names[:2] == ["2025/Turma A.pdf", "2025.2/Turma A.pdf"]
        return
    texts = [page.extract_text() for page in PdfReader(content).pages]
    assert ["Ana" in page for page in texts[:2]] == [True, False]
    assert ["Bia" in page for page in texts[:2]] == [False, True]
    assert "Ano letivo: 2025.2" in texts[1]


def create_namesake_class(sample_class):
    """Create a class with the same name in another school with the same name."""
    school = demo_network().create_school(
        sample_class.school_class.school.name, inep_code="13099999"
    )
    other_class = ClassFactory(
        school, sample_class.year, "Turma A", sample_class.levels, [], []
    )
    other_class.enrol("Bia")
    return school


@pytest.fixture
def ambiguous_schools(sample_class):
    """Label and student name for each of two schools with the same name."""
    sample_class.enrol("Ana")
    schools = sample_class.school_class.school, create_namesake_class(sample_class)
    labels = [f"{school.name} (INEP {school.inep_code})" for school in schools]
    return [*zip(labels, ("Ana", "Bia"), strict=True)]


def test_rows_distinguish_schools_with_same_name(admin, ambiguous_schools):
    task = run_task(admin, {"year": 2025}, kind="final_results")

    labels_and_students = [(row["school"], row["student"]) for row in read_rows(task)]
    assert labels_and_students == ambiguous_schools


def test_pdf_separates_classes_of_schools_with_same_name(admin, ambiguous_schools):
    task = run_task(admin, {"year": 2025}, kind="final_results", format="pdf")

    *pages, _closing = PdfReader(
        io.BytesIO(artifacts.read_artifact(task.artifact))
    ).pages
    for (school, student_name), page in zip(ambiguous_schools, pages, strict=True):
        text = page.extract_text()
        assert school in text
        assert [name for name in ("Ana", "Bia") if name in text] == [student_name]


def test_zip_separates_classes_of_schools_with_same_name(admin, ambiguous_schools):
    task = run_task(admin, {"year": 2025}, kind="final_results", format="zip")

    names = zipfile.ZipFile(
        io.BytesIO(artifacts.read_artifact(task.artifact))
    ).namelist()
    assert names[:2] == [
        f"{school}/2025/Turma A.pdf" for school, _name in ambiguous_schools
    ]


def test_school_name_unique_in_network_has_no_code(admin, sample_class):
    sample_class.enrol("Ana")
    other_network = Network.objects.create(code="other", name="Outra rede")
    create_namesake_class(sample_class)
    with earlier_release():  # the school has a class
        School.objects.filter(inep_code="13099999").update(network=other_network)

    task = run_task(
        admin, {"class_id": sample_class.school_class.pk}, kind="final_results"
    )

    assert [row["school"] for row in read_rows(task)] == [
        sample_class.school_class.school.name
    ]


def test_empty_pdf_states_reason_without_summary(secretary, sample_class):
    task = run_report(secretary, sample_class, format="pdf")

    [page] = PdfReader(io.BytesIO(artifacts.read_artifact(task.artifact))).pages
    text = page.extract_text()
    assert "Não há nenhum aluno matriculado no que foi pedido." in text
    assert "Matrículas: 0" not in text
    assert sample_class.school_class.school.name in text


@pytest.mark.parametrize(
    ("is_closed", "sheet", "summary"),
    [
        (False, "PARCIAL – Ata de resultados fin", "Parcial: há ano letivo aberto, e os seus resultados ainda podem mudar. Matrículas: 1 (Cursando: 1)"),
        (True, "Ata de resultados finais", "Matrículas: 1 (Incompleto: faltam notas: 1)"),
    ],
)  # fmt: skip
def test_workbook_and_summary_say_that_an_open_year_is_partial(
    secretary, sample_class, is_closed, sheet, summary
):
    sample_class.enrol("Ana")

    task = run_report(secretary, sample_class, is_closed=is_closed, format="xlsx")

    content = io.BytesIO(artifacts.read_artifact(task.artifact))
    workbook = openpyxl.load_workbook(content)
    assert workbook.sheetnames[0] == sheet
    about_title = workbook.worksheets[-1]["A1"].value
    assert ("PARCIAL" in about_title) is not is_closed
    assert task.result["summary"] == summary
