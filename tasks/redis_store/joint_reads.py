"""Reads of concurrent requests, which Redis gets and answers together.

A read that arrives while another is under way waits for its end and then goes with those that
have arrived, by one command for all. When thousands of waits end together, Redis gets a command
for each `MAX_READS`.
"""

import copy
import os
import threading
from collections.abc import Callable, Sequence
from typing import cast

from tasks.circuit_breaker import RedisUnavailable, breaker
from tasks.redis_store.client import RedisError, client

MAX_READS = 100
"""Reads that go together: more would keep Redis from others for longer."""

Values = list[bytes | None]
Error = RedisError | RedisUnavailable


class JointReads:
    """Reads of keys; `send` gets the keys of each read and returns the values of each."""

    def __init__(self, send: Callable[[list[Sequence[str]]], Sequence[Values]]) -> None:
        self._send = send
        self.reset()

    def reset(self) -> None:
        """Forget all reads: after a fork their threads do not exist."""
        self._lock = threading.Lock()
        self._waiting: list[_Read] = []
        self._is_sending = False

    def mget(self, keys: Sequence[str]) -> Values:
        """Return the values of the keys; raises the error that `send` has raised."""
        read = _Read(keys)
        with self._lock:
            self._waiting.append(read)
            is_first, self._is_sending = not self._is_sending, True
        if not is_first:
            self._wait(read)
        if read.answer is None:
            self._send_all_waiting()
        return read.result()

    def _wait(self, read: "_Read") -> None:
        try:
            read.wait()
        except BaseException:  # its greenlet is stopped, and the others must go on
            with self._lock:
                if read in self._waiting:
                    self._waiting.remove(read)
            if read.is_chosen and read.answer is None:
                self._hand_over()
            raise

    def _send_all_waiting(self) -> None:
        reads: list[_Read] = []
        answers: Sequence[Values | Error] = []
        try:
            reads = self._take_waiting(MAX_READS)
            answers = self._send([read.keys for read in reads])
        except (RedisError, RedisUnavailable) as error:
            # Those that have arrived meanwhile would wait for the same timeout once more.
            reads += self._take_waiting()
            answers = [error] * len(reads)
        finally:
            lost = RedisError("The thread that read has ended.")
            for index, read in enumerate(reads):
                read.finish(answers[index] if answers else lost)
            self._hand_over()

    def _take_waiting(self, limit: int | None = None) -> list["_Read"]:
        with self._lock:
            reads = self._waiting[:limit]
            del self._waiting[:limit]
        return reads

    def _hand_over(self) -> None:
        """Let the first of those that have arrived meanwhile send for all of them."""
        with self._lock:
            self._is_sending = bool(self._waiting)
            if self._waiting:
                self._waiting[0].choose()


class _Read:
    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = keys
        self.answer: Values | Error | None = None
        self.is_chosen = False
        """True if this read sends for all that wait."""
        self._latch = threading.Lock()
        self._latch.acquire()

    def wait(self) -> None:
        """Wait until it is finished or chosen."""
        self._latch.acquire()

    def choose(self) -> None:
        self.is_chosen = True
        self._latch.release()

    def finish(self, answer: Values | Error) -> None:
        self.answer = answer
        if not self.is_chosen:
            self._latch.release()

    def result(self) -> Values:
        if isinstance(self.answer, list):
            return self.answer
        # A copy: each raise adds its frames to the traceback.
        raise copy.copy(self.answer or RedisError())


def _send(keys_of_reads: list[Sequence[str]]) -> Sequence[Values]:
    """Read by one `MGET`; keys that reads have in common, as those of one user, go once."""
    keys = list(dict.fromkeys(key for keys in keys_of_reads for key in keys))
    # One slot of the breaker for all: each for itself would be woken once more.
    with breaker.guard():
        values = dict(zip(keys, cast("Values", client().mget(keys)), strict=True))
    return [[values[key] for key in keys] for keys in keys_of_reads]


joint_reads = JointReads(_send)
os.register_at_fork(after_in_child=joint_reads.reset)
