import pytest
from django.db import DatabaseError, connection
from django.db.models import Count, F, Func, IntegerField

from school.db.streaming import stream_values
from school.models import Grade, Offering

pytestmark = pytest.mark.django_db


def test_rows_are_those_of_the_query():
    wanted = (
        Grade.objects.order_by("offering", "term")
        .values_list("offering", "term")
        .annotate(n=Count("tenths"))
    )

    assert list(stream_values(wanted)) == list(wanted) != []


def test_nothing_can_be_asked_for():
    assert list(stream_values(Offering.objects.none().values_list("pk"))) == []


def test_errors_are_django_s():
    wrong = Func(F("pk"), function="no_such_function", output_field=IntegerField())

    with pytest.raises(DatabaseError):
        list(stream_values(Offering.objects.values_list(wrong)))


def test_one_that_stops_early_leaves_the_connection_to_others():
    rows = stream_values(Grade.objects.values_list("pk"))
    next(rows)
    rows.close()

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
