from datetime import datetime

import pytest
from django.utils import timezone

from school.models import Network, School, User
from tasks.models import AccessLogEntry, Task
from tests.support.school_factory import create_user
from tests.support.task_factories import queue_task

pytestmark = pytest.mark.django_db
CREATED_AT = datetime.fromisoformat("2026-12-04T04:30:00Z")
ACRE, NORONHA = "America/Rio_Branco", "America/Noronha"


@pytest.fixture
def acre(network):
    Network.objects.update(time_zone=ACRE)


@pytest.fixture
def log_entry(admin, acre):
    """Entry of the access log and its task, of half an hour before midnight in Acre."""
    task = queue_task(admin)
    Task.objects.filter(pk=task.pk).update(created_at=CREATED_AT)
    entry = AccessLogEntry.objects.get(task_id=task.pk)
    AccessLogEntry.objects.filter(pk=entry.pk).update(created_at=CREATED_AT)
    return entry


def open_page(client, viewer, path=""):
    client.force_login(viewer)
    response = client.get(f"/admin/{path}")
    assert response.status_code == 200
    return response.content.decode()


def create_viewer(role, **attachments):
    viewer = create_user(role, **attachments)
    User.objects.filter(pk=viewer.pk).update(is_staff=True)
    return viewer


@pytest.mark.parametrize("path", ["tasks/task/", "tasks/accesslogentry/"])
def test_lists_show_times_in_the_zone_of_the_viewer(client, admin, log_entry, path):
    admin.is_superuser = True
    admin.save()

    page = open_page(client, admin, path)

    assert "3 de Dezembro de 2026 às 23:30" in page
    assert "Horário do Acre" in page
    # The service itself keeps its zone.
    assert timezone.get_current_timezone_name() == "America/Manaus"


def test_log_entry_is_named_with_the_local_time(client, admin, log_entry):
    page = open_page(client, admin, f"tasks/accesslogentry/{log_entry.pk}/change/")

    assert f"2026-12-03 23:30 created {log_entry.task_id}" in page


def test_date_fields_take_today_from_the_zone_of_the_viewer(client, admin, acre):
    page = open_page(client, admin, "school/enrolment/add/")

    assert 'data-admin-utc-offset="-18000"' in page


@pytest.mark.parametrize(
    ("attachments", "words"),
    [
        pytest.param(
            {"school_id": [1]}, "Horário de Fernando de Noronha", id="own zone"
        ),
        pytest.param({"school_id": [2]}, "Horário do Acre", id="zone of the network"),
        pytest.param({"school_id": [1, 2]}, "Horário do Acre", id="different zones"),
        pytest.param({}, "Horário do Amazonas", id="no school"),
    ],
)
def test_staff_have_the_zone_of_their_schools(client, acre, attachments, words):
    School.objects.filter(pk=1).update(time_zone=NORONHA)

    assert words in open_page(client, create_viewer("staff", **attachments))


def test_administrator_of_a_network_without_schools_has_its_zone(client, network):
    new = Network.objects.create(code="new", name="Nova", time_zone=NORONHA)

    page = open_page(client, create_viewer("administrator", network=[new]))

    assert "Horário de Fernando de Noronha" in page


def test_log_in_page_is_in_the_zone_of_the_service(client, acre):
    page = client.get("/admin/login/").content.decode()

    assert 'data-admin-utc-offset="-14400"' in page


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (NORONHA, NORONHA),
        ("", ""),
        ("America/Acre", ACRE),
        ("Europe/Lisbon", ACRE),
        ("acre", ACRE),
    ],
)
def test_form_takes_only_zones_of_brazil(client, admin, acre, value, stored):
    client.force_login(admin)
    network = Network.objects.get()
    fields = {"code": network.code, "name": network.name, "time_zone": value}
    inline = {"crest-TOTAL_FORMS": 0, "crest-INITIAL_FORMS": 0}

    response = client.post(
        f"/admin/school/network/{network.pk}/change/", {**fields, **inline}
    )

    assert Network.objects.get().time_zone == stored
    is_refused = value != stored
    assert response.status_code == (200 if is_refused else 302)
    if is_refused:
        assert [*response.context["adminform"].form.errors] == ["time_zone"]
