"""Finished tasks in bulk, as copies of one that the service has made."""

import json

import psycopg
from psycopg import sql

from bench.wrk import Request, fetch
from tests.support.stack import Stack

REPORT = (
    '{"report": "class_performance", "parameters": {"class_id": 1}, "format": "csv"}'
)
FINISH_SECONDS = 60
COPY_VALUES = {
    # A UUIDv7 of the time of creation, like those of the service.
    "id": """(
        lpad(to_hex((extract(epoch from times.created_at) * 1000)::bigint), 12, '0')
        || '7' || substr(md5(times.number::text), 1, 3)
        || '8' || substr(md5(times.number::text), 4, 15)
    )::uuid""",
    "requester_id": "users.ids[1 + times.number % cardinality(users.ids)]",
    # Lists leave the columns out.
    "result": "original.result - 'columns'",
    "artifact": "''",  # has no file, and none is looked for
    "created_at": "times.created_at",
    "started_at": "times.created_at + interval '1 second'",
    "updated_at": "times.created_at + interval '3 seconds'",
    "finished_at": "times.created_at + interval '3 seconds'",
    "expires_at": "times.created_at + interval '7 days'",
    "fingerprint": "md5(times.number::text) || md5('b' || times.number)",
}
COPY = """
    INSERT INTO tasks_task ({columns})
    SELECT {values}
    FROM tasks_task AS original,
        (SELECT array_agg(id) AS ids FROM school_user WHERE username LIKE 'bench-%') AS users,
        (
            SELECT number, now() - interval '5 days' * number / {count} AS created_at
            FROM generate_series(1, {count}) AS number
        ) AS times
    WHERE original.state = 'succeeded'
"""


def insert_finished_tasks(stack: Stack, token: str, count: int) -> list[int]:
    """Finish one report of the user, and insert copies of its row for all `bench-` users.

    The copies were made in the last five days. Returns the ids of the users.
    """
    submit = Request("/reports", token, "POST", body=REPORT)
    original = json.loads(fetch(stack.base_url, submit)[2])
    poll = Request(original["links"]["self"], token)

    def has_succeeded() -> bool:
        task = json.loads(fetch(stack.base_url, poll)[2])
        return bool(task["state"] == "succeeded")

    stack.wait_until(has_succeeded, FINISH_SECONDS)
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name = 'tasks_task'"
        )
        columns = [name for (name,) in rows]
        values = [COPY_VALUES.get(name, f'original."{name}"') for name in columns]
        connection.execute(
            sql.SQL(COPY).format(
                columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
                values=sql.SQL(", ".join(values)),
                count=sql.Literal(count),
            )
        )
        connection.execute("VACUUM (ANALYZE)")
        users = connection.execute(
            "SELECT id FROM school_user WHERE username LIKE 'bench-%' ORDER BY id"
        )
        return [user_id for (user_id,) in users]
