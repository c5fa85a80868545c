"""Prepared queries: one SQL text for many values, with Django's conversions."""

import json

import pytest
from django.db import connection
from django.db.models import (
    CharField,
    DateTimeField,
    IntegerField,
    OuterRef,
    Subquery,
)
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from school.models import Enrolment, User
from school.prepared_sql import Parameter, PreparedQuery
from school.subqueries import CountOf, DistinctValues, SumOf

pytestmark = pytest.mark.django_db

_USER_ID = Parameter("user_id", IntegerField())


def test_prepared_query_takes_other_values_each_time(teacher, secretary):
    row = PreparedQuery(User.objects.filter(pk=_USER_ID).values("username", "role"))

    names = [row.read_one(user_id=user.pk)["username"] for user in (teacher, secretary)]

    assert names == ["teacher", "secretary"]


def test_prepared_query_converts_values_as_the_query_set_does(teacher):
    now = Parameter("now", DateTimeField())
    rows = User.objects.filter(pk=_USER_ID)
    row = PreparedQuery(rows.values("date_joined", "is_active", since=now))
    since = timezone.now()

    assert row.read_one(user_id=teacher.pk, now=since) == {
        "date_joined": teacher.date_joined,
        "is_active": True,
        "since": since,
    }


def test_parameter_in_a_subquery_has_its_value(teacher):
    name = Parameter("name", CharField())
    others = User.objects.filter(username=name).exclude(pk=OuterRef("pk"))
    row = PreparedQuery(
        User.objects.filter(pk=_USER_ID).values(other=Subquery(others.values("role")))
    )

    assert row.read_one(user_id=teacher.pk, name="guardian") == {"other": "guardian"}
    assert row.read_one(user_id=teacher.pk, name="teacher") == {"other": None}


def test_constant_texts_are_part_of_the_sql(teacher):
    rows = User.objects.filter(pk=_USER_ID).exclude(username__in=["100 %s", "it's"])
    row = PreparedQuery(rows.values("role"))

    with CaptureQueriesContext(connection) as queries:
        assert row.read_one(user_id=teacher.pk) == {"role": "teacher"}

    assert "('100 %s', 'it''s')" in queries.captured_queries[0]["sql"]
    assert len(row._text.parameters) == 1


@pytest.mark.parametrize("class_id", [1, 999])
def test_aggregates_of_a_query_are_those_of_its_rows(teacher, class_id):
    enrolments = Enrolment.objects.filter(school_class=class_id)
    ids = sorted(enrolments.values_list("pk", flat=True))
    values = User.objects.filter(pk=teacher.pk).values(
        count=CountOf(enrolments),
        first_ten=CountOf(enrolments[:10]),
        total=SumOf(enrolments, "pk"),
        schools=DistinctValues(enrolments, "school_class__school"),
    )

    row = values.get()

    assert row["count"] == len(ids)
    assert row["first_ten"] == min(10, len(ids))
    assert row["total"] == sum(ids)
    assert json.loads(row["schools"] or "[]") == ([1] if ids else [])
