"""The service's connections behind PgBouncer, with its default settings but for the mode."""

import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connections, transaction
from psycopg.conninfo import make_conninfo

from school.db import postgresql_snapshot
from school.db.faults import find_faults
from school.db.postgresql import Connection
from school.db.postgresql_snapshot import SnapshotRefused
from school.db.snapshot import snapshot
from school.models import Network
from school.runtime.environment import Environment
from tests.support import pgbouncer
from tests.support.environment import DATABASE
from tests.support.redis_servers import Certificates

pytestmark = [
    pytest.mark.skipif(DATABASE != "postgresql", reason="needs PostgreSQL"),
    pytest.mark.skipif(pgbouncer.BINARY is None, reason=pgbouncer.MISSING),
    pytest.mark.django_db(transaction=True, databases="__all__"),
]


@pytest.fixture
def connect_through(monkeypatch, tmp_path):
    """Function that connects both aliases through a pooler's URL."""
    originals = {alias: connections[alias].settings_dict for alias in connections}

    def close() -> None:
        for alias in connections:
            connections[alias].close()
            connections[alias].close_pool()

    def connect(url: str, **parameters: str) -> None:
        close()
        monkeypatch.setenv("DATABASE_URL", url)
        env = Environment(state_dir=tmp_path)
        for alias, original in originals.items():
            config = env.database("DATABASE_URL", is_snapshot=alias == "snapshot")
            connections[alias].settings_dict = {**original, **config}

    yield connect
    close()
    for alias, original in originals.items():
        connections[alias].settings_dict = original


@pytest.fixture
def direct_url():
    """URL of the test database itself."""
    call_command("flush", "--no-input", verbosity=0)
    for code in ("one", "two", "three"):
        Network.objects.create(code=code, name=code)
    config = connections["default"].settings_dict
    return make_conninfo(
        dbname=config["NAME"], user=config["USER"], host=config["HOST"]
    )


@pytest.fixture(params=["session", "transaction"])
def pooled(request, connect_through, direct_url):
    """URL through PgBouncer, to which both aliases are connected."""
    with pgbouncer.start_pgbouncer(direct_url, request.param) as url:
        connect_through(url)
        yield url


def show(alias: str, name: str) -> str:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return cursor.fetchone()[0]


def in_thread(function) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


@pytest.mark.guarantee("A report reads one instant of the database and writes nothing.")
def test_snapshot_behind_pooler_is_one_read_only_instant(pooled):
    def rename() -> None:
        Network.objects.update(name="after")
        connections.close_all()

    with snapshot():
        in_thread(rename)
        assert set(Network.objects.values_list("name", flat=True)) == {
            "one",
            "two",
            "three",
        }
        assert show("snapshot", "transaction_isolation") == "repeatable read"
        with (
            pytest.raises(DatabaseError, match="read-only"),
            transaction.atomic("snapshot"),
        ):
            Network.objects.using("snapshot").update(name="never")

    assert set(Network.objects.values_list("name", flat=True)) == {"after"}


def test_snapshot_behind_pooler_leaves_no_setting_behind(pooled):
    names = [
        "transaction_read_only",
        "datestyle",
        "cursor_tuple_fraction",
        "statement_timeout",
    ]
    before = [show("default", name) for name in names]

    with snapshot():
        inside = [show("snapshot", name) for name in names]

    assert [show("default", name) for name in names] == before
    assert [show("snapshot", name) for name in names] == before
    assert inside == ["on", "ISO, MDY", "1", "3630s"]


def test_rows_behind_pooler_are_read_in_parts(pooled):
    expected = {"one", "two", "three"}

    with snapshot():
        assert {n.code for n in Network.objects.iterator(chunk_size=1)} == expected

    rows = Network.objects.iterator(chunk_size=1)
    first = next(rows)
    # Another client takes the connection that a cursor of the server would be on.
    with psycopg.connect(pooled) as other:
        other.execute("SELECT 1")
        assert {first.code, *(n.code for n in rows)} == expected


def test_statement_behind_pooler_is_canceled_when_its_report_stops(pooled, direct_url):
    sleeping = (
        "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'"
    )
    sleeping += " AND state = 'active'"

    def stop() -> None:
        raise InterruptedError

    connection = Connection.connect(pooled, autocommit=True)
    with pytest.raises(InterruptedError), connection.interruptible(stop):
        connection.execute("SELECT pg_sleep(60)")

    with psycopg.connect(direct_url, autocommit=True) as observer:
        deadline = time.monotonic() + 5
        while observer.execute(sleeping).fetchone() != (0,):
            assert time.monotonic() < deadline


def test_statement_mode_is_refused_with_its_remedy(connect_through, direct_url):
    with pgbouncer.start_pgbouncer(direct_url, "statement") as url:
        connect_through(url)
        (fault,) = find_faults(with_tables=True)

    assert fault.is_permanent
    assert "not allowed in statement pooling mode" in fault.reason
    assert "pool_mode = transaction or session" in fault.remedy


def test_options_that_pooler_refuses_or_drops_are_named(connect_through, direct_url):
    options = "?options=-c%20statement_timeout%3D5000"
    with pgbouncer.start_pgbouncer(direct_url, "transaction") as url:
        connect_through(url + options)
        (refused,) = find_faults(with_tables=True)
    ignoring = {"ignore_startup_parameters": "options"}
    with pgbouncer.start_pgbouncer(direct_url, "transaction", **ignoring) as url:
        connect_through(url + options)
        (dropped,) = find_faults(with_tables=True)

    assert "unsupported startup parameter: options" in refused.reason
    assert "ALTER ROLE" in refused.remedy
    assert "a pooler has dropped the options" in dropped.reason
    assert "statement_timeout = '5000'" in dropped.remedy


def test_pooler_without_faults_is_accepted(pooled):
    assert find_faults(with_tables=True) == []


def test_settings_without_transaction_are_noticed(pooled):
    with (
        connections["snapshot"].cursor() as cursor,
        pytest.raises(SnapshotRefused, match="transaction_isolation"),
    ):
        postgresql_snapshot.begin(cursor, {}, timedelta(minutes=1))


@pytest.fixture
def certificates(tmp_path_factory):
    """Certificates for `localhost` that the pooler, another user, may read."""
    with tempfile.TemporaryDirectory(prefix="certificates-") as name:
        Path(name).chmod(0o755)
        certificates = Certificates(Path(name))
        certificates.chain.chmod(0o644)
        yield certificates


@pytest.mark.guarantee("Certificates of the database are checked on every connection.")
@pytest.mark.parametrize(
    ("wrong_authority", "reason"),
    [
        ("system", "certificate verify failed"),
        # The right name with another key, such as of an authority that was made anew.
        ("namesake", "SSL error"),
    ],
)
def test_certificate_of_the_database_is_checked_by_both_connections(
    certificates, connect_through, direct_url, tmp_path, wrong_authority, reason
):
    if wrong_authority == "namesake":
        wrong_authority = Certificates(tmp_path / "other").authority
    files = dict.fromkeys(
        ("client_tls_key_file", "client_tls_cert_file"), str(certificates.chain)
    )
    tls = {"client_tls_sslmode": "require", **files}
    with pgbouncer.start_pgbouncer(direct_url, "transaction", **tls) as url:
        address = f"{url.replace('127.0.0.1', 'localhost')}?sslmode=verify-full"
        connect_through(f"{address}&sslrootcert={certificates.authority}")
        uses_tls = {
            connection.ensure_connection() or connection.connection.pgconn.ssl_in_use
            for connection in connections.all()
        }
        faults = find_faults(with_tables=True)
        connect_through(f"{address}&sslrootcert={wrong_authority}")
        (fault,) = find_faults(with_tables=True)

    assert uses_tls == {True}
    assert faults == []
    assert reason in fault.reason
    assert "?sslrootcert=" in fault.remedy
    assert fault.is_permanent
