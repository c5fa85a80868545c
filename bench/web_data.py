"""Tasks in bulk, as copies of one that the service has made."""

import json
from collections.abc import Mapping

import psycopg
from psycopg import sql

from bench.wrk import Request, fetch
from tests.support.stack import Stack

REPORT = (
    '{"report": "class_performance", "parameters": {"class_id": 1}, "format": "csv"}'
)
FINISH_SECONDS = 60
_COPY_VALUES = {
    # A UUIDv7 of the time of creation, like those of the service.
    "id": """(
        lpad(to_hex((extract(epoch from times.created_at) * 1000)::bigint), 12, '0')
        || '7' || substr(md5(times.number::text), 1, 3)
        || '8' || substr(md5(times.number::text), 4, 15)
    )::uuid""",
    "requester_id": "users.ids[1 + times.number % cardinality(users.ids)]",
    "artifact": "''",  # has no file, and none is looked for
    "created_at": "times.created_at",
    "fingerprint": "md5(times.number::text) || md5('b' || times.number)",
}
FINISHED = {
    # Lists leave the columns out.
    "result": "original.result - 'columns'",
    "started_at": "times.created_at + interval '1 second'",
    "updated_at": "times.created_at + interval '3 seconds'",
    "finished_at": "times.created_at + interval '3 seconds'",
    "expires_at": "times.created_at + interval '7 days'",
}
RUNNING = {
    "state": "'running'",
    "stage": "'writing'",
    "result": "NULL",
    "artifact_bytes": "0",
    "progress_done": "0",
    "progress_total": "NULL",
    "lease_until": "now() + interval '1 hour'",
    "deadline": "now() + interval '1 hour'",
    "started_at": "times.created_at",
    "updated_at": "times.created_at",
    "finished_at": "NULL",
    "expires_at": "NULL",
    "version": "1",
    "projected_version": "1",
}
_COPY = """
    INSERT INTO tasks_task ({columns})
    SELECT {values}
    FROM tasks_task AS original,
        (SELECT array_agg(id) AS ids FROM school_user WHERE username LIKE 'bench-%') AS users,
        (
            SELECT number, now() - {span}::interval * number / {count} AS created_at
            FROM generate_series(1, {count}) AS number
        ) AS times
    WHERE original.id = {original}
"""


def finish_report(stack: Stack, token: str) -> str:
    """Let the service make one report of the user; return the task's id."""
    submit = Request("/reports", token, "POST", body=REPORT)
    task = json.loads(fetch(stack.base_url, submit)[2])
    poll = Request(task["links"]["self"], token)

    def has_succeeded() -> bool:
        document = json.loads(fetch(stack.base_url, poll)[2])
        return bool(document["state"] == "succeeded")

    stack.wait_until(has_succeeded, FINISH_SECONDS)
    task_id: str = task["task_id"]
    return task_id


def insert_copies(
    stack: Stack, original: str, values: Mapping[str, str], count: int, *, span: str
) -> None:
    """Insert copies of the task for all `bench-` users in turns, with these values.

    They were created within the last `span`.
    """
    own_values = {**_COPY_VALUES, **values}
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name = 'tasks_task'"
        )
        columns = [name for (name,) in rows]
        expressions = [own_values.get(name, f'original."{name}"') for name in columns]
        connection.execute(
            sql.SQL(_COPY).format(
                columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
                values=sql.SQL(", ".join(expressions)),
                count=sql.Literal(count),
                span=sql.Literal(span),
                original=sql.Literal(original),
            )
        )
        connection.execute("VACUUM (ANALYZE)")


def insert_finished_tasks(stack: Stack, token: str, count: int) -> list[int]:
    """Finish one report of the user, and insert copies of its row for all `bench-` users.

    The copies were made in the last five days. Returns the ids of the users.
    """
    insert_copies(stack, finish_report(stack, token), FINISHED, count, span="5 days")
    return user_ids(stack)


def user_ids(stack: Stack) -> list[int]:
    """Return the ids of the `bench-` users in the order of their names' numbers."""
    pattern = "bench-%"
    rows = stack.query(
        "SELECT id FROM school_user WHERE username LIKE ? ORDER BY id", pattern
    )
    return [user_id for (user_id,) in rows]
