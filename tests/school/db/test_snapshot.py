import threading

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
