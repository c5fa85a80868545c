"""Pace of the repeated reads of a viewer's list."""

import time
from itertools import pairwise

import pytest

from tasks.status import list_pace
from tasks.status.list_pace import LIST_READ_INTERVAL, LIST_READ_SHARE, PacedReader
from tests.support.threads import run_in_threads

pytestmark = pytest.mark.one_database("no database is read")

READ_SECONDS = 0.05
PAUSE = READ_SECONDS / LIST_READ_SHARE


def new_reader(viewer_id, *, seconds=20.0, is_canceled=False):
    return PacedReader(viewer_id, seconds=seconds, is_canceled=lambda: is_canceled)


def read_slowly():
    started_at = time.monotonic()
    time.sleep(READ_SECONDS)
    return started_at


def elapsed_of(read):
    started_at = time.monotonic()
    read()
    return time.monotonic() - started_at


@pytest.mark.guarantee("The waits of one user do not take the time of a web process.")
def test_slow_reads_of_one_viewer_leave_time_to_others():
    readers = [new_reader(1) for _ in range(4)]
    readers[0].read_first(read_slowly)

    starts = run_in_threads([lambda r=r: r.read_again(read_slowly) for r in readers])

    gaps = [later - earlier for earlier, later in pairwise(sorted(starts))]
    assert min(gaps) >= 0.9 * PAUSE


def test_slow_reads_do_not_delay_another_viewer():
    slow, other = new_reader(1), new_reader(2)
    slow.read_first(read_slowly)
    slow.read_again(read_slowly)

    assert elapsed_of(lambda: other.read_again(lambda: None)) < PAUSE


def test_quick_reads_of_one_wait_keep_the_interval():
    reader = new_reader(1)
    reader.read_first(lambda: None)
    reader.read_again(lambda: None)

    elapsed = elapsed_of(lambda: reader.read_again(lambda: None))

    assert 0.9 * LIST_READ_INTERVAL < elapsed < 3 * LIST_READ_INTERVAL


def test_last_read_is_not_put_off(monkeypatch):
    monkeypatch.setattr(list_pace, "LIST_READ_SHARE", READ_SECONDS / 60)
    reader, second = new_reader(1, seconds=0.5), new_reader(1, seconds=0.5)
    reader.read_first(read_slowly)
    reader.read_again(read_slowly)

    assert elapsed_of(lambda: second.read_again(lambda: None)) < 1.5


def test_canceled_wait_does_not_wait_for_its_turn():
    reader = new_reader(1)
    reader.read_first(read_slowly)
    reader.read_again(read_slowly)
    canceled = new_reader(1, is_canceled=True)

    assert elapsed_of(lambda: canceled.read_again(lambda: None)) < LIST_READ_INTERVAL
