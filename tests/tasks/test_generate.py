import pytest
from django.db import OperationalError

from tasks import artifacts, generate, lifecycle
from tasks.models import Task
from tests.making import asked

pytestmark = pytest.mark.django_db


def test_report_that_is_made_waits_for_the_database_to_come_back(teacher, monkeypatch):
    task = asked(teacher)
    succeed, failures = lifecycle.succeed, iter([1, 1])

    def locked_twice(*args, **kwargs):
        if next(failures, None):
            raise OperationalError("database is locked")
        return succeed(*args, **kwargs)

    monkeypatch.setattr(lifecycle, "succeed", locked_twice)
    monkeypatch.setattr(generate.time, "sleep", lambda seconds: None)
    generate.generate_report(str(task.pk))

    task.refresh_from_db()
    assert task.state == "succeeded"
    assert artifacts.read(task.artifact)


def test_database_lost_while_reading_is_no_fault_of_the_report(teacher, monkeypatch):
    task = asked(teacher)

    def lost(*_args):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(generate, "produce", lost)
    generate.generate_report(str(task.pk))

    task.refresh_from_db()
    assert task.state == "running"  # until its lease runs out
    Task.objects.update(lease_until="2020-01-01T00:00:00Z")
    lifecycle.recover()
    task.refresh_from_db()
    assert task.state == "queued"
