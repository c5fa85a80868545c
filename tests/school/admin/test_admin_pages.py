import pytest
from django.contrib import admin
from django.core.checks import Tags, run_checks
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks.models import AccessLogEntry, Task
from tests.support.task_factories import made

pytestmark = pytest.mark.django_db
admin.autodiscover()
REGISTERED = [
    model
    for model in admin.site._registry
    if model._meta.app_label in {"school", "tasks"}
]
READ_ONLY = (Task, AccessLogEntry)


def url(model, page):
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{page}"


@pytest.fixture
def browser(client, admin):
    client.force_login(admin)
    made(admin)
    return client


@pytest.mark.parametrize("model", REGISTERED)
def test_list_opens_is_searched_and_asks_few_queries(browser, model):
    with CaptureQueriesContext(connection) as queries:
        page = browser.get(url(model, "?q=a"))

    assert page.status_code == 200
    assert len(queries) < 15


@pytest.mark.parametrize("model", REGISTERED)
def test_record_opens(browser, model):
    record = model.objects.first()

    assert browser.get(url(model, f"{record.pk}/change/")).status_code == 200


@pytest.mark.parametrize("model", [m for m in REGISTERED if m not in READ_ONLY])
def test_form_for_a_new_record_opens(browser, model):
    assert browser.get(url(model, "add/")).status_code == 200


@pytest.mark.parametrize("model", READ_ONLY)
def test_tasks_and_log_cannot_be_written(browser, model):
    record = model.objects.first()

    assert browser.get(url(model, "add/")).status_code == 403
    assert browser.post(url(model, f"{record.pk}/change/"), {}).status_code == 403
    assert browser.post(url(model, f"{record.pk}/delete/"), {}).status_code == 403


def test_admin_is_closed_to_staff_of_a_school(client, secretary):
    client.force_login(secretary)

    assert client.get("/admin/school/student/").status_code == 302


def test_check_looks_at_the_pages_of_the_admin(monkeypatch):
    page = admin.site.get_model_admin(Task)
    monkeypatch.setattr(type(page), "list_display", ["nowhere"])

    found = run_checks(tags=[Tags.admin])

    assert [message.id for message in found] == ["admin.E108"]
