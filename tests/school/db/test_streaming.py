import pytest
from django.db import DatabaseError, connection
from django.db.models import Count, F, Func, IntegerField

from school.db.streaming import stream_values
from school.models import Grade, Offering

pytestmark = pytest.mark.django_db


def test_stream_yields_the_rows_of_the_query():
    query = (
        Grade.objects.order_by("offering", "term")
        .values_list("offering", "term")
        .annotate(n=Count("tenths"))
    )

    assert list(stream_values(query)) == list(query) != []


def test_stream_of_empty_queryset_is_empty():
    assert list(stream_values(Offering.objects.none().values_list("pk"))) == []


def test_stream_error_is_a_django_error():
    invalid_function = Func(
        F("pk"), function="no_such_function", output_field=IntegerField()
    )

    with pytest.raises(DatabaseError):
        list(stream_values(Offering.objects.values_list(invalid_function)))


def test_stream_closed_early_releases_the_connection():
    rows = stream_values(Grade.objects.values_list("pk"))
    next(rows)
    rows.close()

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
