"""Publication of a new task: its document, its message, and the row that says so."""

import pytest

from tasks import lifecycle, redis_store
from tasks.models import Task
from tasks.scheduling import broker
from tasks.status import projection
from tests.support.task_factories import queue_task

pytestmark = pytest.mark.django_db


def test_new_task_is_published_and_its_document_is_up_to_date(teacher):
    task = Task.objects.get(pk=queue_task(teacher).pk)

    assert task.published_at is not None
    assert (task.version, task.projected_version) == (1, 1)
    assert redis_store.message_ids(task.queue) == {str(task.pk)}


def test_task_returned_by_submission_equals_its_row(teacher):
    task = queue_task(teacher)
    row = Task.objects.get(pk=task.pk)

    assert row.created_at == row.updated_at
    unpublished = {"published_at", "projected_version"}
    for field in Task._meta.concrete_fields:
        if field.name not in unpublished:
            assert getattr(task, field.attname) == getattr(row, field.attname)


def test_document_of_task_claimed_before_its_row_is_updated_is_rewritten_later(
    teacher, monkeypatch
):
    monkeypatch.setattr(
        broker, "publish_task", lambda task_id, **_options: lifecycle.claim(task_id)
    )

    task = Task.objects.get(pk=queue_task(teacher).pk)

    assert (task.state, task.version, task.projected_version) == ("running", 2, 0)
    assert projection.out_of_date_ids(10) == [task.pk]
    assert projection.resync_document(task.pk)
    assert projection.out_of_date_ids(10) == []
    cached = redis_store.get_cached_task(task.pk, teacher.pk)
    assert (cached.meta.state, cached.meta.version) == ("running", 2)


@pytest.mark.parametrize(("limit", "is_published"), [(0, False), (1, True)])
def test_new_task_is_published_only_if_the_queue_has_room(
    teacher, settings, limit, is_published
):
    settings.MAX_PUBLISHED_PER_QUEUE = limit

    tasks = [Task.objects.get(pk=queue_task(teacher).pk) for _ in range(2)]

    assert [task.published_at is not None for task in tasks] == [is_published, False]
