"""Long-polling waiters and their listener, with documents of a task without a row."""

import itertools
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest

from tasks import redis_store
from tasks.circuit_breaker import breaker
from tasks.status import waiters
from tasks.status.reader import TaskSnapshot
from tasks.status.waiters import Waiter, listener, wait_for_task
from tests.support.redis_servers import wait_until

TASK = uuid.UUID("01a20946-63d7-7452-9ebd-6b7659a55ab6")


def put_document(version: int, sequence: int = 0, task_id: uuid.UUID = TASK) -> None:
    meta = redis_store.DocumentMeta(version, sequence, 7, 3, "running", "reports")
    document = f'{{"version": {version}, "sequence": {sequence}}}'.encode()
    envelope = redis_store.Envelope(meta, {"status": "STARTED"}, document, 60)
    redis_store.put_document(task_id, envelope, create=True)


def read_snapshot() -> TaskSnapshot:
    cached = redis_store.get_cached_task(TASK, 7)
    version = cached.meta.version if cached.meta else 0
    return TaskSnapshot(TASK, "running", "reports", cached.document, {}, version)


def new_waiter(**options: bool) -> Waiter:
    def is_over(first: TaskSnapshot, current: TaskSnapshot) -> bool:
        has_progress = waiter.progress_due and current.document != first.document
        return has_progress or current.version != first.version

    waiter = Waiter(is_over, viewer_id=7, **options)
    return waiter


def measure_wait(
    seconds: float = 5.0, waiter: Waiter | None = None
) -> tuple[TaskSnapshot, float]:
    """Wait for the task; return the snapshot and the elapsed seconds."""
    started_at = time.monotonic()
    snapshot = wait_for_task(
        TASK, read_snapshot, waiter or new_waiter(), seconds=seconds
    )
    return snapshot, time.monotonic() - started_at


def run_later(seconds: float, *actions: Callable[[], object]) -> None:
    timer = threading.Timer(seconds, lambda: [step() for step in actions])
    timer.start()


def own_connections() -> list[dict[str, str]]:
    """List the Redis connections to this database; parallel tests share the server."""
    database = str(redis_store.client().client_info()["db"])
    return [
        client
        for client in redis_store.client().client_list()
        if client["db"] == database
    ]


def stream_readers() -> list[dict[str, str]]:
    return [client for client in own_connections() if client["cmd"] == "xread"]


@pytest.fixture(autouse=True)
def _idle_listener():
    put_document(1)
    yield
    deadline = time.monotonic() + 5
    while listener._is_listening:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_transition_ends_wait_at_once():
    run_later(0.5, lambda: put_document(2))

    snapshot, elapsed = measure_wait()

    assert snapshot.version == 2
    assert 0.4 <= elapsed < 1.5


def test_wait_without_change_ends_at_timeout():
    snapshot, elapsed = measure_wait(seconds=0.6)

    assert snapshot.version == 1
    assert 0.5 <= elapsed < 1.6


def test_events_of_other_tasks_cause_no_reads():
    reads = []
    run_later(
        0.3,
        lambda: put_document(1, task_id=uuid.uuid4()),
        lambda: put_document(1, task_id=uuid.uuid4()),
    )

    wait_for_task(
        TASK, lambda: reads.append(1) or read_snapshot(), new_waiter(), seconds=1
    )

    # At the start, when the listener was ready, and at the end.
    assert len(reads) == 3


def test_access_change_wakes_the_waits_of_its_user_only():
    reads = []
    run_later(
        0.3,
        lambda: redis_store.announce_access_change(8),
        lambda: redis_store.announce_access_change(7),
        lambda: redis_store.announce_access_change(9),
    )

    wait_for_task(
        TASK, lambda: reads.append(1) or read_snapshot(), new_waiter(), seconds=1
    )

    # At the start, when the listener was ready, at the change, and at the end.
    assert len(reads) == 4
    assert not listener._waiters_by_viewer


@pytest.mark.guarantee("Progress alone neither ends a wait early nor causes a read.")
def test_progress_ends_wait_only_after_minimum_time(monkeypatch):
    monkeypatch.setattr(waiters, "MIN_PROGRESS_SECONDS", 1.0)
    run_later(
        0.3, lambda: put_document(1, sequence=10), lambda: put_document(1, sequence=20)
    )

    snapshot, elapsed = measure_wait()

    assert b'"sequence": 20' in snapshot.document
    assert 0.9 <= elapsed < 2.0


@pytest.mark.guarantee("Progress alone neither ends a wait early nor causes a read.")
def test_progress_before_minimum_time_causes_no_reads():
    reads = []
    run_later(
        0.3, lambda: put_document(1, sequence=10), lambda: put_document(1, sequence=20)
    )

    wait_for_task(
        TASK, lambda: reads.append(1) or read_snapshot(), new_waiter(), seconds=1
    )

    # At the start, when the listener was ready, and at the end.
    assert len(reads) == 3


def test_progress_after_minimum_time_ends_wait_at_once(monkeypatch):
    monkeypatch.setattr(waiters, "MIN_PROGRESS_SECONDS", 0.3)
    run_later(0.8, lambda: put_document(1, sequence=10))

    _snapshot, elapsed = measure_wait()

    assert 0.7 <= elapsed < 1.8


def test_waiter_without_progress_ignores_progress(monkeypatch):
    monkeypatch.setattr(waiters, "MIN_PROGRESS_SECONDS", 0.2)
    reads = []
    run_later(0.5, *[lambda n=n: put_document(1, sequence=n) for n in (10, 20, 30)])
    waiter = new_waiter(wants_progress=False)

    wait_for_task(TASK, lambda: reads.append(1) or read_snapshot(), waiter, seconds=1)

    assert len(reads) == 3  # at the start, when the listener was ready, at the end


@pytest.mark.guarantee("A waiting client receives a change that it missed.")
def test_change_between_read_and_listen_is_seen(monkeypatch):
    last_event_id, has_read = redis_store.last_event_id, threading.Event()

    def read_last_event_id_late() -> str:
        has_read.wait(5)
        put_document(2)  # before the listener reads the stream
        return last_event_id()

    def first_read() -> TaskSnapshot:
        snapshot = read_snapshot()
        has_read.set()
        return snapshot

    monkeypatch.setattr(redis_store, "last_event_id", read_last_event_id_late)
    started_at = time.monotonic()

    snapshot = wait_for_task(TASK, first_read, new_waiter(), seconds=5)

    assert snapshot.version == 2
    assert time.monotonic() - started_at < 1.3


@pytest.mark.guarantee("A waiting client receives a change that it missed.")
def test_lost_listener_connection_delays_wait_one_second():
    def kill_connections() -> None:
        own_id = redis_store.client().client_id()
        for client in own_connections():
            if int(client["id"]) != own_id:
                redis_store.client().client_kill_filter(_id=client["id"])
        put_document(2)

    run_later(0.6, kill_connections)

    snapshot, elapsed = measure_wait()

    assert snapshot.version == 2
    assert elapsed < 0.6 + 1.4  # one second plus slack for a busy machine


@pytest.mark.guarantee(
    "A waiting client receives a change that the stream no longer holds."
)
def test_change_trimmed_from_stream_is_seen(monkeypatch):
    read_events = redis_store.read_events

    def read_events_late(cursor: str) -> tuple[list[redis_store.TaskEvent], str]:
        monkeypatch.undo()
        put_document(2)
        pipeline = redis_store.client().pipeline()
        for _ in range(5000):
            pipeline.xadd(
                "task-events", {"task_id": "other", "sequence": 1}, maxlen=4096
            )
        pipeline.execute()
        return read_events(cursor)

    monkeypatch.setattr(redis_store, "read_events", read_events_late)

    snapshot, elapsed = measure_wait()

    assert snapshot.version == 2
    assert elapsed < 2.5


def test_wait_survives_redis_flush():
    run_later(
        0.4,
        redis_store.client().flushdb,
        lambda: redis_store.advance_epoch(0),
        lambda: put_document(2),
    )

    snapshot, elapsed = measure_wait()

    assert snapshot.version == 2
    assert elapsed < 1.7


def test_canceled_waiter_ends_wait():
    waiter = new_waiter()
    run_later(0.3, waiter.cancel)

    _snapshot, elapsed = measure_wait(waiter=waiter)

    assert elapsed < 1.5
    assert listener.count == 0


@pytest.mark.guarantee(
    "A client that starts to wait while the process stops is answered at once."
)
def test_closed_listener_ends_waits_and_accepts_none(monkeypatch):
    run_later(0.3, listener.close)

    _snapshot, elapsed = measure_wait()

    assert elapsed < 1.5
    assert not listener.has_capacity
    snapshot, elapsed = measure_wait()  # accepted earlier, starts to wait only now
    listener._is_closing = False
    assert snapshot.version == 1
    assert elapsed < 1.2


@pytest.mark.guarantee("A waiting client holds no connection.")
def test_hundred_waiters_share_one_connection():
    threads = [threading.Thread(target=measure_wait, args=[30.0]) for _ in range(100)]
    for thread in threads:
        thread.start()
    readers: list[dict[str, str]] = []
    wait_until(lambda: listener.count == 100)
    wait_until(lambda: readers.extend(stream_readers()) or readers)
    versions = itertools.count(2)  # a waiter may read the first change as its beginning
    while any(thread.is_alive() for thread in threads):
        put_document(next(versions))
        time.sleep(0.1)

    assert len(readers) == 1
    assert listener.count == 0


def test_full_listener_has_no_capacity(monkeypatch):
    monkeypatch.setattr(waiters, "MAX_WAITERS", 1)
    capacities = []
    run_later(0.2, lambda: capacities.append(listener.has_capacity))

    measure_wait(seconds=0.5)

    assert capacities == [False]
    assert listener.has_capacity


def test_read_error_ends_wait():
    class ReadError(Exception): ...

    def refuse() -> TaskSnapshot:
        if listener.count and refuse.was_called:
            raise ReadError
        refuse.was_called = True
        return replace(read_snapshot(), version=1)

    refuse.was_called = False
    run_later(0.3, lambda: put_document(2))

    with pytest.raises(ReadError):
        wait_for_task(TASK, refuse, new_waiter(), seconds=5)
    assert listener.count == 0


@pytest.mark.guarantee("A forged event id does not keep waiters from being woken.")
def test_stream_begun_anew_below_the_last_event_wakes_waiter():
    redis = redis_store.client()
    redis.xadd("task-events", {"task_id": b"\xff"}, id=f"{2**62}-0")
    put_document(1)

    run_later(0.5, lambda: redis.delete("task-events"), lambda: put_document(2))
    snapshot, elapsed = measure_wait(seconds=10)

    assert snapshot.version == 2
    assert elapsed < 5


UNUSABLE_STREAMS = [
    lambda redis: redis.set("task-events", "x"),
    lambda redis: redis.xadd("task-events", {"a": "b"}, id=f"{2**64 - 1}-{2**64 - 1}"),
]


@pytest.mark.parametrize("write", UNUSABLE_STREAMS)
@pytest.mark.parametrize(
    "announce",
    [
        lambda: redis_store.announce_removal(TASK, 5),
        lambda: redis_store.announce_access_change(5),
    ],
)
def test_unusable_stream_is_begun_anew_by_the_next_event(write, announce):
    write(redis_store.client())

    announce()

    events, _last_id = redis_store.read_events("0-0")
    assert [event.user_id or event.viewer_id for event in events] == [5]
    assert not breaker.is_open


@pytest.mark.parametrize("write", UNUSABLE_STREAMS)
def test_unusable_stream_is_begun_anew_by_the_next_document(write):
    put_document(1)

    def replace_stream() -> None:
        redis_store.client().delete("task-events")
        write(redis_store.client())

    run_later(0.5, replace_stream)
    run_later(1.0, lambda: put_document(2))
    snapshot, elapsed = measure_wait(seconds=10)

    assert snapshot.version == 2
    assert elapsed < 5
