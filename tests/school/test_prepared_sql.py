"""Prepared queries: one SQL text for many values, with Django's conversions."""

import json

import pytest
from django.db import connection
from django.db.models import (
    CharField,
    Count,
    DateTimeField,
    IntegerField,
    OuterRef,
    Subquery,
)
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from school.models import Enrolment, SchoolClass, User
from school.prepared_sql import (
    Parameter,
    PreparedInsert,
    PreparedQuery,
    PreparedUpdate,
)
from school.subqueries import CountOf, DistinctValues, SumOf
from tasks.models import IdempotencyKey, Task, new_id
from tests.support.task_factories import queue_task

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


def test_prepared_query_of_objects_reads_related_ones_and_annotations(teacher):
    network_id = Parameter("network_id", IntegerField())
    classes = SchoolClass.objects.select_related("school", "school_year").order_by("pk")
    rows = classes.annotate(size=Count("enrolments"))
    query = PreparedQuery(rows.filter(school__network=network_id))
    expected = list(rows.filter(school__network=1))

    with CaptureQueriesContext(connection) as queries:
        found = query.read(network_id=1)
        names = [(one.school.name, one.school_year.year) for one in found]

    assert len(queries) == 1
    assert found == expected
    assert found[0]._state.db == "default"
    assert names == [(one.school.name, one.school_year.year) for one in expected]
    assert [one.size for one in found] == [one.size for one in expected]
    assert query.read(network_id=999) == []
    assert query.read_one(network_id=999) is None


def test_prepared_insert_saves_every_field(teacher):
    task = queue_task(teacher)
    Task.objects.filter(pk=task.pk).update(
        parameters={"a": None, "é": [1.5, "%s"]}, result={"rows": 1}, label="it's 5 %"
    )
    task.refresh_from_db()
    copy = Task.objects.get(pk=task.pk)
    copy.pk = new_id()

    PreparedInsert(Task).execute(copy)

    names = [one.attname for one in Task._meta.concrete_fields if one.name != "id"]
    saved = Task.objects.get(pk=copy.pk)
    assert {name: getattr(saved, name) for name in names} == {
        name: getattr(task, name) for name in names
    }


def test_prepared_insert_replaces_the_fields_of_a_conflict(teacher):
    insert = PreparedInsert(
        IdempotencyKey,
        unique_fields=["requester", "key"],
        replaced_fields=["task_id", "created_at"],
    )
    first, second = (
        IdempotencyKey(requester=teacher, key="k", fingerprint=name, task_id=new_id())
        for name in ("first", "second")
    )

    insert.execute(first)
    insert.execute(second)

    saved = IdempotencyKey.objects.get()
    assert (saved.fingerprint, saved.task_id) == ("first", second.task_id)
    assert saved.created_at == second.created_at > first.created_at


def test_prepared_update_returns_the_number_of_rows(teacher, secretary):
    update = PreparedUpdate(
        User.objects.filter(pk=_USER_ID, is_active=True),
        {"first_name": Parameter("name", CharField()), "date_joined": Now()},
    )

    assert update.execute(user_id=teacher.pk, name="100 %s") == 1
    assert update.execute(user_id=0, name="nobody") == 0
    teacher.refresh_from_db()
    secretary.refresh_from_db()
    assert teacher.first_name == "100 %s" != secretary.first_name


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
