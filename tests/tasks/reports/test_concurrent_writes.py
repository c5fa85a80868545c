"""Reports built during concurrent writes: they show one snapshot and block no writer."""

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
from tests.support.task_factories import queue_task, read_rows, run_task
from tests.tasks.reports.figures.expected import EXPECTED, FIGURE_KINDS

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

STREAMED_KINDS = [kind for kind in FIGURE_KINDS if EXPECTED[kind].reach != "SELECTED"]
"""Kinds that read their records through `school/records`."""
BATCH_SIZE = 12
"""Enrolments per chunk, so that 100 students are read in nine or more steps."""
TIMEOUT_SECONDS = 30
"""Maximum seconds to wait for the writer, which is never blocked that long."""


class Writer(threading.Thread):
    """Thread that repeatedly writes a grade for every student on its own connection."""

    def __init__(self, task):
        super().__init__(daemon=True)
        self.commits = 0
        self.first_commit = None
        self.leases = set()
        self.error = None
        self.stop_event = threading.Event()
        self._task = task
        self._progress = threading.Condition()

    def run(self):
        try:
            while not self.stop_event.is_set():
                self._write(self.commits % 10)
                with self._progress:
                    self.commits += 1
                    self._progress.notify_all()
                # Leave the heartbeat time to write between two commits.
                self.stop_event.wait(0.01)
        except Exception as error:  # checked by the test
            self.error = error
        finally:
            connections.close_all()

    def await_commits(self, count):
        with self._progress:
            target_commits = self.commits + count
            assert self._progress.wait_for(
                lambda: self.commits >= target_commits, TIMEOUT_SECONDS
            )

    def await_another_lease(self):
        """Wait until the heartbeat has renewed the lease between two commits."""
        lease_count = len(self.leases)
        with self._progress:
            assert self._progress.wait_for(
                lambda: len(self.leases) > lease_count, TIMEOUT_SECONDS
            )

    def _write(self, n):
        started_at = datetime.datetime.now(datetime.UTC)
        with transaction.atomic():
            Grade.objects.update(tenths=n)
            self._add_absences()
            Student.objects.filter(pk=90).update(social_name=f"Nome {n}")
            SchoolClass.objects.filter(pk=4).update(name=f"Turma {n}")
        self.first_commit = self.first_commit or started_at
        self.leases.add(Task.objects.get(pk=self._task.pk).lease_until)

    def _add_absences(self):
        for enrolment in Enrolment.objects.filter(exit_date=None)[:5]:
            missed_sessions = enrolment.absences.values("session")
            days = enrolment.school_class.sessions.exclude(pk__in=missed_sessions)
            Absence.objects.create(enrolment=enrolment, session=days.last())


@pytest.fixture
def run_with_writer(monkeypatch):
    """Function that generates a task's report while a writer commits between its steps."""

    def run_report(task):
        writer, steps = Writer(task), []

        class SynchronizedYearBuilder(YearBuilder):
            def __init__(self, *args, **kwargs):
                writer.start()
                writer.await_commits(2)
                super().__init__(*args, **kwargs)
                self._year_count = 0

            def build(self, *args):
                if self._year_count % BATCH_SIZE == 0:
                    steps.append(self._year_count)
                    writer.await_commits(2)
                    if len(steps) <= 2:
                        writer.await_another_lease()
                self._year_count += 1
                return super().build(*args)

        monkeypatch.setattr(years, "YearBuilder", SynchronizedYearBuilder)
        try:
            generate_report(str(task.pk))
        finally:
            writer.stop_event.set()
            writer.join()
            monkeypatch.setattr(years, "YearBuilder", YearBuilder)
        task.refresh_from_db()
        return writer, len(steps)

    monkeypatch.setattr(enrolment_record, "CHUNK_SIZE", BATCH_SIZE)
    monkeypatch.setattr(heartbeat, "CHECK_INTERVAL", 0.02)
    yield run_report
    if connections[ALIAS].vendor == "postgresql":
        connections[ALIAS].close_pool()  # else the test database cannot be dropped


@pytest.mark.guarantee("A report reads one instant of the database and writes nothing.")
@pytest.mark.parametrize("kind", STREAMED_KINDS)
def test_report_during_writes_shows_earlier_snapshot(
    transactional_db, admin, settings, run_with_writer, kind
):
    settings.HEARTBEAT_SECONDS = 0.05
    before = run_task(admin, {"year": 2026}, kind=kind)
    task = queue_task(admin, {"year": 2026}, kind=kind)

    writer, steps = run_with_writer(task)
    after = run_task(admin, {"year": 2026}, kind=kind)

    assert (task.state, task.attempt) == ("succeeded", 1), task.error
    assert writer.error is None
    assert steps >= 100 / BATCH_SIZE
    assert writer.commits >= 2 * steps
    assert read_rows(task) == read_rows(before) != read_rows(after)
    assert task.result["sha256"] == before.result["sha256"]
    as_of = datetime.datetime.fromisoformat(task.result["data_as_of"])
    assert as_of <= writer.first_commit
    # The lease was renewed while the writer committed: neither was blocked.
    assert len(writer.leases) >= 3


def test_report_started_during_writes_shows_one_commit(
    transactional_db, admin, run_with_writer
):
    task = queue_task(admin, {"year": 2026}, kind="report_card")
    writer = Writer(task)
    writer.start()
    writer.await_commits(1)

    generate_report(str(task.pk))
    writer.stop_event.set()
    writer.join()

    task.refresh_from_db()
    grades = {row[f"term_{n}"] for row in read_rows(task) for n in range(1, 5)}
    assert len(grades - {None}) == 1
    assert writer.error is None
