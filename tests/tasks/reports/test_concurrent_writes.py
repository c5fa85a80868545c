"""Somebody enters grades while a report is made: it shows one moment, and holds nobody up."""

import datetime
import threading

import pytest
from django.db import connections, transaction

from school.db.snapshot import ALIAS
from school.models import Absence, Enrolment, Grade, SchoolClass, Student
from school.records import enrolment_record, years
from school.records.year_builder import YearBuilder
from tasks.models import Task
from tasks.worker import heartbeat
from tasks.worker.tasks import generate_report
from tests.support.task_factories import asked, made, rows_of

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

IN_STREAMS = [
    "report_card",
    "transcript",
    "final_results",
    "attendance_summary",
    "at_risk_students",
]
AT_ONCE = 12
"""Of the hundred students' enrolments: so they are read in nine or more steps."""
PATIENCE = 30
"""Seconds to wait for the writer, who is never locked out for so long."""


class Writer(threading.Thread):
    """Enters a mark for everybody, again and again, by a connection of its own."""

    def __init__(self, task):
        super().__init__(daemon=True)
        self.commits = 0
        self.first_commit = None
        self.leases = set()
        self.error = None
        self.over = threading.Event()
        self._task = task
        self._progress = threading.Condition()

    def run(self):
        try:
            while not self.over.is_set():
                self._write(self.commits % 10)
                with self._progress:
                    self.commits += 1
                    self._progress.notify_all()
                # The heartbeat writes between two of these, and must find its turn.
                self.over.wait(0.01)
        except Exception as error:  # for the test to see
            self.error = error
        finally:
            connections.close_all()

    def await_commits(self, count):
        with self._progress:
            until = self.commits + count
            assert self._progress.wait_for(lambda: self.commits >= until, PATIENCE)

    def await_another_lease(self):
        """Until the heartbeat was heard, which finds its turn between two commits."""
        known = len(self.leases)
        with self._progress:
            assert self._progress.wait_for(lambda: len(self.leases) > known, PATIENCE)

    def _write(self, n):
        began = datetime.datetime.now(datetime.UTC)
        with transaction.atomic():
            Grade.objects.update(tenths=n)
            self._miss_a_day()
            Student.objects.filter(pk=90).update(social_name=f"Nome {n}")
            SchoolClass.objects.filter(pk=4).update(name=f"Turma {n}")
        self.first_commit = self.first_commit or began
        self.leases.add(Task.objects.get(pk=self._task.pk).lease_until)

    def _miss_a_day(self):
        for enrolment in Enrolment.objects.filter(exit_date=None)[:5]:
            missed = enrolment.absences.values("session")
            days = enrolment.school_class.sessions.exclude(pk__in=missed)
            Absence.objects.create(enrolment=enrolment, session=days.last())


@pytest.fixture
def writing(monkeypatch):
    """A function that makes the report of a task with somebody writing between its steps."""

    def make(task):
        writer, steps = Writer(task), []

        class AwaitedYearbook(YearBuilder):
            def __init__(self, *given, **named):
                writer.start()
                writer.await_commits(2)
                super().__init__(*given, **named)
                self._made = 0

            def build(self, *given):
                if self._made % AT_ONCE == 0:
                    steps.append(self._made)
                    writer.await_commits(2)
                    if len(steps) <= 2:
                        writer.await_another_lease()
                self._made += 1
                return super().build(*given)

        monkeypatch.setattr(years, "YearBuilder", AwaitedYearbook)
        try:
            generate_report(str(task.pk))
        finally:
            writer.over.set()
            writer.join()
            monkeypatch.setattr(years, "YearBuilder", YearBuilder)
        task.refresh_from_db()
        return writer, len(steps)

    monkeypatch.setattr(enrolment_record, "BATCH_SIZE", AT_ONCE)
    monkeypatch.setattr(heartbeat, "CHECK_INTERVAL", 0.02)
    yield make
    if connections[ALIAS].vendor == "postgresql":
        connections[ALIAS].close_pool()  # else the test database cannot be dropped


@pytest.mark.guarantee("A report reads one instant of the database and writes nothing.")
@pytest.mark.parametrize("kind", IN_STREAMS)
def test_report_shows_all_of_the_old_and_nothing_of_the_new(
    transactional_db, admin, settings, writing, kind
):
    settings.HEARTBEAT_SECONDS = 0.05
    before = made(admin, {"year": 2026}, kind=kind)
    task = asked(admin, {"year": 2026}, kind=kind)

    writer, steps = writing(task)
    after = made(admin, {"year": 2026}, kind=kind)

    assert (task.state, task.attempt) == ("succeeded", 1), task.error
    assert writer.error is None
    assert steps >= 100 / AT_ONCE
    assert writer.commits >= 2 * steps
    assert rows_of(task) == rows_of(before) != rows_of(after)
    assert task.result["sha256"] == before.result["sha256"]
    as_of = datetime.datetime.fromisoformat(task.result["data_as_of"])
    assert as_of <= writer.first_commit
    # Renewed while it was made and others wrote: nobody was locked out.
    assert len(writer.leases) >= 3


def test_report_asked_for_meanwhile_shows_one_of_the_moments(
    transactional_db, admin, writing
):
    task = asked(admin, {"year": 2026}, kind="report_card")
    writer = Writer(task)
    writer.start()
    writer.await_commits(1)

    generate_report(str(task.pk))
    writer.over.set()
    writer.join()

    task.refresh_from_db()
    grades = {row[f"term_{n}"] for row in rows_of(task) for n in range(1, 5)}
    assert len(grades - {None}) == 1
    assert writer.error is None
