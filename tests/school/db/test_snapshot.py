import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connections

from school.db.snapshot import ALIAS, snapshot
from school.models import Network
from tests.support.environment import DATABASE

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


def rename_network(name: str) -> None:
    """Rename the network in another thread, and so in another connection."""

    def update() -> None:
        Network.objects.update(name=name)
        connections.close_all()

    thread = threading.Thread(target=update)
    thread.start()
    thread.join()


@pytest.fixture
def initial_network():
    call_command("flush", "--no-input", verbosity=0)
    Network.objects.create(code="one", name="before")
    yield
    if connections[ALIAS].vendor == "postgresql":
        connections[ALIAS].close_pool()  # otherwise the test database cannot be dropped


@pytest.mark.guarantee("A report reads one instant of the database and writes nothing.")
def test_snapshot_hides_concurrent_writes(initial_network):
    with snapshot():
        rename_network("after")
        assert Network.objects.get().name == "before"

    assert Network.objects.get().name == "after"


def test_snapshot_does_not_block_writers(initial_network):
    with snapshot():
        Network.objects.get()
        Network.objects.using("default").update(name="own")

    assert Network.objects.get().name == "own"


@pytest.mark.guarantee("A report reads one instant of the database and writes nothing.")
def test_snapshot_refuses_writes(initial_network, settings):
    if settings.DATABASES[ALIAS]["ENGINE"].endswith("postgresql"):
        match = "read-only"
    else:
        match = "readonly"

    with pytest.raises(DatabaseError, match=match), snapshot():
        Network.objects.using(ALIAS).update(name="never")


def test_snapshot_time_has_a_time_zone(initial_network):
    with snapshot() as as_of:
        assert as_of.tzinfo is not None


def explain(statement: str) -> list[str]:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}")
        return [line for (line,) in cursor]


@pytest.mark.skipif(DATABASE != "postgresql", reason="only PostgreSQL has cursors")
def test_snapshot_cursor_has_the_plan_of_a_full_read(initial_network):
    statement = "SELECT relname FROM pg_class ORDER BY oid"

    with snapshot():
        assert explain(f"DECLARE rows CURSOR FOR {statement}") == explain(statement)


def estimated_cost(tables: list[str]) -> float:
    statement = "SELECT FROM " + " NATURAL JOIN ".join(tables)
    return float(explain(statement)[0].partition("..")[2].split()[0])


@pytest.mark.skipif(DATABASE != "postgresql", reason="SQLite reports no costs")
def test_snapshot_plan_reads_small_table_first(initial_network):
    large = [f"generate_series(1, 1000) AS t{number} (n)" for number in range(8)]
    small = "generate_series(1, 1) AS picked (n)"

    with snapshot():
        assert estimated_cost([*large, small]) < 2 * estimated_cost([small, *large])


@pytest.fixture
def role_with_defaults(initial_network):
    """Defaults of the server's user, which a snapshot must not depend on."""
    defaults = {
        "datestyle": "German",
        "timezone": "Asia/Tokyo",
        "statement_timeout": "7s",
        "idle_in_transaction_session_timeout": "7s",
        "default_transaction_isolation": "serializable",
    }
    database = connections["default"].settings_dict["NAME"]
    role = f'ALTER ROLE CURRENT_USER IN DATABASE "{database}"'
    with connections["default"].cursor() as cursor:
        for name, value in defaults.items():
            cursor.execute(f"{role} SET {name} = '{value}'")
        yield
        cursor.execute(f"{role} RESET ALL")


def show(*names: str) -> list[str]:
    with connections[ALIAS].cursor() as cursor:
        columns = [f"current_setting('{name}')" for name in names]
        cursor.execute(f"SELECT {', '.join(columns)}")
        return list(cursor.fetchone())


@pytest.mark.skipif(DATABASE != "postgresql", reason="only PostgreSQL has roles")
def test_snapshot_does_not_depend_on_defaults_of_the_role(role_with_defaults):
    connections[ALIAS].close_pool()
    names = (
        "datestyle", "timezone", "statement_timeout",
        "idle_in_transaction_session_timeout", "transaction_isolation",
    )  # fmt: skip

    with snapshot(timedelta(minutes=2)):
        inside = show(*names)
    outside = show("statement_timeout")

    assert inside == ["ISO, DMY", "UTC", "150s", "150s", "repeatable read"]
    assert outside == ["7s"]


@pytest.mark.skipif(DATABASE != "postgresql", reason="SQLite has no options")
@pytest.mark.guarantee("One address of the database counts for every connection.")
def test_options_of_the_address_hold_in_a_snapshot(initial_network, monkeypatch):
    options = "-c search_path=public,pg_temp -c statement_timeout=9s"
    address = {"options": options, "application_name": "reports"}
    for name, value in address.items():
        monkeypatch.setitem(connections[ALIAS].settings_dict["OPTIONS"], name, value)
    connections[ALIAS].close_pool()

    with snapshot():
        inside = show("search_path", "statement_timeout", "application_name")

    assert inside == ["public,pg_temp", "9s", "reports"]
