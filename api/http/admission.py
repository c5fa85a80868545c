"""Limits of what one user does at the same time in this process."""

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from django.conf import settings

from school.db import connections

MAX_SUBMITS_WAITING = 16
SUBMIT_WAIT_SECONDS = 2.0
MAX_LOGINS = 2
MAX_LOGINS_WAITING = 2
LOGIN_WAIT_SECONDS = 2.0
MAX_WAITS_PER_USER = 100
"""Long polls of one user that wait at once; others are answered at once."""
MAX_LIST_WAITS_PER_USER = 10
"""Long polls of one user's task list: one is enough for a client, and each reads the database
at each change of a task."""


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
        self._blocks: dict[Hashable, _Blocks] = {}

    @contextmanager
    def admit(self, user: Hashable) -> Iterator[None]:
        """Run the block once the user may, or raise `TooManyAtOnce`."""
        blocks = self._enter(user)
        try:
            if not blocks.slots.acquire(blocking=False):
                connections.return_to_pool()
                if not blocks.slots.acquire(timeout=self._wait_seconds):
                    raise TooManyAtOnce
            try:
                yield
            finally:
                blocks.slots.release()
        finally:
            self._leave(user)

    def _enter(self, user: Hashable) -> "_Blocks":
        with self._lock:
            blocks = self._blocks.get(user)
            if blocks is None:
                blocks = self._blocks[user] = _Blocks(self._max_active)
            elif blocks.present >= self._max_active + self._max_waiting:
                raise TooManyAtOnce
            blocks.present += 1
            return blocks

    def _leave(self, user: Hashable) -> None:
        with self._lock:
            blocks = self._blocks[user]
            blocks.present -= 1
            if not blocks.present:
                del self._blocks[user]


class _Blocks:
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
list_waits = UserLimiter(MAX_LIST_WAITS_PER_USER)
logins = UserLimiter(
    MAX_LOGINS, max_waiting=MAX_LOGINS_WAITING, wait_seconds=LOGIN_WAIT_SECONDS
)
"""By user name and address: right passwords, sent without end, must not keep others waiting."""
