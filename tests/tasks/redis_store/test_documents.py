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


def test_stored_document_is_read_back_unchanged():
    put_document(1, document='{"result":"\\"result\\": é"}'.encode())

    cached = redis_store.get_cached_task(TASK, 7)

    assert cached.document == '{"result":"\\"result\\": é"}'.encode()
    assert cached.meta == redis_store.DocumentMeta(1, 0, 7, 3, "running", "reports")


@pytest.mark.guarantee("An older document never replaces a newer one in Redis.")
@pytest.mark.parametrize(
    ("later", "expected"),
    [((3, 0), (3, 0)), ((2, 9), (2, 9)), ((2, 5), (2, 5)), ((2, 4), (2, 5)), ((1, 99), (2, 5))],
)  # fmt: skip
def test_put_document_replaces_only_older_documents(later, expected):
    put_document(2, 5)

    put_document(*later)

    assert read_version() == expected


def test_celery_result_without_envelope_is_a_miss():
    key = f"celery-task-meta-{TASK}"
    redis_store.client().set(key, '{"status": "REVOKED", "result": null}')
    assert redis_store.get_cached_task(TASK, 7).meta is None

    put_document(1)

    assert read_version() == (1, 0)


def test_put_document_without_create_needs_existing_key():
    envelope = redis_store.Envelope(
        redis_store.DocumentMeta(1, 0, 7, 3, "running", "reports"), {}, b"{}", 9
    )

    assert not redis_store.put_document(TASK, envelope, create=False)
    assert redis_store.get_cached_task(TASK, 7).meta is None

    assert redis_store.put_document(TASK, envelope, create=True)
    assert redis_store.put_document(TASK, envelope, create=False)


@pytest.mark.guarantee(
    "Documents are not shown after Redis went back to an older state."
)
def test_document_after_redis_rollback_is_a_miss():
    put_document(1)
    assert redis_store.get_cached_task(TASK, 7).meta
    before = redis_store.client().get("mirror-epoch")
    redis_store.advance_epoch(0)
    assert redis_store.get_cached_task(TASK, 7).meta

    redis_store.client().set("mirror-epoch", before)

    assert redis_store.get_cached_task(TASK, 7).meta is None


def test_document_without_epoch_is_a_miss():
    put_document(1)
    redis_store.client().delete("mirror-epoch")

    assert redis_store.get_cached_task(TASK, 7).meta is None


def test_advance_epoch_after_rollback_returns_zero():
    first = redis_store.advance_epoch(0)
    old = redis_store.client().get("mirror-epoch")
    second = redis_store.advance_epoch(first)
    assert second > first

    redis_store.client().set("mirror-epoch", old)

    assert redis_store.advance_epoch(second) == 0
    assert redis_store.client().get("mirror-epoch") == old


def test_document_has_ttl():
    put_document(1, ttl=33)

    assert 0 < redis_store.client().ttl(f"celery-task-meta-{TASK}") <= 33


def test_get_cached_task_sends_one_command(settings):
    put_document(1)

    with monitor_commands(settings.REDIS_URL) as commands:
        redis_store.get_cached_task(TASK, 7)

    assert commands == [
        f"MGET celery-task-meta-{TASK} access-version:7 queue-positions:7 mirror-epoch"
    ]


def test_read_access_version_does_not_replace_newer_one():
    redis_store.set_access_version(7, 5)

    redis_store.set_access_version(7, 4)

    assert redis_store.get_cached_task(TASK, 7).access_version == 5


def test_get_alive_reports_keys_set_alive():
    redis_store.set_alive("dispatcher", seconds=5)

    assert redis_store.get_alive(["dispatcher", "reports"]) == {
        "dispatcher": True,
        "reports": False,
    }


@pytest.mark.guarantee("A heartbeat does not shorten the TTL of a liveness key.")
def test_set_alive_does_not_shorten_ttl():
    redis_store.set_alive("reports", seconds=30)
    redis_store.set_alive("reports", seconds=3)

    assert 25 < redis_store.client().ttl("liveness:reports") <= 30

    redis_store.set_alive("reports", seconds=40)
    assert redis_store.client().ttl("liveness:reports") > 35
