"""Waiting and being woken, with the documents of a task that has no row."""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest

from tasks import redis_store
from tasks.status import waiters
from tasks.status.reader import TaskSnapshot
from tasks.status.waiters import Waiter, listener, wait_for_task

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

    waiter = Waiter(is_over, **options)
    return waiter


def measure_wait(
    seconds: float = 5.0, waiter: Waiter | None = None
) -> tuple[TaskSnapshot, float]:
    """What a wait finds, and how long it took."""
    started_at = time.monotonic()
    snapshot = wait_for_task(
        TASK, read_snapshot, waiter or new_waiter(), seconds=seconds
    )
    return snapshot, time.monotonic() - started_at


def run_later(seconds: float, *actions: Callable[[], object]) -> None:
    timer = threading.Timer(seconds, lambda: [step() for step in actions])
    timer.start()


def own_connections() -> list[dict[str, str]]:
    """Its connections to Redis, whose server the tests beside it use too."""
    database = str(redis_store.client().client_info()["db"])
    return [
        client
        for client in redis_store.client().client_list()
        if client["db"] == database
    ]


@pytest.fixture(autouse=True)
def _idle_listener():
    put_document(1)
    yield
    deadline = time.monotonic() + 5
    while listener._is_listening:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_move_ends_the_wait_at_once():
    run_later(0.5, lambda: put_document(2))

    found, took = measure_wait()

    assert found.version == 2
    assert 0.4 <= took < 1.5


def test_nothing_new_ends_the_wait_in_its_time():
    found, took = measure_wait(seconds=0.6)

    assert found.version == 1
    assert 0.5 <= took < 1.6


def test_other_tasks_wake_nobody():
    reads = []
    run_later(
        0.3,
        lambda: put_document(1, task_id=uuid.uuid4()),
        lambda: put_document(1, task_id=uuid.uuid4()),
    )

    wait_for_task(
        TASK, lambda: reads.append(1) or read_snapshot(), new_waiter(), seconds=1
    )

    # At the beginning, when the listener was there, and at the end.
    assert len(reads) == 3


@pytest.mark.guarantee("Progress alone neither ends a wait early nor causes a read.")
def test_progress_alone_ends_no_wait_before_its_time(monkeypatch):
    monkeypatch.setattr(waiters, "MIN_PROGRESS_SECONDS", 1.0)
    run_later(
        0.3, lambda: put_document(1, sequence=10), lambda: put_document(1, sequence=20)
    )

    found, took = measure_wait()

    assert b'"sequence": 20' in found.document
    assert 0.9 <= took < 2.0


@pytest.mark.guarantee("Progress alone neither ends a wait early nor causes a read.")
def test_progress_alone_wakes_nobody_before_its_time():
    reads = []
    run_later(
        0.3, lambda: put_document(1, sequence=10), lambda: put_document(1, sequence=20)
    )

    wait_for_task(
        TASK, lambda: reads.append(1) or read_snapshot(), new_waiter(), seconds=1
    )

    # At the beginning, when the listener was there, and at the end.
    assert len(reads) == 3


def test_progress_after_that_time_ends_it_at_once(monkeypatch):
    monkeypatch.setattr(waiters, "MIN_PROGRESS_SECONDS", 0.3)
    run_later(0.8, lambda: put_document(1, sequence=10))

    _found, took = measure_wait()

    assert 0.7 <= took < 1.8


def test_who_waits_for_the_end_is_not_woken_by_progress(monkeypatch):
    monkeypatch.setattr(waiters, "MIN_PROGRESS_SECONDS", 0.2)
    reads = []
    run_later(0.5, *[lambda n=n: put_document(1, sequence=n) for n in (10, 20, 30)])
    patient = new_waiter(wants_progress=False)

    wait_for_task(TASK, lambda: reads.append(1) or read_snapshot(), patient, seconds=1)

    assert len(reads) == 3  # at the beginning, when the listener was there, at the end


@pytest.mark.guarantee("A waiting client is told of a change that it missed.")
def test_change_between_reading_and_listening_is_not_missed(monkeypatch):
    newest, has_read = redis_store.last_event_id, threading.Event()

    def slow() -> str:
        has_read.wait(5)
        put_document(2)  # before anybody listens
        return newest()

    def first_read() -> TaskSnapshot:
        found = read_snapshot()
        has_read.set()
        return found

    monkeypatch.setattr(redis_store, "last_event_id", slow)
    began = time.monotonic()

    found = wait_for_task(TASK, first_read, new_waiter(), seconds=5)

    assert found.version == 2
    assert time.monotonic() - began < 1.3


@pytest.mark.guarantee("A waiting client is told of a change that it missed.")
def test_wake_up_lost_with_its_connection_costs_at_most_a_second():
    def cut() -> None:
        own = redis_store.client().client_id()
        for client in own_connections():
            if int(client["id"]) != own:
                redis_store.client().client_kill_filter(_id=client["id"])
        put_document(2)

    run_later(0.6, cut)

    found, took = measure_wait()

    assert found.version == 2
    assert took < 0.6 + 1.4  # a second, and what a busy machine takes


@pytest.mark.guarantee(
    "A waiting client is told of a change that the stream no longer holds."
)
def test_change_pushed_out_of_the_stream_by_many_others_is_not_missed(monkeypatch):
    changes_after = redis_store.read_events

    def slow(place: str) -> tuple[list[redis_store.TaskEvent], str]:
        monkeypatch.undo()
        put_document(2)
        add = redis_store.client().pipeline()
        for _ in range(5000):
            add.xadd("task-events", {"task_id": "other", "sequence": 1}, maxlen=4096)
        add.execute()
        return changes_after(place)

    monkeypatch.setattr(redis_store, "read_events", slow)

    found, took = measure_wait()

    assert found.version == 2
    assert took < 2.5


def test_wait_outlives_a_redis_that_is_wiped():
    run_later(
        0.4,
        redis_store.client().flushdb,
        lambda: redis_store.advance_epoch(0),
        lambda: put_document(2),
    )

    found, took = measure_wait()

    assert found.version == 2
    assert took < 1.7


def test_client_that_has_gone_waits_no_longer():
    waiter = new_waiter()
    run_later(0.3, waiter.cancel)

    _found, took = measure_wait(waiter=waiter)

    assert took < 1.5
    assert listener.count == 0


@pytest.mark.guarantee(
    "A client that starts to wait while the process stops is answered at once."
)
def test_process_told_to_stop_ends_all_waits_and_takes_no_more(monkeypatch):
    run_later(0.3, listener.close)

    _found, took = measure_wait()

    assert took < 1.5
    assert not listener.has_capacity
    late, took = measure_wait()  # let in before, it begins to wait only now
    listener._is_closing = False
    assert late.version == 1
    assert took < 1.2


@pytest.mark.guarantee("A waiting client holds no connection.")
def test_hundred_waiters_have_one_listener_and_hold_no_connection():
    threads = [threading.Thread(target=measure_wait, args=[2.0]) for _ in range(100)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    busy = [client for client in own_connections() if client["cmd"] == "xread"]
    put_document(2)
    for thread in threads:
        thread.join()

    assert len(busy) == 1
    assert listener.count == 0


def test_full_process_takes_no_more(monkeypatch):
    monkeypatch.setattr(waiters, "MAX_WAITERS", 1)
    taken = []
    run_later(0.2, lambda: taken.append(listener.has_capacity))

    measure_wait(seconds=0.5)

    assert taken == [False]
    assert listener.has_capacity


def test_reading_that_is_refused_ends_the_wait():
    class Gone(Exception): ...

    def refuse() -> TaskSnapshot:
        if listener.count and refuse.seen:
            raise Gone
        refuse.seen = True
        return replace(read_snapshot(), version=1)

    refuse.seen = False
    run_later(0.3, lambda: put_document(2))

    with pytest.raises(Gone):
        wait_for_task(TASK, refuse, new_waiter(), seconds=5)
    assert listener.count == 0
