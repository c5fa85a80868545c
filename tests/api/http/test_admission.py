"""Limits of one user's simultaneous requests, and of one address's connections."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from django.db import connection, connections

from api.http import admission
from api.http.admission import TooManyAtOnce, UserLimiter
from api.http.connection_limits import ConnectionCounter
from tests.support.task_factories import queue_task


def test_blocks_of_one_user_run_at_most_max_active_at_once():
    limiter = UserLimiter(3, max_waiting=16, wait_seconds=10)
    lock = threading.Lock()
    active = 0
    max_active = 0

    def run(_number):
        nonlocal active, max_active
        with limiter.admit(1):
            with lock:
                active += 1
                max_active = max(max_active, active)
            time.sleep(0.02)
            with lock:
                active -= 1

    with ThreadPoolExecutor(19) as pool:
        list(pool.map(run, range(19)))

    assert max_active == 3


def test_block_beyond_active_and_waiting_is_refused_at_once():
    limiter = UserLimiter(1, max_waiting=1, wait_seconds=10)
    end = threading.Event()

    def hold():
        with limiter.admit(1):
            end.wait()

    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            pool.submit(hold)
        time.sleep(0.2)
        started_at = time.monotonic()
        with pytest.raises(TooManyAtOnce), limiter.admit(1):
            pass
        seconds = time.monotonic() - started_at
        with limiter.admit(2):  # another user
            pass
        end.set()

    assert seconds < 0.2
    with limiter.admit(1):
        pass


def test_block_that_waits_too_long_is_refused():
    limiter = UserLimiter(1, max_waiting=1, wait_seconds=0.2)
    started_at = time.monotonic()

    with limiter.admit(1), pytest.raises(TooManyAtOnce), limiter.admit(1):
        pass

    assert 0.2 <= time.monotonic() - started_at < 2
    with limiter.admit(1):  # the refused one holds nothing
        pass


def test_block_that_raises_frees_its_slot():
    limiter = UserLimiter(1)
    with pytest.raises(KeyError), limiter.admit(1):
        raise KeyError

    with limiter.admit(1):
        pass
    assert limiter._blocks == {}


@pytest.fixture
def few_waits(monkeypatch):
    """A limiter that grants each user one wait."""
    monkeypatch.setattr(admission, "waits", UserLimiter(1))


@pytest.mark.guarantee("One user has a limited number of waiting requests.")
@pytest.mark.django_db
def test_wait_beyond_the_limit_of_the_user_is_answered_at_once(
    as_user, teacher, few_waits
):
    path = f"/tasks/{queue_task(teacher).pk}"

    def poll():
        started_at = time.monotonic()
        answer = as_user(teacher).get(path, headers={"Prefer": "wait=2"})
        seconds = time.monotonic() - started_at
        return answer.status_code, answer.get("Preference-Applied"), seconds >= 2

    within = poll()
    with admission.waits.admit(teacher.pk):
        beyond = poll()

    assert within == (200, "wait=2", True)
    assert beyond == (200, None, False)


@pytest.mark.django_db
def test_submit_with_wait_beyond_the_limit_returns_202(as_user, teacher, few_waits):
    body = {"report": "class_performance", "parameters": {"class_id": 1}}
    with admission.waits.admit(teacher.pk):
        answer = as_user(teacher).post_json("/reports?wait=20", body)

    assert answer.status_code == 202


@pytest.mark.django_db
def test_submit_beyond_the_limit_returns_429_and_creates_no_task(
    as_user, teacher, stranger, monkeypatch
):
    monkeypatch.setattr(admission, "submits", UserLimiter(1))
    body = {"report": "class_performance", "parameters": {"class_id": 1}}
    with admission.submits.admit(teacher.pk):
        answer = as_user(teacher).post_json("/reports", body)
        other = as_user(stranger).post_json(
            "/reports", {"report": "class_performance", "parameters": {"class_id": 3}}
        )

    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_submits")
    assert answer["Retry-After"] == "1"
    assert other.status_code == 202
    assert as_user(teacher).get("/tasks").json()["results"] == []


@pytest.mark.django_db(transaction=True)
def test_waiting_for_a_slot_holds_no_database_connection():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no pool of connections")
    limiter = UserLimiter(1, max_waiting=1, wait_seconds=0.1)
    connection.ensure_connection()

    with limiter.admit(1), pytest.raises(TooManyAtOnce), limiter.admit(1):
        pass

    assert connections["default"].connection is None


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_connections_are_counted_by_address(settings, one, other, is_same):
    settings.MAX_CONNECTIONS_PER_IP = 2
    counter = ConnectionCounter()

    admitted = [counter.admit(one), counter.admit(other), counter.admit(one)]

    assert admitted == [True, True, not is_same]


def test_released_connection_makes_room(settings):
    settings.MAX_CONNECTIONS_PER_IP = 1
    counter = ConnectionCounter()
    assert counter.admit("192.0.2.1")

    counter.release("192.0.2.1")

    assert counter.admit("192.0.2.1")
    assert not counter.admit("192.0.2.1")


def test_connections_of_trusted_proxies_are_not_limited(settings):
    settings.MAX_CONNECTIONS_PER_IP = 1
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    counter = ConnectionCounter()

    with ExitStack() as exit_stack:
        for _ in range(3):
            assert counter.admit("192.0.2.1")
            exit_stack.callback(counter.release, "192.0.2.1")

    assert not counter._counts
