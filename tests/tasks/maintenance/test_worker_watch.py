"""Decision of the dispatcher which workers are stuck, with a clock of the test's own."""

import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from school.runtime.worker_status import Status, StatusReader
from tasks import redis_store
from tasks.maintenance import worker_watch
from tasks.maintenance.worker_watch import WorkerWatch
from tasks.redis_store import Registration
from tests.support.redis_monitor import monitor_commands

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("the database is only asked whether it is there"),
]

QUEUES = ("default", "reports", "reports.bulk")
WORKER = Registration(
    name="reports@host", host=socket.gethostname(), pid=os.getpid(), start_ticks=7,
    queues=("reports",),
)  # fmt: skip
BULK_WORKER = replace(WORKER, name="reports.bulk@host", queues=("reports.bulk",))


class Watch:
    """A watch whose time is the test's."""

    def __init__(self, path: Path, patch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        patch.setattr(worker_watch.time, "monotonic", lambda: self.now)
        self._watch = WorkerWatch(path, QUEUES)
        self._reader = StatusReader(path)

    def status(self) -> Status:
        self._watch.look()
        self._reader.read()
        self._watch.look()  # the reader believes what has changed
        status = self._reader.read()
        assert status is not None
        return status

    def stuck_after(
        self, seconds: int, meanwhile: Callable[[], Any] = lambda: None
    ) -> list[str]:
        """Look every few seconds; return the names of the workers that are stuck then."""
        self._watch.look()
        while seconds:
            step = min(seconds, 5)
            self.now, seconds = self.now + step, seconds - step
            meanwhile()
            self._watch.look()
        return [worker.name for worker in self.status().workers if worker.is_stuck]

    def skip(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(tmp_path / "worker-status.json", monkeypatch)


def push(queue: str = "reports") -> None:
    redis_store.client().lpush(queue, "a message")


@pytest.mark.guarantee("A worker that lives and takes nothing is found within 45 s.")
def test_worker_without_activity_while_a_message_waits_is_stuck(watch):
    redis_store.register_worker(WORKER)
    redis_store.register_worker(BULK_WORKER)
    push()

    assert watch.stuck_after(44) == []
    assert watch.stuck_after(1) == ["reports@host"]


@pytest.mark.guarantee("No idle worker is taken for stuck.")
def test_idle_worker_of_empty_queue_is_not_stuck(watch):
    redis_store.register_worker(WORKER)

    assert watch.stuck_after(300) == []


def test_worker_that_served_its_queue_for_a_moment_is_not_stuck(watch):
    redis_store.register_worker(WORKER)
    push()
    watch.stuck_after(40)
    redis_store.client().delete("reports")
    watch.stuck_after(1)
    push()

    assert watch.stuck_after(40) == []
    assert watch.stuck_after(5) == ["reports@host"]


@pytest.mark.guarantee("No worker that makes a long report is taken for stuck.")
def test_worker_that_beats_is_not_stuck(watch):
    redis_store.register_worker(WORKER)
    push()

    def beat():
        if watch.now % 40 == 0:
            redis_store.record_activity(WORKER.name)

    assert watch.stuck_after(300, meanwhile=beat) == []


def test_registration_alone_is_no_activity(watch):
    redis_store.register_worker(WORKER)
    push()

    stuck = watch.stuck_after(45, meanwhile=lambda: redis_store.register_worker(WORKER))

    assert stuck == ["reports@host"]


def test_worker_that_holds_messages_back_is_stuck(watch):
    redis_store.register_worker(replace(WORKER, held_count=1))
    redis_store.register_worker(BULK_WORKER)

    assert watch.stuck_after(45) == ["reports@host"]


@pytest.mark.guarantee("While Redis, database or dispatcher is away nobody is stuck.")
def test_pause_of_redis_starts_the_count_anew(watch, monkeypatch):
    redis_store.register_worker(WORKER)
    push()
    watch.stuck_after(40)

    with monkeypatch.context() as patch:
        patch.setattr(redis_store, "queue_lengths", fail_with(worker_watch.RedisUnavailable()))  # fmt: skip
        assert watch.stuck_after(60) == []
        assert watch.status().watch_seconds == 0

    assert watch.stuck_after(44) == []
    assert watch.stuck_after(1) == ["reports@host"]


@pytest.mark.guarantee("While Redis, database or dispatcher is away nobody is stuck.")
def test_pause_of_the_database_starts_the_count_anew(watch, monkeypatch):
    redis_store.register_worker(WORKER)
    push()
    watch.stuck_after(40)

    with monkeypatch.context() as patch:
        patch.setattr(worker_watch, "_require_database", fail_with(OperationalError()))
        assert watch.stuck_after(60) == []

    assert watch.stuck_after(44) == []


@pytest.mark.guarantee("While Redis, database or dispatcher is away nobody is stuck.")
def test_pause_of_the_dispatcher_starts_the_count_anew(watch):
    redis_store.register_worker(WORKER)
    push()
    watch.stuck_after(40)

    watch.skip(11)

    assert watch.stuck_after(44) == []


def test_new_process_of_the_same_name_is_not_stuck(watch):
    redis_store.register_worker(WORKER)
    push()
    watch.stuck_after(50)

    redis_store.register_worker(replace(WORKER, start_ticks=8))

    assert watch.stuck_after(1) == []


def test_flushed_redis_does_not_forget_a_frozen_worker(watch):
    redis_store.register_worker(WORKER)
    watch.stuck_after(1)

    redis_store.client().flushdb()
    push()

    assert watch.stuck_after(45) == ["reports@host"]


def test_stopped_worker_is_forgotten(watch):
    redis_store.register_worker(WORKER)
    push()
    watch.stuck_after(1)

    redis_store.register_worker(replace(WORKER, has_stopped=True))

    assert watch.stuck_after(45) == []
    assert watch.status().workers == []


def test_worker_without_registration_for_long_is_forgotten(watch):
    redis_store.register_worker(WORKER)

    watch.stuck_after(601)

    assert watch.status().workers == []
    assert redis_store.get_workers() == []


def test_forged_registration_and_activity_are_not_believed(watch):
    redis = redis_store.client()
    redis_store.register_worker(WORKER)
    redis.hset("workers", "forged@host", redis.hget("workers", WORKER.name))
    push()
    count = iter(range(99))

    stuck = watch.stuck_after(
        45, meanwhile=lambda: redis.hset("worker-activity", WORKER.name, next(count))
    )

    assert stuck == ["reports@host"]
    assert [worker.name for worker in watch.status().workers] == ["reports@host"]


@pytest.mark.parametrize("key", ["workers", "worker-activity"])
def test_key_of_another_type_is_replaced(key):
    redis_store.client().set(key, "x")
    redis_store.get_workers()

    redis_store.register_worker(WORKER)
    redis_store.record_activity(WORKER.name)

    (worker,) = redis_store.get_workers()
    assert worker.registration.name == WORKER.name
    assert worker.activity is not None


def test_unwritable_status_is_logged_once(tmp_path, caplog):
    watch = WorkerWatch(tmp_path / "missing" / "worker-status.json", QUEUES)

    for _ in range(3):
        watch.look()

    assert caplog.text.count("worker_status_unwritable") == 1


def test_look_costs_two_calls_of_redis(watch, settings):
    redis_store.register_worker(WORKER)
    watch.stuck_after(1)

    with monitor_commands(settings.REDIS_URL) as commands:
        watch._watch.look()

    names = [command.split()[0] for command in commands if "lua" not in command]
    assert names.count("LLEN") == 3
    assert names.count("EVALSHA") == 1


def fail_with(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any) -> Any:
        raise error

    return fail
