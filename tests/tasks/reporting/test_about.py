"""Names of a request: title, line, label and metadata of its task."""

import pytest

from school.models import School, SchoolClass, Student
from tasks import lifecycle
from tasks.models import Task
from tasks.reporting import about
from tests.support.task_factories import queue_task, run_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def school_class(network):
    return SchoolClass.objects.select_related("school", "school_year").get(pk=1)


def test_task_is_named_by_class_school_and_year(teacher, school_class):
    task = queue_task(teacher, {"class_id": school_class.pk})

    assert task.title == "Desempenho das turmas"
    assert task.about == about.SEPARATOR.join(
        [school_class.name, school_class.school.name, str(school_class.school_year)]
    )


@pytest.mark.parametrize(
    ("names", "joined"),
    [
        (["1º ano A", "1º ano B"], "1º ano A, 1º ano B"),
        (["1º ano, turma 1", "1º ano, turma 2"], "1º ano, turma 1; 1º ano, turma 2"),
        (["1º ano, turma 1", "1º ano B"], "1º ano, turma 1; 1º ano B"),
    ],
)
def test_names_with_a_comma_stay_apart(teacher, names, joined):
    for pk, name in enumerate(names, 1):
        SchoolClass.objects.filter(pk=pk).update(name=name)

    task = run_task(teacher, {"class_ids": [1, 2]}, format="csv")

    assert task.about.split(about.SEPARATOR)[0] == joined
    assert f" – {joined} – " in task.result["filename"]


def test_task_is_named_by_school_and_year(admin, school_class):
    parameters = {"school_id": school_class.school_id, "year": 2026}

    task = queue_task(admin, parameters, language="en")

    assert (task.title, task.about) == (
        "Class performance",
        f"{school_class.school.name} · 2026",
    )


def test_task_of_one_student_begins_with_the_name(secretary, school_class):
    student = Student.objects.filter(enrolments__school_class=school_class).first()
    parameters = {"class_id": school_class.pk, "student_id": student.pk}

    task = queue_task(secretary, parameters, kind="report_card")

    assert task.about.split(about.SEPARATOR)[0] == student.display_name


@pytest.mark.parametrize(
    ("language", "part"),
    [("pt-BR", "Para o Conselho Tutelar"), ("en", "For the Conselho Tutelar")],
)
def test_chosen_value_is_named_in_the_language_of_the_task(
    secretary, school_class, language, part
):
    parameters = {"class_id": school_class.pk, "list": "council"}

    task = queue_task(
        secretary, parameters, kind="attendance_summary", language=language
    )

    assert part in task.about.split(about.SEPARATOR)


def test_tables_of_an_export_have_different_file_names(secretary, school_class):
    names = {
        run_task(
            secretary,
            {"class_id": school_class.pk, "table": table},
            kind="data_export",
            format="csv",
        ).result["filename"]
        for table in ("students", "grades", "absences")
    }

    assert len(names) == 3


def test_name_is_frozen_when_the_report_is_asked_for(teacher, school_class):
    task = queue_task(teacher, {"class_id": school_class.pk})
    before = task.about

    School.objects.update(name="Outro Nome")

    task.refresh_from_db()
    assert task.about == before


def test_long_name_is_cut(admin, school_class):
    School.objects.filter(pk=school_class.school_id).update(name="x" * 120)
    SchoolClass.objects.filter(pk=school_class.pk).update(name="y" * 40)

    task = run_task(admin, {"class_id": school_class.pk}, format="csv")

    assert len(task.about) <= about.MAX_LENGTH
    assert len(task.result["filename"].encode()) < 255


@pytest.mark.guarantee("An erased task names no student.")
def test_erasure_removes_all_names(teacher, school_class):
    task = run_task(teacher, {"class_id": school_class.pk})
    Task.objects.filter(pk=task.pk).update(label="Ana", metadata={"name": "Ana"})

    lifecycle.erase(task)

    task.refresh_from_db()
    assert (task.about, task.label, task.metadata) == ("", "", {})
    assert task.title
