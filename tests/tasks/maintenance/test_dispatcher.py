import json

import pytest
from django.db import OperationalError

from school.runtime.embedded_redis import free_port
from tasks import lifecycle, redis_store
from tasks.maintenance import periodic, retention
from tasks.maintenance.dispatcher import Dispatcher
from tasks.models import Task
from tasks.redis_store import Registration
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
    return outbox.publish_next(queue, outbox.QueueReader(queue).read_order(), ahead)


def queue_length(queue: str) -> int:
    return redis_store.client().llen(queue)


@pytest.mark.guarantee("The dispatcher republishes lost messages.")
def test_tick_republishes_only_the_lost_message(teacher):
    kept, lost = queue_task(teacher), queue_task(teacher)
    Dispatcher().tick()  # also sends canaries
    for message in redis_store.client().lrange("reports", 0, -1):
        if str(lost.pk).encode() in message:
            redis_store.client().lrem("reports", 1, message)
    Task.objects.update(published_at="2020-01-01T00:00:00Z")

    Dispatcher().tick()

    kept.refresh_from_db()
    lost.refresh_from_db()
    assert (kept.published_at.year, lost.published_at.year > 2020) == (2020, True)
    assert {str(kept.pk), str(lost.pk)} <= redis_store.message_ids("reports")


def test_tick_with_failing_resync_runs_other_steps(teacher, monkeypatch):
    bad, good = queue_task(teacher), queue_task(teacher)
    Task.objects.update(version=9)
    resync = projection.resync_document

    def fail(task_id):
        if task_id == bad.pk:
            raise ValueError("a file that is no JSON")
        resync(task_id)

    monkeypatch.setattr(projection, "resync_document", fail)
    Dispatcher().tick()

    assert projection.out_of_date_ids(10) == [bad.pk]
    good.refresh_from_db()
    assert good.projected_version == 9
    assert queue_length("reports.bulk") == 1  # a later step


def test_tick_after_queue_loss_republishes_task(teacher):
    task = queue_task(teacher)
    redis_store.client().delete("reports")
    Task.objects.update(published_at="2020-01-01T00:00:00Z")

    Dispatcher().tick()

    assert queue_length("reports") >= 1
    task.refresh_from_db()
    assert task.published_at.year > 2020


def test_republish_lost_skips_queued_messages(teacher):
    queue_task(teacher)
    Task.objects.update(published_at="2020-01-01T00:00:00Z")

    republished = outbox.republish_lost("reports")

    assert republished == 0


def test_tick_after_flush_refills_redis(teacher):
    waiting, finished = queue_task(teacher), run_task(teacher)
    Task.objects.filter(pk=waiting.pk).update(published_at="2020-01-01T00:00:00Z")
    redis_store.client().flushdb()

    Dispatcher().tick()

    assert queue_length("reports") >= 1
    assert redis_store.get_alive(["dispatcher"]) == {"dispatcher": True}
    finished.refresh_from_db()
    assert finished.state == "succeeded"


@pytest.mark.guarantee("Documents that are out of date are resynced.")
def test_tick_resyncs_out_of_date_document(teacher):
    task = queue_task(teacher)
    Task.objects.filter(pk=task.pk).update(version=9)
    assert projection.out_of_date_ids(10) == [task.pk]

    Dispatcher().tick()

    assert redis_store.get_cached_task(task.pk, teacher.pk).meta.version == 9
    assert projection.out_of_date_ids(10) == []


@pytest.mark.guarantee(
    "Documents are not shown after Redis went back to an older state."
)
def test_tick_after_redis_rollback_resyncs_documents(teacher):
    """Redis restarts with an older file, in which the task is still running."""
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


def test_new_dispatcher_resyncs_all_before_advancing_epoch(teacher, monkeypatch):
    task = queue_task(teacher)
    monkeypatch.setattr("tasks.maintenance.resync.MAX_RESYNCS_PER_TICK", 1)
    queue_task(teacher)
    old = redis_store.client().get("mirror-epoch")
    dispatcher = Dispatcher()

    dispatcher.tick()
    assert redis_store.client().get("mirror-epoch") == old

    redis_store.client().set(f"celery-task-meta-{task.pk}", "{}")
    dispatcher.tick()
    assert redis_store.client().get("mirror-epoch") > old
    assert redis_store.get_cached_task(task.pk, teacher.pk).meta is not None


def test_tick_without_redis_recovers_only_canceled_tasks(teacher, point_redis_at):
    lost, canceled = (lifecycle.claim(queue_task(teacher).pk) for _ in range(2))
    lifecycle.cancel(Task.objects.get(pk=canceled.pk))
    Task.objects.update(lease_until="2020-01-01T00:00:00Z")
    point_redis_at(f"redis://127.0.0.1:{free_port()}/0")

    Dispatcher().tick()

    lost.refresh_from_db()
    canceled.refresh_from_db()
    assert (lost.state, canceled.state) == ("running", "canceled")


def test_tick_drops_document_of_purged_task(teacher):
    task = run_task(teacher)
    assert retention.replace_with_tombstone(task)  # while Redis was unavailable
    assert redis_store.get_cached_task(task.pk, teacher.pk).meta is not None

    Dispatcher().tick()

    assert redis_store.get_cached_task(task.pk, teacher.pk).meta is None


def test_first_tick_recovers_no_lost_task(teacher):
    """CPU-active keys of processes inside C code are renewed only after some seconds."""
    task = lifecycle.claim(queue_task(teacher).pk)
    Task.objects.update(lease_until="2020-01-01T00:00:00Z")

    Dispatcher().tick()

    task.refresh_from_db()
    assert task.state == "running"


@pytest.mark.guarantee(
    "Unverified documents stay unverified until the database has answered."
)
def test_tick_without_database_keeps_epoch(teacher, monkeypatch):
    task = queue_task(teacher)
    dispatcher, resync = Dispatcher(), projection.resync_document
    old = redis_store.client().get("mirror-epoch")

    def fail(_task_id):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(projection, "resync_document", fail)
    dispatcher.tick()
    assert redis_store.client().get("mirror-epoch") == old

    monkeypatch.setattr(projection, "resync_document", resync)
    redis_store.client().set(f"celery-task-meta-{task.pk}", "{}")
    dispatcher.tick()

    assert redis_store.client().get("mirror-epoch") > old
    assert redis_store.get_cached_task(task.pk, teacher.pk).meta is not None


def test_tick_recovers_expired_lease(teacher, settings):
    settings.HEARTBEAT_SECONDS = 0
    task = lifecycle.claim(queue_task(teacher).pk)
    Task.objects.update(lease_until="2020-01-01T00:00:00Z")

    Dispatcher().tick()

    task.refresh_from_db()
    assert task.state == "queued"
    assert task.published_at is not None


def test_tick_publishes_up_to_queue_limit(teacher, settings):
    settings.MAX_PUBLISHED_PER_QUEUE = 4
    for _ in range(10):
        queue_task(teacher)

    Dispatcher().tick()

    assert len(published_ids()) == 4


def test_publish_next_alternates_requesters(teacher, secretary, settings):
    settings.MAX_PUBLISHED_PER_QUEUE = 0
    teacher_tasks = [queue_task(teacher) for _ in range(6)]
    secretary_tasks = [queue_task(secretary) for _ in range(2)]

    publish_next_tasks("reports", 4)

    assert published_ids() == sorted(
        str(task.pk) for task in [*teacher_tasks[:2], *secretary_tasks]
    )


def test_publish_next_prefers_requester_without_running_tasks(
    teacher, secretary, settings
):
    for _ in range(3):
        lifecycle.claim(queue_task(teacher).pk)
    settings.MAX_PUBLISHED_PER_QUEUE = 0
    queue_task(teacher)
    later = queue_task(secretary)
    Task.objects.filter(state="running").update(published_at=None)

    publish_next_tasks("reports", 1)

    assert published_ids() == [str(later.pk)]


def test_publish_next_alternates_schools(teacher, secretary, stranger, settings):
    settings.MAX_PUBLISHED_PER_QUEUE = 0
    for _ in range(2):
        queue_task(teacher)
        queue_task(secretary)
    other_task = queue_task(stranger, {"class_id": 3})

    publish_next_tasks("reports", 2)

    assert str(other_task.pk) in published_ids()


@pytest.mark.guarantee("A new request does not overtake queued tasks.")
def test_new_task_does_not_overtake_queued_task(teacher, secretary):
    older = queue_task(teacher)
    Task.objects.update(published_at=None, created_at="2020-01-01T00:00:00Z")

    newer = queue_task(secretary)

    assert published_ids() == []
    publish_next_tasks("reports", 1)
    assert published_ids() == [str(older.pk)]
    newer.refresh_from_db()
    assert newer.published_at is None


def test_publish_more_continues_order_between_ticks(teacher, settings):
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
def test_task_school_follows_parameters(admin, parameters, school):
    assert queue_task(admin, parameters).school_id == school


def test_document_has_queue_position(as_user, teacher, settings):
    settings.MAX_PUBLISHED_PER_QUEUE = 0
    tasks = [queue_task(teacher) for _ in range(3)]
    Dispatcher().tick()

    document = as_user(teacher).get(f"/tasks/{tasks[2].pk}").json()

    assert document["queue"] == {"position": 3, "estimated_wait_seconds": None}


def test_queue_position_follows_fair_order(as_user, teacher, secretary, settings):
    settings.MAX_PUBLISHED_PER_QUEUE = 0
    queue_task(teacher)
    second = queue_task(teacher)
    secretary_task = queue_task(secretary)
    Dispatcher().tick()

    def position(viewer, task):
        return as_user(viewer).get(f"/tasks/{task.pk}").json()["queue"]["position"]

    assert (position(secretary, secretary_task), position(teacher, second)) == (2, 3)


@pytest.mark.guarantee("A queue position is shown only after it was measured.")
def test_new_task_has_no_queue_position(as_user, teacher, settings):
    settings.MAX_PUBLISHED_PER_QUEUE = 0
    queue_task(teacher)
    Dispatcher().tick()

    document = as_user(teacher).get(f"/tasks/{queue_task(teacher).pk}").json()

    assert (document["state"], document["queue"]) == ("queued", None)


def test_tick_sends_canary_to_every_queue(network):
    Dispatcher().tick()

    assert {q: queue_length(q) for q in ("reports", "reports.bulk")} == {
        "reports": 1, "reports.bulk": 1,
    }  # fmt: skip
    assert queue_length("default") == 3  # canary, sweep and commands


@pytest.mark.guarantee("Canaries do not pile up.")
@pytest.mark.guarantee("Messages without a worker do not pile up.")
def test_messages_without_worker_are_limited(network, settings):
    for _ in range(60):
        periodic.send_canaries()
        periodic.send_sweep()
        periodic.send_commands()

    assert queue_length("default") == settings.MAX_PUBLISHED_PER_QUEUE + 20
    assert [queue_length(q) for q in ("reports", "reports.bulk")] == [1, 1]


def test_canary_is_not_sent_while_a_report_waits(teacher):
    task = queue_task(teacher)

    periodic.send_canaries()

    assert redis_store.message_ids("reports") == {str(task.pk)}


@pytest.mark.guarantee("Canaries do not pile up.")
@pytest.mark.parametrize(("held_counts", "sent"), [([1], 0), ([1, 0], 1), ([2, 0], 0)])
def test_canary_is_not_sent_to_workers_that_hold_messages_back(held_counts, sent):
    for number, held_count in enumerate(held_counts):
        redis_store.register_worker(
            Registration(f"w{number}@host", "host", 1, 1, ("reports",), held_count)
        )

    periodic.send_canaries()

    assert queue_length("reports") == sent


@pytest.mark.guarantee("A canary calls the function that its queue is there for.")
def test_canary_calls_the_function_of_its_queue(network):
    periodic.send_canaries()

    headers = {
        queue: json.loads(redis_store.client().lindex(queue, 0))["headers"]
        for queue in periodic.ALL_QUEUES
    }
    assert {queue: header["task"] for queue, header in headers.items()} == {
        "default": "tasks.sweep",
        "reports": "tasks.generate_report",
        "reports.bulk": "tasks.generate_report",
    }
    assert not any(header["expires"] for header in headers.values())
    assert all(header["id"].startswith("canary-") for header in headers.values())


def test_dispatcher_messages_have_expiry(network):
    Dispatcher().tick()

    for message in redis_store.client().lrange("default", 0, -2):  # without the canary
        assert json.loads(message)["headers"]["expires"]
