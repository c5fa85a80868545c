"""Reads of concurrent requests, which Redis gets and answers together.

A read that arrives while another is under way waits for its end and then goes with all that
have arrived: one command each, but one packet for all.
"""

import os
import threading
from collections.abc import Callable, Sequence

from tasks.redis_store.client import RedisError, client

Values = list[bytes | None]


class JointReads:
    """Reads of keys by one `MGET` for each caller.

    `send` gets the keys of each read and returns the values of each.
    """

    def __init__(self, send: Callable[[list[Sequence[str]]], list[Values]]) -> None:
        self._send = send
        self.reset()

    def reset(self) -> None:
        """Forget all reads: after a fork their threads do not exist."""
        self._lock = threading.Lock()
        self._waiting: list[_Read] = []
        self._is_sending = False

    def mget(self, keys: Sequence[str]) -> Values:
        """Return the values of the keys; raises the error of Redis."""
        read = _Read(keys)
        with self._lock:
            self._waiting.append(read)
            is_first, self._is_sending = not self._is_sending, True
        if not is_first:
            read.wait()
        if not read.is_done:
            self._send_all_waiting()
        return read.result()

    def _send_all_waiting(self) -> None:
        with self._lock:
            reads, self._waiting = self._waiting, []
        error: RedisError = RedisError("The reading thread ended.")
        answers: list[Values] = []
        try:
            answers = self._send([read.keys for read in reads])
        except RedisError as redis_error:
            error = redis_error
        finally:
            for index, read in enumerate(reads):
                read.finish(answers[index] if answers else None, error)
            self._hand_over()

    def _hand_over(self) -> None:
        """Let the first of those that have arrived meanwhile send for all of them."""
        with self._lock:
            self._is_sending = bool(self._waiting)
            if self._waiting:
                self._waiting[0].wake()


class _Read:
    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = keys
        self.is_done = False
        self._values: Values | None = None
        self._error = RedisError()
        self._latch = threading.Lock()
        self._latch.acquire()

    def wait(self) -> None:
        self._latch.acquire()

    def wake(self) -> None:
        self._latch.release()

    def finish(self, values: Values | None, error: RedisError) -> None:
        self._values, self._error, self.is_done = values, error, True
        self.wake()

    def result(self) -> Values:
        if self._values is None:
            raise self._error
        return self._values


def _send(keys_of_reads: list[Sequence[str]]) -> list[Values]:
    if len(keys_of_reads) == 1:
        return [client().mget(keys_of_reads[0])]  # type: ignore[list-item]
    with client().pipeline(transaction=False) as pipeline:
        for keys in keys_of_reads:
            pipeline.mget(keys)
        return pipeline.execute()


joint_reads = JointReads(_send)
os.register_at_fork(after_in_child=joint_reads.reset)
