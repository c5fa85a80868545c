"""Task reads and error responses while the database is unavailable."""

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
    """Make every SQL statement fail; yield the list of attempted statements."""
    statements = []

    def refuse(execute, sql, params, many, context):
        statements.append(sql)
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(refuse):
        yield statements


def read_task(task, viewer):
    return reader.read_snapshot(
        task.pk, viewer_id=viewer.pk, token_version=viewer.access_version, generation=0
    )


def expire_access_version(viewer):
    redis_store.client().delete(f"access-version:{viewer.pk}")


@pytest.mark.parametrize("make", [queue_task, run_task])
def test_known_task_is_shown_without_database(teacher, make):
    task = make(teacher)
    before = read_task(task, teacher)
    expire_access_version(teacher)

    with database_down():
        assert read_task(task, teacher) == before


def test_open_database_breaker_sends_no_queries(teacher):
    task = queue_task(teacher)
    expire_access_version(teacher)

    with database_down() as statements:
        for _ in range(5):
            read_task(task, teacher)

    assert len(statements) == 1


@pytest.mark.guarantee("A user who has lost a right is not shown tasks from Redis.")
def test_read_after_access_change_needs_database(teacher):
    task = run_task(teacher)
    old_version = teacher.access_version
    User.objects.filter(pk=teacher.pk).update(access_version=F("access_version") + 1)
    teacher.refresh_from_db()
    access_version.invalidate(teacher)
    expire_access_version(teacher)

    with database_down():
        for version in (old_version, teacher.access_version):
            with pytest.raises(DatabaseUnavailable):
                reader.read_snapshot(
                    task.pk, viewer_id=teacher.pk, token_version=version, generation=0
                )


def test_access_version_max_lives_as_long_as_a_token(teacher, settings):
    access_version.invalidate(teacher)

    ttl = redis_store.client().ttl(f"access-version-max:{teacher.pk}")
    assert 0 <= settings.ACCESS_TOKEN_LIFETIME.total_seconds() - ttl <= 5


def test_read_of_foreign_or_unknown_task_needs_database(teacher, stranger):
    task = run_task(teacher)
    expire_access_version(teacher)

    with database_down():
        with pytest.raises(DatabaseUnavailable):
            reader.read_snapshot(
                task.pk,
                viewer_id=stranger.pk,
                token_version=teacher.access_version,
                generation=0,
            )
        with pytest.raises(DatabaseUnavailable):
            reader.read_snapshot(
                uuid.uuid4(),
                viewer_id=teacher.pk,
                token_version=teacher.access_version,
                generation=0,
            )


def test_half_open_breaker_lets_one_request_probe(monkeypatch):
    monkeypatch.setattr(breakers, "COOLDOWN_SECONDS", 0.0)
    breaker = DatabaseBreaker()
    with pytest.raises(DatabaseUnavailable), breaker.guard():
        raise OperationalError
    monkeypatch.setattr(breakers, "COOLDOWN_SECONDS", 60.0)

    with suppress(TaskNotFound), breaker.guard():
        with pytest.raises(DatabaseUnavailable), breaker.guard():
            pytest.fail("a second request probed the database")
        raise TaskNotFound

    assert not breaker.is_open  # any answer closes the breaker


def test_api_without_database_returns_503_with_retry_after(as_user, teacher):
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


def test_admin_without_database_returns_503_with_retry_after(admin):
    client = Client(raise_request_exception=False)
    client.force_login(admin)

    with database_down():
        answer = client.get("/admin/")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer["Retry-After"] == "2"
