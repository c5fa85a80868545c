"""Values that this service did not write count as missing, and do not block its own."""

import json
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import redis_store
from tasks.redis_store import access_versions, epoch
from tasks.redis_store.queues import parse_message, sign_message
from tasks.redis_store.signing import sign, verify

TASK = uuid.UUID("01a20946-63d7-7452-9ebd-6b7659a55ab6")
OTHER_TASK = uuid.UUID("01a20946-63d7-7452-9ebd-6b7659a55ab7")
KEY = f"celery-task-meta-{TASK}"
VIEWER = 7
HUGE_VERSION = b'{"meta":{"version":999999999,"sequence":0,"viewer_id":7},"result":{}}'


def put_document(
    version: int = 1, *, task_id: uuid.UUID = TASK, create: bool = True, ttl: int = 60
) -> bool:
    meta = redis_store.DocumentMeta(version, 0, VIEWER, 3, "running", "reports")
    celery = {"status": "STARTED", "task_id": str(task_id)}
    document = b'{"state":"running","grade":"4.5"}'
    envelope = redis_store.Envelope(meta, celery, document, ttl)
    return redis_store.put_document(task_id, envelope, create=create)


def read_meta(task_id: uuid.UUID = TASK) -> redis_store.DocumentMeta | None:
    return redis_store.get_cached_task(task_id, VIEWER).meta


@pytest.mark.guarantee("A document that was altered in Redis is not shown.")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"grade":"4.5"', b'"grade":"9.5"'),
        (b'"state":"running","queue"', b'"state":"succeeded","queue"'),
        (b'"viewer_id":7', b'"viewer_id":8'),
        (b'"access_version":3', b'"access_version":4'),
        (b'"version":1', b'"version":2'),
        (b'"sequence":0', b'"sequence":1'),
        (b'"status":"STARTED"', b'"status":"SUCCESS"'),
        (b'"valid_until_ms":1', b'"valid_until_ms":2'),
        (b'"queue"', b'"state":"succeeded","queue"'),
        (b'"grade"', b'"x":{},"result":{"grade"'),
        (b'"}}', b'"} '),
    ],
)
def test_altered_document_is_a_miss(old, new):
    put_document()
    envelope = redis_store.client().get(KEY)
    assert old in envelope

    redis_store.client().set(KEY, envelope.replace(old, new))

    assert read_meta() is None


@given(st.data())
def test_document_with_any_byte_altered_is_a_miss(data):
    put_document(2)
    altered = bytearray(redis_store.client().get(KEY))
    index = data.draw(st.integers(0, len(altered) - 1))
    altered[index] ^= data.draw(st.integers(1, 255))

    redis_store.client().set(KEY, bytes(altered))

    assert read_meta() is None


@pytest.mark.guarantee("A document that was copied to another task is not shown.")
def test_document_of_another_task_is_a_miss():
    put_document(task_id=OTHER_TASK)
    assert read_meta(OTHER_TASK) is not None

    redis_store.client().copy(f"celery-task-meta-{OTHER_TASK}", KEY)

    assert read_meta() is None


def test_document_signed_with_another_key_is_a_miss(settings):
    put_document()
    assert read_meta() is not None

    settings.REDIS_SIGNING_KEY = "another"

    assert read_meta() is None
    assert put_document()
    assert read_meta() is not None


@pytest.mark.guarantee("A document that is written back after its TTL is not shown.")
def test_document_written_back_after_its_ttl_is_a_miss():
    put_document(ttl=1)
    envelope = redis_store.client().get(KEY)
    assert read_meta() is not None
    time.sleep(1.1)

    redis_store.client().set(KEY, envelope)

    assert read_meta() is None


@pytest.mark.guarantee("A forged newer document does not block the true one.")
@pytest.mark.parametrize(
    "forged", [HUGE_VERSION, HUGE_VERSION.replace(b"9" * 9, b"9" * 60)]
)
def test_put_document_replaces_forged_newer_document(forged):
    redis_store.client().set(KEY, forged)
    assert read_meta() is None

    assert put_document(2)

    assert read_meta().version == 2


def test_put_document_without_create_takes_forged_newer_document_for_missing():
    redis_store.client().set(KEY, HUGE_VERSION)

    assert not put_document(2, create=False)

    assert read_meta() is None


def test_put_document_keeps_genuine_newer_document():
    put_document(3)

    assert not put_document(2)

    assert read_meta().version == 3


@pytest.mark.guarantee("A forged access version is not believed.")
@pytest.mark.parametrize("key", ["access-version:7", "access-version-max:7"])
@pytest.mark.parametrize(
    "forged", ["3", "3.1", "3.9999999999.", "9" * 400, "-1", "nan"]
)
def test_forged_access_version_is_missing_until_written_again(key, forged):
    redis_store.client().set(key, forged)
    assert redis_store.get_cached_task(TASK, VIEWER).access_version is None
    assert redis_store.get_max_access_version(VIEWER) is None

    redis_store.set_access_version(VIEWER, 2)

    assert redis_store.get_cached_task(TASK, VIEWER).access_version == 2
    assert redis_store.get_max_access_version(VIEWER) == 2


def test_access_version_of_another_user_is_missing():
    redis_store.set_access_version(8, 5)

    for name in ("access-version", "access-version-max"):
        redis_store.client().copy(f"{name}:8", f"{name}:7")

    assert redis_store.get_cached_task(TASK, VIEWER).access_version is None
    assert redis_store.get_max_access_version(VIEWER) is None


@pytest.mark.guarantee("An access version that is written back later is not believed.")
def test_access_version_written_back_after_its_minute_is_missing(monkeypatch):
    with monkeypatch.context() as patch:
        a_minute_ago = time.time() - access_versions.ACCESS_VERSION_TTL - 1
        patch.setattr(access_versions.time, "time", lambda: a_minute_ago)
        redis_store.set_access_version(VIEWER, 2)
        assert redis_store.get_cached_task(TASK, VIEWER).access_version == 2

    assert redis_store.get_cached_task(TASK, VIEWER).access_version is None
    redis_store.set_access_version(VIEWER, 2)
    assert redis_store.get_cached_task(TASK, VIEWER).access_version == 2


def test_forged_queue_positions_are_missing():
    redis_store.set_queue_positions({VIEWER: {"reports": [[1, 1, 5]]}})
    positions = redis_store.get_cached_task(TASK, VIEWER).queue_positions
    assert positions == {"reports": [[1, 1, 5]]}

    redis_store.client().set("queue-positions:7", '{"reports":[[1,1,0]]}')

    assert redis_store.get_cached_task(TASK, VIEWER).queue_positions == {}


@pytest.mark.guarantee("A forged epoch is not believed.")
def test_forged_epoch_hides_documents_only_while_it_is_there():
    put_document()
    genuine = redis_store.client().get("mirror-epoch")
    redis_store.client().set("mirror-epoch", 10**18)
    assert read_meta() is None

    redis_store.client().set("mirror-epoch", genuine)

    assert read_meta() is not None


@pytest.mark.guarantee("An epoch that is written back for ever is believed a minute.")
def test_epoch_that_stands_still_is_not_current(monkeypatch):
    put_document()
    assert read_meta() is not None
    later = time.monotonic() + epoch.EPOCH_TTL
    monkeypatch.setattr(epoch.time, "monotonic", lambda: later)
    assert read_meta() is None

    redis_store.advance_epoch(0)

    assert read_meta() is not None


@pytest.mark.parametrize("forged", ["9" * 30, "-5", "nan", b"\xff", "1.5"])
def test_advance_epoch_replaces_forged_epoch(forged):
    before = redis_store.get_server_epoch()[1]
    redis_store.client().set("mirror-epoch", forged)
    assert redis_store.get_server_epoch()[1] == 0
    assert redis_store.advance_epoch(before) == 0  # so every document is verified first

    time.sleep(0.002)  # epochs are milliseconds
    assert redis_store.advance_epoch(0) > before


def test_unsigned_marks_are_not_believed():
    redis_store.client().set("liveness:reports", 1)
    redis_store.client().set(f"cpu-active:{TASK}", 1)
    assert redis_store.get_alive(["reports"]) == {"reports": False}
    assert redis_store.get_cpu_active([TASK]) == set()

    redis_store.set_alive("reports", seconds=5)
    redis_store.set_cpu_active([str(TASK)], seconds=5)

    assert redis_store.get_alive(["reports"]) == {"reports": True}
    assert 0 < redis_store.client().ttl("liveness:reports") <= 5
    assert redis_store.get_cpu_active([TASK]) == {TASK}


def test_mark_without_ttl_gets_one():
    redis_store.set_alive("reports", seconds=5)
    redis_store.client().persist("liveness:reports")

    redis_store.set_alive("reports", seconds=5)

    assert 0 < redis_store.client().ttl("liveness:reports") <= 5


@pytest.mark.guarantee("A mark of liveness that is written back later is not believed.")
def test_marks_written_back_after_their_time_are_not_believed():
    redis_store.set_alive("dispatcher", seconds=1)
    redis_store.set_cpu_active([str(TASK)], seconds=1)
    assert redis_store.get_alive(["dispatcher"]) == {"dispatcher": True}
    assert redis_store.get_cpu_active([TASK]) == {TASK}
    keys = ["liveness:dispatcher", f"cpu-active:{TASK}"]
    old_values = redis_store.client().mget(keys)

    time.sleep(2.1)  # marks end at a whole second
    for key, value in zip(keys, old_values, strict=True):
        redis_store.client().set(key, value, ex=60)

    assert redis_store.get_alive(["dispatcher"]) == {"dispatcher": False}
    assert redis_store.get_cpu_active([TASK]) == set()


@pytest.mark.guarantee("A worker whose clock is minutes off is not taken for silent.")
@pytest.mark.parametrize("shift_seconds", [-600, 600])
def test_marks_of_host_with_wrong_clock_are_believed(monkeypatch, shift_seconds):
    with monkeypatch.context() as patch:
        wrong_time = time.time() + shift_seconds
        patch.setattr("time.time", lambda: wrong_time)
        redis_store.set_alive("dispatcher", seconds=10)
        redis_store.set_cpu_active([str(TASK)], seconds=10)

    assert redis_store.get_alive(["dispatcher"]) == {"dispatcher": True}
    assert redis_store.get_cpu_active([TASK]) == {TASK}


MESSAGE = {
    "body": "W10=",
    "headers": {"id": str(TASK), "task": "tasks.sweep"},
    "properties": {"delivery_tag": "x", "delivery_info": {"routing_key": "reports"}},
}


def test_message_is_read_back_also_after_redelivery():
    signed = json.loads(json.dumps(sign_message("reports", MESSAGE)))
    signed["headers"]["redelivered"] = True
    signed["properties"]["delivery_info"]["redelivered"] = True

    message = parse_message("reports", json.dumps(signed).encode())

    assert message["headers"]["id"] == str(TASK)


@pytest.mark.parametrize(
    ("queue", "changes"),
    [
        ("reports", {"mac": "0" * 32}),
        ("reports", {"mac": None}),
        ("reports", {"body": "W11="}),
        ("reports", {"headers": {"id": str(OTHER_TASK), "task": "tasks.sweep"}}),
        ("reports.bulk", {}),
    ],
)
def test_altered_message_is_none_and_has_no_id(queue, changes):
    signed = {**sign_message("reports", MESSAGE), **changes}
    redis_store.client().lpush(queue, json.dumps(signed))

    assert redis_store.message_ids(queue) == set()


@pytest.mark.parametrize("where", ["headers", "delivery_info"])
def test_message_with_another_mark_of_redelivery_is_none(where):
    mark = {"__type__": "datetime", "__value__": "garbage"}
    signed = json.loads(json.dumps(sign_message("reports", MESSAGE)))
    parents = {
        "headers": signed["headers"],
        "delivery_info": signed["properties"]["delivery_info"],
    }
    parents[where]["redelivered"] = mark

    assert parse_message("reports", json.dumps(signed).encode()) is None


def test_message_without_id_hides_no_other():
    nameless = {**MESSAGE, "headers": {"task": "tasks.canary"}}
    for message in (nameless, MESSAGE):
        signed = sign_message("reports", message)
        redis_store.client().lpush("reports", json.dumps(signed))

    assert redis_store.message_ids("reports") == {str(TASK)}


@given(st.binary())
def test_value_without_code_does_not_verify(value):
    assert verify("a", value) is None
    assert verify("a", sign("b", value)) is None
    assert verify("a", sign("a", value)) == value
