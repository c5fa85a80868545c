import json

import pytest
from django.db import OperationalError

from school.runtime.embedded_redis import free_port
from tasks import lifecycle, redis_store
from tasks.maintenance import retention
from tasks.maintenance.dispatcher import Dispatcher
from tasks.models import Task
from tasks.scheduling import outbox
from tasks.status import projection
from tasks.worker.tasks import generate_report
from tests.support.task_factories import queue_task, run_task

pytestmark = pytest.mark.django_db


def published_ids() -> list[str]:
    return sorted(
        str(pk)
        for pk in Task.objects.filter(published_at__isnull=False).values_list(
            "pk", flat=True
        )
    )


def publish_next_tasks(queue: str, ahead: int) -> int:
    return outbox.publish_next(queue, outbox.queue_order(queue), ahead)


def queue_length(queue: str) -> int:
    return redis_store.client().llen(queue)


@pytest.mark.guarantee("The dispatcher sends lost messages again.")
def test_one_lost_message_is_found_among_others(teacher):
    kept, lost = queue_task(teacher), queue_task(teacher)
    Dispatcher().tick()  # canaries, too
    for message in redis_store.client().lrange("reports", 0, -1):
        if str(lost.pk).encode() in message:
            redis_store.client().lrem("reports", 1, message)
    Task.objects.update(published_at="2020-01-01T00:00:00Z")

    Dispatcher().tick()

    kept.refresh_from_db()
    lost.refresh_from_db()
    assert (kept.published_at.year, lost.published_at.year > 2020) == (2020, True)
    assert {str(kept.pk), str(lost.pk)} <= redis_store.message_ids("reports")


def test_one_bad_row_stops_no_other_step(teacher, monkeypatch):
    bad, good = queue_task(teacher), queue_task(teacher)
    Task.objects.update(version=9)
    repair = projection.resync_document

    def fail(task_id):
        if task_id == bad.pk:
            raise ValueError("a file that is no JSON")
        repair(task_id)

    monkeypatch.setattr(projection, "resync_document", fail)
    Dispatcher().tick()

    assert projection.out_of_date_ids(10) == [bad.pk]
    good.refresh_from_db()
    assert good.projected_version == 9
    assert queue_length("reports.bulk") == 1  # a later step


def test_message_that_was_lost_is_published_again(teacher):
    task = queue_task(teacher)
    redis_store.client().delete("reports")
    Task.objects.update(published_at="2020-01-01T00:00:00Z")

    Dispatcher().tick()

    assert queue_length("reports") >= 1
    task.refresh_from_db()
    assert task.published_at.year > 2020


def test_message_that_waits_is_not_published_again(teacher):
    queue_task(teacher)
    Task.objects.update(published_at="2020-01-01T00:00:00Z")

    again = outbox.republish_lost("reports")

    assert again == 0


def test_wiped_redis_is_filled_again(teacher):
    waiting, done = queue_task(teacher), run_task(teacher)
    Task.objects.filter(pk=waiting.pk).update(published_at="2020-01-01T00:00:00Z")
    redis_store.client().flushdb()

    Dispatcher().tick()

    assert queue_length("reports") >= 1
    assert redis_store.get_alive(["dispatcher"]) == {"dispatcher": True}
    done.refresh_from_db()
    assert done.state == "succeeded"


@pytest.mark.guarantee("Documents that are out of date are repaired.")
def test_document_that_lags_is_repaired(teacher):
    task = queue_task(teacher)
    Task.objects.filter(pk=task.pk).update(version=9)
    assert projection.out_of_date_ids(10) == [task.pk]

    Dispatcher().tick()

    assert redis_store.get_cached_task(task.pk, teacher.pk).meta.version == 9
    assert projection.out_of_date_ids(10) == []


@pytest.mark.guarantee("Documents of a Redis that went back in time are not shown.")
def test_redis_that_went_back_is_believed_again_once_its_documents_are_mended(teacher):
    """As after a restart with an older file: there the task still runs."""
    dispatcher = Dispatcher()
    dispatcher.tick()
    task, redis = queue_task(teacher), redis_store.client()
    key = f"celery-task-meta-{task.pk}"
    old = {name: redis.get(name) for name in (key, "mirror-epoch")}
    dispatcher.tick()
    generate_report(str(task.pk))
    assert redis_store.get_cached_task(task.pk, teacher.pk).meta.state == "succeeded"

    redis.mset(old)
    assert redis_store.get_cached_task(task.pk, teacher.pk).meta is None
    dispatcher.tick()

    assert redis_store.get_cached_task(task.pk, teacher.pk).meta.state == "succeeded"


def test_new_dispatcher_believes_no_document_before_it_has_mended_all(
    teacher, monkeypatch
):
    task = queue_task(teacher)
    monkeypatch.setattr("tasks.maintenance.dispatcher.MAX_RESYNCS_PER_TICK", 1)
    queue_task(teacher)
    old = redis_store.client().get("mirror-epoch")
    dispatcher = Dispatcher()

    dispatcher.tick()
    assert redis_store.client().get("mirror-epoch") == old

    redis_store.client().set(f"celery-task-meta-{task.pk}", "{}")
    dispatcher.tick()
    assert redis_store.client().get("mirror-epoch") > old
    assert redis_store.get_cached_task(task.pk, teacher.pk).meta is not None


def test_without_redis_who_is_lost_is_not_decided(teacher, point_redis_at):
    lost, canceled = (lifecycle.claim(queue_task(teacher).pk) for _ in range(2))
    lifecycle.cancel(Task.objects.get(pk=canceled.pk))
    Task.objects.update(lease_until="2020-01-01T00:00:00Z")
    point_redis_at(f"redis://127.0.0.1:{free_port()}/0")

    Dispatcher().tick()

    lost.refresh_from_db()
    canceled.refresh_from_db()
    assert (lost.state, canceled.state) == ("running", "canceled")


def test_document_of_a_purged_task_is_dropped_as_soon_as_redis_is_back(teacher):
    task = run_task(teacher)
    assert retention.replace_with_tombstone(task)  # and Redis was away just then
    assert redis_store.get_cached_task(task.pk, teacher.pk).meta is not None

    Dispatcher().tick()

    assert redis_store.get_cached_task(task.pk, teacher.pk).meta is None


def test_marks_are_believed_only_once_redis_has_answered_for_a_while(teacher):
    """What computes inside C code is marked again only after some seconds."""
    task = lifecycle.claim(queue_task(teacher).pk)
    Task.objects.update(lease_until="2020-01-01T00:00:00Z")

    Dispatcher().tick()

    task.refresh_from_db()
    assert task.state == "running"


@pytest.mark.guarantee(
    "A document in doubt stays in doubt until the database has answered."
)
def test_doubt_outlives_a_database_that_is_away(teacher, monkeypatch):
    task = queue_task(teacher)
    dispatcher, repair = Dispatcher(), projection.resync_document
    old = redis_store.client().get("mirror-epoch")

    def be_away(_task_id):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(projection, "resync_document", be_away)
    dispatcher.tick()
    assert redis_store.client().get("mirror-epoch") == old

    monkeypatch.setattr(projection, "resync_document", repair)
    redis_store.client().set(f"celery-task-meta-{task.pk}", "{}")
    dispatcher.tick()

    assert redis_store.client().get("mirror-epoch") > old
    assert redis_store.get_cached_task(task.pk, teacher.pk).meta is not None


def test_lease_that_ran_out_is_recovered(teacher, settings):
    settings.HEARTBEAT_SECONDS = 0
    task = lifecycle.claim(queue_task(teacher).pk)
    Task.objects.update(lease_until="2020-01-01T00:00:00Z")

    Dispatcher().tick()

    task.refresh_from_db()
    assert task.state == "queued"
    assert task.published_at is not None


def test_queue_in_redis_stays_short(teacher, settings):
    settings.MAX_PUBLISHED_PER_QUEUE = 4
    for _ in range(10):
        queue_task(teacher)

    Dispatcher().tick()

    assert len(published_ids()) == 4


def test_one_requester_does_not_starve_another(teacher, secretary, settings):
    settings.MAX_PUBLISHED_PER_QUEUE = 0
    many = [queue_task(teacher) for _ in range(6)]
    few = [queue_task(secretary) for _ in range(2)]

    publish_next_tasks("reports", 4)

    assert published_ids() == sorted(str(task.pk) for task in [*many[:2], *few])


def test_who_has_much_under_way_waits_behind_who_has_none(teacher, secretary, settings):
    for _ in range(3):
        lifecycle.claim(queue_task(teacher).pk)
    settings.MAX_PUBLISHED_PER_QUEUE = 0
    queue_task(teacher)
    later = queue_task(secretary)
    Task.objects.filter(state="running").update(published_at=None)

    publish_next_tasks("reports", 1)

    assert published_ids() == [str(later.pk)]


def test_school_of_many_requesters_does_not_starve_another(
    teacher, secretary, stranger, settings
):
    settings.MAX_PUBLISHED_PER_QUEUE = 0
    for _ in range(2):
        queue_task(teacher)
        queue_task(secretary)
    other = queue_task(stranger, {"class_id": 3})

    publish_next_tasks("reports", 2)

    assert str(other.pk) in published_ids()


@pytest.mark.guarantee("A new request does not overtake those that wait in line.")
def test_newcomer_does_not_jump_the_line(teacher, secretary):
    standing = queue_task(teacher)
    Task.objects.update(published_at=None, created_at="2020-01-01T00:00:00Z")

    newcomer = queue_task(secretary)

    assert published_ids() == []
    publish_next_tasks("reports", 1)
    assert published_ids() == [str(standing.pk)]
    newcomer.refresh_from_db()
    assert newcomer.published_at is None


def test_line_is_gone_on_with_between_two_looks(teacher, settings):
    settings.MAX_PUBLISHED_PER_QUEUE = 4
    tasks = [queue_task(teacher) for _ in range(7)]
    dispatcher = Dispatcher()
    dispatcher.tick()
    lifecycle.cancel(tasks[4])
    for task in tasks[:4]:
        lifecycle.claim(task.pk)

    dispatcher.publish_more()

    assert published_ids() == [str(task.pk) for task in tasks if task != tasks[4]]


@pytest.mark.parametrize(
    ("parameters", "school"), [({"class_id": 3}, 2), ({"school_id": 1}, 1), ({}, None)]
)
def test_report_takes_the_turn_of_its_school(admin, parameters, school):
    assert queue_task(admin, parameters).school_id == school


def test_position_in_the_queue_is_told(as_user, teacher, settings):
    settings.MAX_PUBLISHED_PER_QUEUE = 0
    tasks = [queue_task(teacher) for _ in range(3)]
    Dispatcher().tick()

    document = as_user(teacher).get(f"/tasks/{tasks[2].pk}").json()

    assert document["queue"] == {"position": 3, "estimated_wait_seconds": None}


def test_position_is_that_in_the_order_of_service(
    as_user, teacher, secretary, settings
):
    settings.MAX_PUBLISHED_PER_QUEUE = 0
    queue_task(teacher)
    second = queue_task(teacher)
    other = queue_task(secretary)
    Dispatcher().tick()

    def position(viewer, task):
        return as_user(viewer).get(f"/tasks/{task.pk}").json()["queue"]["position"]

    assert (position(secretary, other), position(teacher, second)) == (2, 3)


@pytest.mark.guarantee("A position in the queue is shown only once it was measured.")
def test_place_of_a_task_just_asked_for_is_not_told_wrong(as_user, teacher, settings):
    settings.MAX_PUBLISHED_PER_QUEUE = 0
    queue_task(teacher)
    Dispatcher().tick()

    document = as_user(teacher).get(f"/tasks/{queue_task(teacher).pk}").json()

    assert (document["state"], document["queue"]) == ("queued", None)


def test_canaries_are_sent_to_every_queue(network):
    Dispatcher().tick()

    assert {q: queue_length(q) for q in ("reports", "reports.bulk")} == {
        "reports": 1, "reports.bulk": 1,
    }  # fmt: skip
    assert queue_length("default") == 3  # and the sweep and the commands


@pytest.mark.guarantee("Messages without a worker do not pile up.")
def test_nothing_piles_up_where_no_worker_is(network, settings):
    dispatcher = Dispatcher()
    for _ in range(60):
        dispatcher._next_due.clear()
        dispatcher._send_canaries()
        dispatcher._send_periodic_tasks()

    most = settings.MAX_PUBLISHED_PER_QUEUE + 20
    assert [queue_length(q) for q in ("default", "reports", "reports.bulk")] == [
        most
    ] * 3


def test_messages_of_the_dispatcher_go_stale(network):
    Dispatcher().tick()

    for message in redis_store.client().lrange("default", 0, -1):
        assert json.loads(message)["headers"]["expires"]
