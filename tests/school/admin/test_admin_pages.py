from importlib import import_module

import pytest
from django.contrib import admin
from django.core.checks import Tags, run_checks
from django.db import connection
from django.test.utils import CaptureQueriesContext

from school.models import Exemption, Grade, GradeChange
from tasks.models import AccessLogEntry, Task
from tests.support.task_factories import run_task

pytestmark = pytest.mark.django_db
import_module("school.urls")  # registers the pages
REGISTERED = [
    model
    for model in admin.site._registry
    if model._meta.app_label in {"school", "tasks"}
]
READ_ONLY = (Task, AccessLogEntry, GradeChange)


def admin_url(model, page):
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{page}"


@pytest.fixture
def finished_task(admin):
    return run_task(admin)


@pytest.fixture
def changed_grade(network):
    grade = Grade.objects.exclude(tenths=33).first()
    Grade.objects.filter(pk=grade.pk).update(tenths=33)
    return grade


@pytest.mark.usefixtures("finished_task", "changed_grade")
@pytest.mark.parametrize("model", REGISTERED)
def test_admin_list_with_search_takes_few_queries(admin_client, model):
    url = admin_client.post(admin_url(model, ""), {"q": "a"}).url
    with CaptureQueriesContext(connection) as queries:
        page = admin_client.get(url)

    assert page.status_code == 200
    assert len(queries) < 15


@pytest.fixture
def exemption(network):
    Exemption.objects.create(enrolment_id=1, offering_id=1, reason="Laudo")


@pytest.mark.usefixtures("finished_task", "changed_grade", "exemption")
@pytest.mark.parametrize("model", REGISTERED)
def test_admin_change_page_opens(admin_client, model):
    record = model.objects.first()

    assert admin_client.get(admin_url(model, f"{record.pk}/change/")).status_code == 200


@pytest.mark.parametrize("model", [m for m in REGISTERED if m not in READ_ONLY])
def test_admin_add_page_opens(admin_client, model):
    assert admin_client.get(admin_url(model, "add/")).status_code == 200


@pytest.mark.usefixtures("finished_task", "changed_grade")
@pytest.mark.parametrize("model", READ_ONLY)
def test_admin_of_tasks_and_logs_is_read_only(admin_client, model):
    record = model.objects.first()

    assert admin_client.get(admin_url(model, "add/")).status_code == 403
    assert (
        admin_client.post(admin_url(model, f"{record.pk}/change/"), {}).status_code
        == 403
    )
    assert (
        admin_client.post(admin_url(model, f"{record.pk}/delete/"), {}).status_code
        == 403
    )


def test_admin_refuses_school_staff(client, secretary):
    client.force_login(secretary)

    assert client.get("/admin/school/student/").status_code == 302


def test_system_checks_cover_admin_pages(monkeypatch):
    page = admin.site.get_model_admin(Task)
    monkeypatch.setattr(type(page), "list_display", ["nowhere"])

    messages = run_checks(tags=[Tags.admin])

    assert [message.id for message in messages] == ["admin.E108"]


def test_admin_action_logs_a_user_out_everywhere(admin_client, teacher, stranger):
    before, before_of_other = teacher.session_generation, stranger.session_generation

    page = admin_client.post(
        admin_url(type(teacher), ""),
        {"action": "end_sessions", "_selected_action": [teacher.pk]},
    )

    teacher.refresh_from_db()
    stranger.refresh_from_db()
    assert page.status_code == 302
    assert teacher.session_generation == before + 1
    assert stranger.session_generation == before_of_other
