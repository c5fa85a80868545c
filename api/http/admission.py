"""Limits of what one user does at the same time in this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from school.db import connections

MAX_SUBMITS_WAITING = 16
SUBMIT_WAIT_SECONDS = 2.0
MAX_WAITS_PER_USER = 100
"""Long polls of one user that wait at once; others are answered at once."""


class TooManyAtOnce(Exception):
    """The user already does as much as is allowed."""


class UserLimiter:
    """Limiter that admits `max_active` blocks of each user at once.

    `max_waiting` more wait for up to `wait_seconds`, without a database connection.
    """

    def __init__(
        self, max_active: int, *, max_waiting: int = 0, wait_seconds: float = 0.0
    ) -> None:
        self._max_active, self._max_waiting = max_active, max_waiting
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        self._users: dict[int, _User] = {}

    @contextmanager
    def admit(self, user_id: int) -> Iterator[None]:
        """Run the block once the user may, or raise `TooManyAtOnce`."""
        user = self._enter(user_id)
        try:
            if not user.slots.acquire(blocking=False):
                connections.return_to_pool()
                if not user.slots.acquire(timeout=self._wait_seconds):
                    raise TooManyAtOnce
            try:
                yield
            finally:
                user.slots.release()
        finally:
            self._leave(user_id)

    def _enter(self, user_id: int) -> "_User":
        with self._lock:
            user = self._users.get(user_id)
            if user is None:
                user = self._users[user_id] = _User(self._max_active)
            elif user.present >= self._max_active + self._max_waiting:
                raise TooManyAtOnce
            user.present += 1
            return user

    def _leave(self, user_id: int) -> None:
        with self._lock:
            user = self._users[user_id]
            user.present -= 1
            if not user.present:
                del self._users[user_id]


class _User:
    """Slots of one user, and the number of blocks that run or wait."""

    def __init__(self, max_active: int) -> None:
        self.slots = threading.Semaphore(max_active)
        self.present = 0


submits = UserLimiter(
    settings.MAX_SUBMITS_IN_FLIGHT,
    max_waiting=MAX_SUBMITS_WAITING,
    wait_seconds=SUBMIT_WAIT_SECONDS,
)
waits = UserLimiter(MAX_WAITS_PER_USER)
