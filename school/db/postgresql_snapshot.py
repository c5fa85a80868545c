"""Transaction of PostgreSQL for a report: one instant, read only, planned for a full read.

All that it needs is set inside the transaction. Parameters of the connection would be lost
behind a pooler such as PgBouncer, which gives each transaction a connection of its choice.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError

from school.db.database_url import session_parameters

PARAMETERS = {
    # Dates and times that SQL turns into text look the same, whatever the server's settings.
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    # A report reads its cursor to the end, so a plan that is fast only for the first rows
    # is useless.
    "cursor_tuple_fraction": "1",
    # An export joins nine tables. With the default limit of eight the planner did not
    # start at the viewer's school and read all other schools.
    "join_collapse_limit": "12",
    "from_collapse_limit": "12",
}
_VERIFIED = {
    "transaction_isolation": "repeatable read",
    "transaction_read_only": "on",
    **PARAMETERS,
}
_MARGIN = timedelta(seconds=30)
"""Time after the end of the report's own limit in which its process is stopped."""


class SnapshotRefused(OperationalError):
    """The database, or a pooler in front of it, did not set the transaction up as asked."""


def begin(
    cursor: Any, address_options: Mapping[str, Any], time_limit: timedelta
) -> datetime:
    """Turn the new transaction into a snapshot; return its time.

    The second statement verifies the first: outside of a transaction, PostgreSQL takes it
    with a mere warning, and without effect on what comes after.
    """
    cursor.connection.is_read_only = True
    timeouts = _timeouts(cursor.connection.info.server_version, time_limit)
    in_address = session_parameters(address_options)
    settings = PARAMETERS | {n: v for n, v in timeouts.items() if n not in in_address}
    statements = ["SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"]
    statements += [f"SET LOCAL {name} = '{value}'" for name, value in settings.items()]
    cursor.execute("; ".join(statements))
    columns = ", ".join(f"current_setting('{name}')" for name in _VERIFIED)
    # The time at which the statement arrived, just before its snapshot was taken.
    cursor.execute(f"SELECT statement_timestamp(), {columns}")  # noqa: S608  (our own names)
    started_at, *values = cursor.fetchone()
    _verify(dict(zip(_VERIFIED, values, strict=True)))
    result: datetime = started_at
    return result


def _timeouts(server_version: int, time_limit: timedelta) -> dict[str, str]:
    """Return time-outs that outlast the report.

    Defaults of a server or a role are made for requests, and would end long reports. Without
    any the transaction of a frozen worker would stay open.
    """
    longest = str(round((time_limit + _MARGIN).total_seconds() * 1000))
    timeouts = {
        "statement_timeout": longest,
        "idle_in_transaction_session_timeout": longest,
    }
    if server_version >= 170000:
        timeouts["transaction_timeout"] = "0"  # the two others bound it
    return timeouts


def _verify(actual: Mapping[str, str]) -> None:
    for name, expected in _VERIFIED.items():
        # The style of dates ends in the order of their parts.
        if actual[name].partition(",")[0].casefold() != expected.casefold():
            raise SnapshotRefused(
                f"The transaction of a report needs {name} = {expected!r}, and the database "
                f"or its pooler left it at {actual[name]!r}."
            )
