"""Database connections of the processes that make reports."""

import psutil

from tests.support.stack import Stack


def database_connections(stack: Stack) -> set[object]:
    """Return the connections of all processes that make reports.

    Those of PostgreSQL are the server's processes, which a connection has for its life.
    """
    if stack.is_postgresql:
        sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        return {pid for (pid,) in stack.query(f"{sql} AND pid <> pg_backend_pid()")}
    path = stack.database_url.removeprefix("sqlite:///")
    pool = psutil.Process(stack.supervisor.processes["worker-reports"].pid)
    return {
        (process.pid, file.fd)
        for process in pool.children()
        for file in process.open_files()
        if file.path == path
    }


def test_report_uses_the_connections_of_the_one_before(stack: Stack):
    client = stack.as_user("teacher")

    def make_report() -> set[object]:
        body = {"report": "slow", "parameters": {"seconds": 0}}
        stack.wait_until_final(client, client.request_report(body))
        return database_connections(stack)

    for _ in range(4):  # each process of the pool makes its connections
        make_report()
    kept = database_connections(stack)
    assert kept
    for _ in range(4):
        assert kept & make_report() == kept
