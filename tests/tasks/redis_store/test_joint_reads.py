"""Reads of concurrent requests, sent to Redis together."""

import os
import subprocess
import sys
import threading
import time

import pytest

from tasks.circuit_breaker import RedisUnavailable, breaker
from tasks.redis_store import joint_reads
from tasks.redis_store.client import RedisError, client
from tasks.redis_store.joint_reads import JointReads
from tests.support.redis_monitor import monitor_commands

SECONDS = 5


class SlowRedis:
    """Function that answers each key with itself, once the test allows it."""

    def __init__(self):
        self.batches = []
        self.has_begun, self.may_end = threading.Event(), threading.Event()
        self.error = None

    def __call__(self, keys_of_reads):
        self.batches.append(keys_of_reads)
        self.has_begun.set()
        assert self.may_end.wait(SECONDS)
        if self.error:
            raise self.error
        return [[key.encode() for key in keys] for keys in keys_of_reads]


class Reader(threading.Thread):
    """Thread that reads one key and keeps what it got."""

    def __init__(self, reads, key):
        super().__init__(daemon=True)
        self.reads, self.key, self.outcome = reads, key, None
        self.start()

    def run(self):
        try:
            self.outcome = self.reads.mget([self.key])
        except BaseException as error:
            self.outcome = error


@pytest.fixture
def slow_redis():
    return SlowRedis()


def wait_until_waiting(reads, count):
    deadline = threading.Event()
    for _ in range(500):
        if len(reads._waiting) == count:
            return
        deadline.wait(0.01)
    raise AssertionError(f"{len(reads._waiting)} of {count} reads wait")


def start_three(slow_redis):
    """Start one read, and two more while it is under way."""
    reads = JointReads(slow_redis)
    readers = [Reader(reads, "first")]
    assert slow_redis.has_begun.wait(SECONDS)
    for number, key in enumerate(("second", "third"), 1):
        readers.append(Reader(reads, key))
        wait_until_waiting(reads, number)
    return reads, readers


def join(readers):
    for reader in readers:
        reader.join(SECONDS)
        assert not reader.is_alive()
    return [reader.outcome for reader in readers]


def test_reads_that_arrive_during_another_go_together(slow_redis):
    _reads, readers = start_three(slow_redis)

    slow_redis.may_end.set()

    assert join(readers) == [[b"first"], [b"second"], [b"third"]]
    assert slow_redis.batches == [[["first"]], [["second"], ["third"]]]


def test_read_after_others_have_ended_does_not_wait(slow_redis):
    reads, readers = start_three(slow_redis)
    slow_redis.may_end.set()
    join(readers)

    assert reads.mget(["fourth"]) == [b"fourth"]


def test_error_is_raised_for_every_read_of_its_packet(slow_redis):
    reads, readers = start_three(slow_redis)
    slow_redis.error = RedisError("lost")

    slow_redis.may_end.set()

    assert [str(outcome) for outcome in join(readers)] == ["lost"] * 3
    slow_redis.error = None
    assert reads.mget(["fourth"]) == [b"fourth"]


def test_reader_that_is_stopped_leaves_nobody_waiting(slow_redis):
    reads, readers = start_three(slow_redis)
    slow_redis.error = SystemExit()

    slow_redis.may_end.set()

    outcomes = join(readers)
    assert {type(outcome) for outcome in outcomes} <= {SystemExit, RedisError}
    assert isinstance(outcomes[0], SystemExit)
    slow_redis.error = None
    assert reads.mget(["fourth"]) == [b"fourth"]


def test_joint_reads_of_redis_give_each_its_values(monkeypatch):
    client().mset({f"key-{number}": f"value-{number}" for number in range(20)})
    slow = threading.Event()
    send = joint_reads._send

    def send_slowly(keys_of_reads):
        slow.wait(0.05)
        sizes.append(len(keys_of_reads))
        return send(keys_of_reads)

    sizes = []
    reads = JointReads(send_slowly)

    outcomes = join([Reader(reads, f"key-{number}") for number in range(20)])

    assert outcomes == [[f"value-{number}".encode()] for number in range(20)]
    assert len(sizes) < 20


@pytest.mark.usefixtures("redis_down")
def test_lost_redis_is_reported_to_each_reader():
    outcomes = join([Reader(joint_reads.joint_reads, "key") for _ in range(5)])

    assert {type(outcome) for outcome in outcomes} == {RedisUnavailable}
    assert breaker.is_open


def test_open_breaker_is_reported_to_each_reader_without_a_command(settings):
    reads = JointReads(joint_reads._send)
    breaker._open_until = time.monotonic() + SECONDS

    with monitor_commands(settings.REDIS_URL) as commands:
        outcomes = join([Reader(reads, "key") for _ in range(5)])

    assert {type(outcome) for outcome in outcomes} == {RedisUnavailable}
    assert [command for command in commands if command.startswith("MGET")] == []


def test_reads_beyond_the_limit_go_in_further_packets(slow_redis, monkeypatch):
    monkeypatch.setattr(joint_reads, "MAX_READS", 2)
    reads, readers = start_three(slow_redis)
    readers.append(Reader(reads, "fourth"))
    wait_until_waiting(reads, 3)

    slow_redis.may_end.set()

    assert join(readers) == [[b"first"], [b"second"], [b"third"], [b"fourth"]]
    assert slow_redis.batches == [[["first"]], [["second"], ["third"]], [["fourth"]]]


def test_reads_that_go_together_are_one_command_with_each_key_once(settings):
    client().mset({"own-1": "1", "own-2": "2", "shared": "3"})

    with monitor_commands(settings.REDIS_URL) as commands:
        values = joint_reads._send([["own-1", "shared"], ["own-2", "shared"], ["none"]])

    assert values == [[b"1", b"3"], [b"2", b"3"], [None]]
    assert commands == ["MGET own-1 shared own-2 none"]


@pytest.mark.parametrize("is_chosen_first", [False, True])
def test_reader_stopped_while_it_waits_leaves_nobody_waiting(
    slow_redis, monkeypatch, is_chosen_first
):
    wait = joint_reads._Read.wait

    def wait_or_stop(read):
        if read.keys == ["second"]:
            if is_chosen_first:
                wait(read)
            raise SystemExit
        wait(read)

    monkeypatch.setattr(joint_reads._Read, "wait", wait_or_stop)
    reads = JointReads(slow_redis)
    readers = [Reader(reads, "first")]
    assert slow_redis.has_begun.wait(SECONDS)
    readers.append(Reader(reads, "second"))
    wait_until_waiting(reads, int(is_chosen_first))
    readers.append(Reader(reads, "third"))
    wait_until_waiting(reads, 1 + int(is_chosen_first))

    slow_redis.may_end.set()

    first, second, third = join(readers)
    assert (first, third) == ([b"first"], [b"third"])
    assert isinstance(second, SystemExit)
    assert reads.mget(["fourth"]) == [b"fourth"]


def test_readers_that_wait_for_a_failed_read_fail_with_it(slow_redis):
    _reads, readers = start_three(slow_redis)
    slow_redis.error = RedisError("lost")

    slow_redis.may_end.set()

    join(readers)
    assert slow_redis.batches == [[["first"]]]


KILL_SCRIPT = """
from gevent import monkey; monkey.patch_all()
import gevent
from tasks.redis_store.joint_reads import JointReads

def send(keys_of_reads):
    gevent.sleep(0.05)
    return [[key.encode() for key in keys] for keys in keys_of_reads]

reads = JointReads(send)
readers = [gevent.spawn(reads.mget, [str(number)]) for number in range(40)]
gevent.sleep(0.01)
for number in (0, 1, 5, 39):
    readers[number].kill(block=False)
gevent.sleep(0.01)
late = [gevent.spawn(reads.mget, ["late"]) for number in range(5)]
gevent.joinall(readers + late, timeout=5)
print(sum(reader.dead for reader in readers + late), reads.mget(["last"]))
"""


def test_killed_greenlets_leave_nobody_waiting():
    result = subprocess.run(
        [sys.executable, "-c", KILL_SCRIPT],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "school.settings"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert result.stdout.strip() == "45 [b'last']", result.stderr
