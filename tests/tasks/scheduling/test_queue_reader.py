"""Reading of a queue's order, whose cost must not grow with the tasks that only wait."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks import lifecycle
from tasks.models import Task
from tasks.scheduling import outbox
from tasks.scheduling.outbox import QueueReader
from tasks.scheduling.publisher import Publisher
from tests.support.task_factories import queue_task

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _unpublished(settings):
    settings.MAX_PUBLISHED_PER_QUEUE = 0


def read_and_count(reader: QueueReader) -> tuple[list, int, int]:
    """Return the ids in order, the number of statements, and of those that read parameters."""
    with CaptureQueriesContext(connection) as queries:
        order = reader.read_order()
    statements = [query["sql"] for query in queries]
    row_reads = sum('"parameters"' in statement for statement in statements)
    return [task.id for task in order], len(statements), row_reads


def test_row_of_waiting_task_is_read_once(teacher):
    tasks = [queue_task(teacher) for _ in range(3)]
    reader = QueueReader("reports")

    first, again = read_and_count(reader), read_and_count(reader)

    assert first == ([task.pk for task in tasks], 3, 1)
    assert again == ([task.pk for task in tasks], 2, 0)


def test_new_task_is_read_without_those_that_wait(teacher, secretary):
    first = queue_task(teacher)
    reader = QueueReader("reports")
    reader.read_order()
    second, other = queue_task(teacher), queue_task(secretary)

    with CaptureQueriesContext(connection) as queries:
        order = reader.read_order()

    assert [task.id for task in order] == [first.pk, other.pk, second.pk]
    (row_read,) = [query["sql"] for query in queries if '"parameters"' in query["sql"]]
    ids = [str(task.pk).replace("-", "") for task in (first, second, other)]
    statement = row_read.replace("-", "")
    assert [task_id in statement for task_id in ids] == [False, True, True]


def test_new_tasks_are_read_in_batches(teacher, monkeypatch):
    monkeypatch.setattr(outbox, "READ_BATCH_SIZE", 2)
    tasks = [queue_task(teacher) for _ in range(5)]

    order, statements, row_reads = read_and_count(QueueReader("reports"))

    assert order == [task.pk for task in tasks]
    assert (statements, row_reads) == (5, 3)


def test_task_that_left_the_queue_is_forgotten_until_it_returns(teacher):
    canceled, released, waiting = (queue_task(teacher) for _ in range(3))
    reader = QueueReader("reports")
    reader.read_order()
    lifecycle.cancel(canceled)
    claimed = lifecycle.claim(released.pk)

    while_running = read_and_count(reader)
    lifecycle.release(claimed)
    after_release = read_and_count(reader)

    assert while_running == ([waiting.pk], 2, 0)
    assert after_release == ([released.pk, waiting.pk], 3, 1)


def test_order_has_at_most_max_queued_tasks(teacher, settings):
    tasks = [queue_task(teacher) for _ in range(4)]
    settings.MAX_QUEUED = 2

    order = QueueReader("reports").read_order()

    assert [task.id for task in order] == [task.pk for task in tasks[:2]]


def test_statements_of_the_publisher_do_not_grow_with_the_queue(teacher):
    def count_statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            publisher.publish()
            publisher.publish_positions()
        assert not any(
            '"parameters"' in query["sql"] and '"published_at" IS NULL' in query["sql"]
            for query in queries
        )
        return len(queries)

    queue_task(teacher)
    publisher = Publisher(["reports"])
    publisher.publish()
    with_one = count_statements()
    for _ in range(20):
        queue_task(teacher)
    publisher.publish()

    assert count_statements() == with_one
    assert Task.objects.filter(published_at=None).count() == 21
