import sys
import time
from contextlib import closing

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from school.db import postgresql
from school.db.outage import outage
from tests.support.environment import DATABASE
from tests.support.postgresql import PostgresqlServer
from tests.support.redis_servers import wait_until

pytestmark = pytest.mark.skipif(DATABASE != "postgresql", reason="needs PostgreSQL")


@pytest.fixture(scope="module")
def server():
    with closing(PostgresqlServer()) as server:
        yield server


@pytest.fixture
def pool(server, monkeypatch):
    """Pool of a web process, with two idle connections."""
    monkeypatch.setitem(sys.modules, "school.wsgi", postgresql)
    options = postgresql.options(pool_size=2)
    with ConnectionPool(server.url, open=False, **options["pool"]) as pool:
        first, second = pool.getconn(), pool.getconn()
        pool.putconn(first)
        pool.putconn(second)
        yield pool


def backend_pid(pool) -> int:
    with pool.connection() as connection:
        return connection.info.backend_pid


@pytest.mark.guarantee("No request waits for a database that is away.")
def test_unanswered_statement_times_out(pool):
    before = {backend_pid(pool), backend_pid(pool)}
    started_at = time.monotonic()

    with pytest.raises(psycopg.OperationalError), pool.connection() as connection:
        connection.execute("SELECT pg_sleep(5)")

    assert time.monotonic() - started_at < 3
    assert connection.closed
    assert backend_pid(pool) not in before


def test_pool_recovers_after_server_is_frozen(pool, server):
    server.suspend()
    try:
        for _ in range(3):
            started_at = time.monotonic()
            with pytest.raises(psycopg.OperationalError), pool.connection() as lost:
                lost.execute("SELECT 1")
            assert time.monotonic() - started_at < 2
    finally:
        server.resume()

    with pool.connection(timeout=10) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.guarantee("A lost connection to the database fails one request only.")
def test_pool_drops_idle_connections_after_one_is_lost(pool, server):
    server.stop()
    server.start()

    with pytest.raises(psycopg.OperationalError), pool.connection() as connection:
        connection.execute("SELECT 1")

    with pool.connection(timeout=10) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.django_db(transaction=True)
@pytest.mark.guarantee("An outage of the database is logged when it begins and ends.")
def test_restart_of_the_server_is_logged_as_one_outage(
    pool, server, caplog, monkeypatch
):
    monkeypatch.setattr("school.outage_log.CHECK_SECONDS", 0.05)
    server.stop()
    for _ in range(3):
        with pytest.raises(psycopg.OperationalError), pool.connection() as connection:
            connection.execute("SELECT 1")
    server.start()
    for _ in range(3):
        with pool.connection(timeout=10) as connection:
            connection.execute("SELECT 1")

    def lines():
        return [r.msg for r in caplog.records if r.name == "school.outage_log"]

    # The end is logged just after the outage is over.
    wait_until(lambda: any(line["event"] == "database_available" for line in lines()))
    events = [line["event"] for line in lines()]
    # Each further reason is one line, such as the socket that is not there.
    assert [e for e in events if e != "database_still_unavailable"] == [
        "database_unavailable",
        "database_available",
    ]
    reasons = [line.get("reason") for line in lines()]
    assert "terminating connection" in reasons[0]
    assert len(set(reasons)) == len(reasons)


@pytest.mark.guarantee("A database that takes no writes counts as away.")
@pytest.mark.parametrize(
    ("refuse", "allow"),
    [
        ("ALTER ROLE writer SET default_transaction_read_only = on",
         "ALTER ROLE writer RESET default_transaction_read_only"),
        ("REVOKE INSERT ON notes FROM writer", "GRANT INSERT ON notes TO writer"),
    ],
)  # fmt: skip
def test_refused_write_is_an_outage_that_ends(server, refuse, allow):
    options = postgresql.options(pool_size=1)
    url = f"{server.url}&user=writer"
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("DROP TABLE IF EXISTS notes")
        admin.execute("DROP ROLE IF EXISTS writer")
        admin.execute("CREATE ROLE writer LOGIN")
        admin.execute("CREATE TABLE notes (id int)")
        admin.execute("GRANT ALL ON notes TO writer")
        admin.execute(refuse)
        with ConnectionPool(url, open=False, **options["pool"]) as pool:
            with (
                pytest.raises(psycopg.OperationalError),
                pool.connection() as connection,
            ):
                connection.execute("INSERT INTO notes VALUES (1)")
            assert outage.is_open
            assert connection.closed
            admin.execute(allow)

            wait_until(lambda: _can_insert(pool))


def _can_insert(pool) -> bool:
    """Return True once no connection is left that was made before."""
    try:
        with pool.connection(timeout=10) as connection:
            connection.execute("INSERT INTO notes VALUES (1)")
    except psycopg.OperationalError:
        return False
    return True


def test_failed_statement_keeps_its_connection(pool):
    with pool.connection() as connection:
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SET statement_timeout = 1; SELECT pg_sleep(1)")

        assert not connection.closed


def test_connection_outside_requests_has_no_statement_timeout(server):
    options = postgresql.options(pool_size=2)
    connection_class = options["pool"]["connection_class"]

    with connection_class.connect(server.url) as connection:
        connection.execute("SELECT pg_sleep(1.5)")
