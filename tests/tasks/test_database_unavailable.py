"""With the database away a task that Redis knows is shown to whom it was shown before."""

import uuid
from contextlib import contextmanager, suppress

import pytest
from django.db import OperationalError, connection
from django.db.models import F
from django.test import Client

from school.models import User
from tasks import circuit_breaker as breakers
from tasks import redis_store
from tasks.circuit_breaker import DatabaseBreaker, DatabaseUnavailable
from tasks.errors import TaskNotFound
from tasks.status import access_version, reader
from tests.support.task_factories import queue_task, run_task

pytestmark = pytest.mark.django_db


@contextmanager
def database_down():
    """Every statement fails, and is kept in the list."""
    statements = []

    def refuse(execute, sql, params, many, context):
        statements.append(sql)
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(refuse):
        yield statements


def read_task(task, viewer):
    return reader.read_snapshot(
        task.pk, viewer_id=viewer.pk, token_version=viewer.access_version
    )


def expire_access_version(viewer):
    redis_store.client().delete(f"access-version:{viewer.pk}")


@pytest.mark.parametrize("make", [queue_task, run_task])
def test_known_task_is_shown_though_its_rights_cannot_be_checked(teacher, make):
    task = make(teacher)
    before = read_task(task, teacher)
    expire_access_version(teacher)

    with database_down():
        assert read_task(task, teacher) == before


def test_while_it_is_known_to_be_away_it_is_not_asked(teacher):
    task = queue_task(teacher)
    expire_access_version(teacher)

    with database_down() as statements:
        for _ in range(5):
            read_task(task, teacher)

    assert len(statements) == 1


@pytest.mark.guarantee("A user who has lost a right is not shown tasks from Redis.")
def test_right_taken_away_is_not_lent_again(teacher):
    task = run_task(teacher)
    old_stamp = teacher.access_version
    User.objects.filter(pk=teacher.pk).update(access_version=F("access_version") + 1)
    teacher.refresh_from_db()
    access_version.invalidate(teacher)
    expire_access_version(teacher)

    with database_down():
        for stamp in (old_stamp, teacher.access_version):
            with pytest.raises(DatabaseUnavailable):
                reader.read_snapshot(task.pk, viewer_id=teacher.pk, token_version=stamp)


def test_change_is_remembered_for_the_life_of_a_token(teacher, settings):
    access_version.invalidate(teacher)

    left = redis_store.client().ttl(f"access-version-max:{teacher.pk}")
    assert 0 <= settings.ACCESS_TOKEN_LIFETIME.total_seconds() - left <= 5


def test_what_is_not_theirs_or_not_known_stays_unanswered(teacher, stranger):
    task = run_task(teacher)
    expire_access_version(teacher)

    with database_down():
        with pytest.raises(DatabaseUnavailable):
            reader.read_snapshot(
                task.pk, viewer_id=stranger.pk, token_version=teacher.access_version
            )
        with pytest.raises(DatabaseUnavailable):
            reader.read_snapshot(
                uuid.uuid4(), viewer_id=teacher.pk, token_version=teacher.access_version
            )


def test_one_alone_asks_whether_the_database_is_back(monkeypatch):
    monkeypatch.setattr(breakers, "COOLDOWN_SECONDS", 0.0)
    breaker = DatabaseBreaker()
    with pytest.raises(DatabaseUnavailable), breaker.guard():
        raise OperationalError
    monkeypatch.setattr(breakers, "COOLDOWN_SECONDS", 60.0)

    with suppress(TaskNotFound), breaker.guard():
        with pytest.raises(DatabaseUnavailable), breaker.guard():
            pytest.fail("a second one asked")
        raise TaskNotFound

    assert not breaker.is_open  # it has answered, whatever it was


def test_refusal_is_a_problem_that_says_when_to_ask_again(as_user, teacher):
    client = as_user(teacher)
    client.raise_request_exception = False

    with database_down():
        answers = [
            client.get("/reports"),
            client.get(f"/tasks/{uuid.uuid4()}"),
            client.post_json("/reports", {"report": "class_performance"}),
        ]

    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer["Retry-After"] == "2"


def test_page_outside_the_api_says_so_too(admin):
    client = Client(raise_request_exception=False)
    client.force_login(admin)

    with database_down():
        answer = client.get("/admin/")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer["Retry-After"] == "2"
