"""Connections that a process keeps between its tasks."""

import pytest
from django.db import DatabaseError, connection, transaction

from school.db import connections

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kept(monkeypatch):
    monkeypatch.setattr(connections, "_are_kept", False)
    connections.keep()


def query_missing_table():
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM missing")


def test_finished_connection_is_closed_in_a_process_that_keeps_none():
    connection.ensure_connection()

    connections.finish_all()

    assert connection.connection is None


@pytest.mark.one_database("PostgreSQL has a pool")
def test_finished_connection_of_sqlite_stays_open_where_it_is_kept(kept):
    connection.ensure_connection()
    opened = connection.connection

    connections.finish_all()

    assert connection.connection is opened


@pytest.mark.one_database("PostgreSQL has a pool")
def test_kept_connection_is_closed_after_an_error(kept):
    query_missing_table()

    connections.finish_all()

    assert connection.connection is None


def test_dropped_connections_are_replaced(kept):
    connection.ensure_connection()

    connections.drop_all()

    assert connection.connection is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_dropping_leaves_an_open_transaction_alone(kept):
    with transaction.atomic():
        connections.drop_all()
        assert connection.connection is not None
