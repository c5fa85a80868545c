import threading

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connections

from school.models import Network
from school.snapshot import ALIAS, snapshot

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


def rename(name: str) -> None:
    """From a thread of its own, and so by a connection of its own."""

    def work() -> None:
        Network.objects.update(name=name)
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@pytest.fixture
def before():
    call_command("flush", "--no-input", verbosity=0)
    Network.objects.create(code="one", name="before")
    yield
    if connections[ALIAS].vendor == "postgresql":
        connections[ALIAS].close_pool()  # else the test database cannot be dropped


def test_what_is_written_meanwhile_is_not_seen(before):
    with snapshot():
        rename("after")
        assert Network.objects.get().name == "before"

    assert Network.objects.get().name == "after"


def test_the_reader_holds_no_writer_up(before):
    with snapshot():
        Network.objects.get()
        Network.objects.using("default").update(name="own")

    assert Network.objects.get().name == "own"


def test_nothing_can_be_written_into_it(before, settings):
    if settings.DATABASES[ALIAS]["ENGINE"].endswith("postgresql"):
        match = "read-only"
    else:
        match = "readonly"

    with pytest.raises(DatabaseError, match=match), snapshot():
        Network.objects.using(ALIAS).update(name="never")


def test_instant_is_the_database_s(before):
    with snapshot() as as_of:
        assert as_of.tzinfo is not None
