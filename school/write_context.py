"""Actor and reason of writes, which the triggers of the database read.

A context variable holds them for a request or a block. SQLite asks for them by functions of
the connection. PostgreSQL has them as settings of the transaction: they end with it, so that
no other client of a connection pooler finds them.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from psycopg.pq import TransactionStatus

MAX_REASON_LENGTH = 250
_WRITE = re.compile(r"\s*(INSERT|UPDATE|DELETE|WITH|MERGE)\b", re.IGNORECASE)
_SET_CONFIG = (
    "SELECT set_config('school.user_id', %s, true), set_config('school.username', %s, true), "
    "set_config('school.reason', %s, true), set_config('school.is_erasure', %s, true)"
)


@dataclass(frozen=True)
class WriteContext:
    """Actor of writes and their reason; without a user, nobody is known to write."""

    user_id: int | None = None
    username: str = ""
    reason: str = ""
    is_erasure: bool = False
    """True if records may be deleted with their history, also those of closed years."""

    @property
    def is_known(self) -> bool:
        """True if the user or the reason is known."""
        return self.user_id is not None or self.reason != ""


_NOBODY = WriteContext()
_current: ContextVar[WriteContext] = ContextVar("write_context", default=_NOBODY)


def current() -> WriteContext:
    """Return the context of the writes of this request or block."""
    return _current.get()


@contextmanager
def acting(user: Any = None, reason: str | None = None) -> Iterator[None]:
    """Attribute the writes inside the block to the user, and give them the reason.

    What is left out stays as it is outside the block. Around a COPY the block must begin
    inside the transaction: Django does not see the statement.
    """
    context = _current.get()
    if user is not None:
        context = replace(context, user_id=user.pk, username=user.get_username())
    if reason is not None:
        context = replace(context, reason=reason.strip()[:MAX_REASON_LENGTH])
    with _use(context):
        yield


@contextmanager
def erasing() -> Iterator[None]:
    """Let the block delete records together with their history, also in closed years."""
    with _use(replace(_current.get(), is_erasure=True)):
        yield


@contextmanager
def _use(context: WriteContext) -> Iterator[None]:
    token = _current.set(context)
    try:
        _tell_open_transaction()
        yield
    finally:
        _current.reset(token)
        _tell_open_transaction()


def prepare_connection(connection: Any, **_: Any) -> None:
    """Make the write context available to the triggers on a new connection."""
    if connection.vendor == "postgresql":
        # The wrappers outlive the connection that a pool lends.
        if _tell_transaction not in connection.execute_wrappers:
            connection.execute_wrappers.append(_tell_transaction)
        return
    functions: dict[str, Callable[[], Any]] = {
        "school_user_id": lambda: _current.get().user_id,
        "school_username": lambda: _current.get().username,
        "school_reason": lambda: _current.get().reason,
        "school_is_erasure": lambda: _current.get().is_erasure,
        "school_has_context": lambda: _current.get().is_known,
        "school_process": _describe_process,
    }
    for name, function in functions.items():
        connection.connection.create_function(name, 0, function)
    # Without it INSERT OR REPLACE deletes rows behind the triggers' back.
    connection.connection.execute("PRAGMA recursive_triggers = ON")


def _describe_process() -> str:
    """Return the command of this process without its arguments: manage.py shell."""
    command, *arguments = sys.argv or [""]
    is_django = Path(command).name == "manage.py"
    return " ".join([Path(command).name, *(arguments[:1] if is_django else [])])


def _tell_transaction(
    execute: Any, sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Set the write context before the first statement of a transaction, if there is one."""
    connection = context["connection"]
    if _current.get() is _NOBODY:
        return execute(sql, params, many, context)
    if not connection.in_atomic_block and _WRITE.match(str(sql)):
        # Settings of a transaction would end with their own statement.
        with transaction.atomic(using=connection.alias):
            _set_config(connection)
            return execute(sql, params, many, context)
    status = connection.connection.info.transaction_status
    if connection.in_atomic_block and status == TransactionStatus.IDLE:
        _set_config(connection)
    return execute(sql, params, many, context)


def _tell_open_transaction() -> None:
    """Set the write context in the present transaction; a rollback undoes it."""
    connection: Any = connections[DEFAULT_DB_ALIAS]
    if connection.vendor != "postgresql" or not connection.in_atomic_block:
        return
    status = connection.connection.info.transaction_status
    if status in (TransactionStatus.IDLE, TransactionStatus.INTRANS):
        _set_config(connection)


def _set_config(connection: Any) -> None:
    context = _current.get()
    connection.connection.execute(
        _SET_CONFIG,
        [
            "" if context.user_id is None else str(context.user_id),
            context.username,
            context.reason,
            "on" if context.is_erasure else "off",
        ],
    )
