"""Pages of tasks in the admin."""

import pytest

from school.models import Student
from tasks.models import Task
from tests.support.task_factories import run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("the pages do not depend on the database"),
]


@pytest.mark.guarantee("The admin's pages of tasks name no student.")
def test_page_of_a_task_names_no_student(client, admin, guardian):
    Student.objects.update(name="Zulmira Quaresma", social_name="")
    parameters = {"student_ids": [1], "year": 2026}
    task = run_task(guardian, parameters, kind="report_card", format="csv")
    Task.objects.filter(pk=task.pk).update(
        label="Zulmira", metadata={"name": "Quaresma"}
    )
    client.force_login(admin)

    page = client.get(f"/admin/tasks/task/{task.pk}/change/").content.decode()

    assert "Zulmira Quaresma" in task.result["filename"]
    assert task.result["sha256"] in page
    assert not [name for name in ("Zulmira", "Quaresma") if name in page]
