"""Prepared UPDATE statements: they return the row as a new read would."""

import threading

import pytest
from django.db import connections
from django.db.models import CharField, F, IntegerField

from school.models import Role, User
from school.prepared_sql import Parameter, PreparedRowUpdate
from tasks import lifecycle
from tasks.models import Task
from tests.support.task_factories import queue_task

_USER_ID = Parameter("user_id", IntegerField())


def prepare_renaming():
    return PreparedRowUpdate(
        User.objects.filter(pk=_USER_ID),
        {
            "first_name": Parameter("name", CharField()),
            "access_version": F("access_version") + 1,
        },
    )


@pytest.mark.django_db
def test_prepared_row_update_takes_other_values_each_time(teacher, secretary):
    renaming = prepare_renaming()

    for user, name in ((teacher, "Ana"), (secretary, "100% 'Bia'")):
        updated = renaming.update(user_id=user.pk, name=name)
        before = user.access_version
        user.refresh_from_db()
        assert (updated.pk, updated.first_name) == (user.pk, name)
        assert (user.first_name, user.access_version) == (name, before + 1)


@pytest.mark.django_db
def test_prepared_row_update_of_no_row_returns_none(teacher):
    assert prepare_renaming().update(user_id=-1, name="Ana") is None


@pytest.mark.django_db
def test_prepared_row_update_returns_values_as_they_are_read(teacher):
    claimed = lifecycle.claim(queue_task(teacher).pk)

    read = Task.objects.get(pk=claimed.pk)
    for field in Task._meta.concrete_fields:
        value, expected = getattr(claimed, field.attname), getattr(read, field.attname)
        assert (type(value), value) == (type(expected), expected), field.name


@pytest.mark.django_db(transaction=True)
def test_prepared_row_update_is_committed_when_it_returns():
    teacher = User.objects.create(username="new-teacher", role=Role.TEACHER)
    prepare_renaming().update(user_id=teacher.pk, name="Ana")
    names = []

    def read_elsewhere():
        names.extend(User.objects.filter(pk=teacher.pk).values_list("first_name"))
        User.objects.filter(pk=teacher.pk).update(last_name="Souza")
        connections.close_all()

    thread = threading.Thread(target=read_elsewhere)
    thread.start()
    thread.join()
    assert names == [("Ana",)]
