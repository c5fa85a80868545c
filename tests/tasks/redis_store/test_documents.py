import uuid

import pytest

from tasks import redis_store
from tests.support.redis_monitor import monitor_commands

TASK = uuid.UUID("01a20946-63d7-7452-9ebd-6b7659a55ab6")


def put_document(
    version: int, sequence: int = 0, document: bytes = b"{}", ttl: int = 60
) -> None:
    meta = redis_store.DocumentMeta(version, sequence, 7, 3, "running", "reports")
    celery = {"status": "STARTED", "task_id": str(TASK)}
    envelope = redis_store.Envelope(meta, celery, document, ttl)
    redis_store.put_document(TASK, envelope, create=True)


def read_version() -> tuple[int, int]:
    meta = redis_store.get_cached_task(TASK, 7).meta
    return meta.version, meta.sequence


def test_document_comes_back_as_it_was():
    put_document(1, document='{"result":"\\"result\\": é"}'.encode())

    poll = redis_store.get_cached_task(TASK, 7)

    assert poll.document == '{"result":"\\"result\\": é"}'.encode()
    assert poll.meta == redis_store.DocumentMeta(1, 0, 7, 3, "running", "reports")


@pytest.mark.guarantee("An older document never replaces a newer one in Redis.")
@pytest.mark.parametrize(
    ("later", "left"),
    [((3, 0), (3, 0)), ((2, 9), (2, 9)), ((2, 5), (2, 5)), ((2, 4), (2, 5)), ((1, 99), (2, 5))],
)  # fmt: skip
def test_only_a_newer_document_replaces(later, left):
    put_document(2, 5)

    put_document(*later)

    assert read_version() == left


def test_bare_document_of_celery_counts_as_missing_and_is_replaced():
    key = f"celery-task-meta-{TASK}"
    redis_store.client().set(key, '{"status": "REVOKED", "result": null}')
    assert redis_store.get_cached_task(TASK, 7).meta is None

    put_document(1)

    assert read_version() == (1, 0)


def test_what_may_not_be_missing_is_not_put_where_nothing_is():
    envelope = redis_store.Envelope(
        redis_store.DocumentMeta(1, 0, 7, 3, "running", "reports"), {}, b"{}", 9
    )

    assert not redis_store.put_document(TASK, envelope, create=False)
    assert redis_store.get_cached_task(TASK, 7).meta is None

    assert redis_store.put_document(TASK, envelope, create=True)
    assert redis_store.put_document(TASK, envelope, create=False)


@pytest.mark.guarantee("Documents of a Redis that went back in time are not shown.")
def test_documents_of_a_redis_that_has_gone_back_are_not_shown():
    put_document(1)
    assert redis_store.get_cached_task(TASK, 7).meta
    before = redis_store.client().get("mirror-epoch")
    redis_store.advance_epoch(0)
    assert redis_store.get_cached_task(TASK, 7).meta

    redis_store.client().set("mirror-epoch", before)

    assert redis_store.get_cached_task(TASK, 7).meta is None


def test_documents_of_a_redis_that_nobody_watches_are_not_shown():
    put_document(1)
    redis_store.client().delete("mirror-epoch")

    assert redis_store.get_cached_task(TASK, 7).meta is None


def test_tide_that_has_gone_back_is_not_raised():
    first = redis_store.advance_epoch(0)
    second = redis_store.advance_epoch(first)
    assert second > first

    redis_store.client().set("mirror-epoch", first)

    assert redis_store.advance_epoch(second) == 0
    assert int(redis_store.client().get("mirror-epoch")) == first


def test_document_does_not_outlive_its_time():
    put_document(1, ttl=33)

    assert 0 < redis_store.client().ttl(f"celery-task-meta-{TASK}") <= 33


def test_poll_is_one_command(settings):
    put_document(1)

    with monitor_commands(settings.REDIS_URL) as commands:
        redis_store.get_cached_task(TASK, 7)

    assert commands == [
        f"MGET celery-task-meta-{TASK} access-version:7 queue-positions:7 mirror-epoch"
    ]


def test_stamp_that_was_only_read_replaces_no_news():
    redis_store.set_access_version(7, 5, is_change=True)

    redis_store.set_access_version(7, 4, is_change=False)

    assert redis_store.get_cached_task(TASK, 7).access_version == 5


def test_who_is_alive_is_told_for_a_while():
    redis_store.set_alive("dispatcher", seconds=5)

    assert redis_store.get_alive(["dispatcher", "reports"]) == {
        "dispatcher": True,
        "reports": False,
    }


@pytest.mark.guarantee("A heartbeat does not shorten a longer liveness mark.")
def test_mark_of_a_heartbeat_does_not_shorten_a_canary_s():
    redis_store.set_alive("reports", seconds=30)
    redis_store.set_alive("reports", seconds=3)

    assert 25 < redis_store.client().ttl("liveness:reports") <= 30

    redis_store.set_alive("reports", seconds=40)
    assert redis_store.client().ttl("liveness:reports") > 35
