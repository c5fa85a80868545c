"""Catalogue entries that are made once in a process, for whom they are then given out."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from school.models import SchoolYear
from tasks.scheduling import durations
from tests.support.task_factories import run_task

pytestmark = pytest.mark.django_db


def entry_of(client, **options):
    return client.get("/reports/report_card", **options).json()


def defaults_of(client):
    properties = entry_of(client)["parameters"]["properties"]
    return {n: part["default"] for n, part in properties.items() if part.get("default")}


def test_catalogue_in_turns_of_two_languages_is_in_each(as_user, teacher):
    client = as_user(teacher)
    languages = ["pt-BR", "en"] * 2
    entries = [
        entry_of(client, headers={"Accept-Language": name}) for name in languages
    ]

    titles = [
        (one["title"], one["parameters"]["title"], one["formats"][0]["label"])
        for one in entries
    ]
    years = [one["parameters"]["properties"]["year"]["title"] for one in entries]
    assert titles[:2] == titles[2:]
    assert titles[0] != titles[1]
    assert years == ["Ano letivo", "School year"] * 2


def test_catalogue_default_year_follows_the_records(as_user, teacher):
    client = as_user(teacher)
    assert defaults_of(client) == {"year": 2026}

    SchoolYear.objects.filter(is_closed=False).update(year=2027)
    assert defaults_of(client) == {"year": 2027}

    SchoolYear.objects.update(is_closed=True)
    assert defaults_of(client) == {}


def test_catalogue_shows_the_children_to_their_guardian_alone(
    as_user, teacher, guardian
):
    assert defaults_of(as_user(guardian)) == {"year": 2026, "student_ids": [1, 27]}
    assert defaults_of(as_user(teacher)) == {"year": 2026}

    guardian.attachments.filter(student=27).delete()
    assert defaults_of(as_user(guardian)) == {"year": 2026, "student_ids": [1]}

    guardian.attachments.all().delete()
    assert defaults_of(as_user(guardian)) == {}


def test_catalogue_lists_the_kinds_of_the_role(as_user, teacher, guardian):
    def kinds(user):
        results = as_user(user).get("/reports").json()["results"]
        return {one["report"] for one in results}

    assert kinds(teacher) > kinds(guardian)
    teacher.role = "guardian"
    teacher.save()
    assert kinds(teacher) == kinds(guardian)


def test_catalogue_lookups_follow_the_public_url(as_user, teacher, settings):
    client = as_user(teacher)
    addresses = []
    for url in ("", "https://reports.school.example", ""):
        settings.PUBLIC_URL = url
        lookups = entry_of(client)["lookups"]
        addresses.append(lookups["class_id"]["href"])

    path = "/classes"
    assert addresses == [path, f"https://reports.school.example{path}", path]


def test_catalogue_median_follows_the_reports_made(as_user, teacher):
    client = as_user(teacher)
    durations.duration_cache.reset()
    assert entry_of(client)["median_seconds"] is None

    run_task(teacher, kind="report_card")
    durations.duration_cache.reset()
    assert entry_of(client)["median_seconds"] >= 0


@pytest.mark.parametrize("path", ["/reports", "/reports/report_card"])
def test_catalogue_is_compact_json_with_letters_as_they_are(as_user, guardian, path):
    response = as_user(guardian).get(path)

    document = json.loads(response.content)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    assert response.content.decode() == text
    assert response["Content-Type"] == "application/json"


def test_catalogue_takes_two_queries(as_user, teacher):
    client = as_user(teacher)
    client.get("/reports")

    with CaptureQueriesContext(connection) as queries:
        client.get("/reports")

    assert len(queries) == 2  # the user, and the open school year
