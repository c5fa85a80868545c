"""The response to a poll is the same with and without Django."""

import hashlib
import json
import logging
import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest
import structlog

from api.auth.authentication import PollAuthentication
from api.polls.wsgi import LOGGER, answer_polls
from api.views.tasks import TaskDetail
from school.models import Attachment, User
from tasks import redis_store
from tasks.models import Task
from tasks.scheduling import positions
from tests.support.poll_paths import ORIGIN, TwoPaths, poll, send
from tests.support.task_factories import (
    TASK_STATES,
    create_task_in_state,
    queue_task,
    run_task,
)

pytestmark = pytest.mark.django_db
MIDDLEWARE_DIGEST = "71c57ef927ab"
STATES_IN_REDIS = [state for state in TASK_STATES if state not in ("expired", "purged")]


def etag_of(paths, environ):
    return dict(send(paths.django, environ).headers)["etag"]


@pytest.mark.parametrize("state", STATES_IN_REDIS)
def test_poll_of_each_state_is_answered_alike_without_django(paths, teacher, state):
    task = create_task_in_state(state, teacher)

    assert paths.skips_django(poll(teacher, task))


@pytest.mark.parametrize("state", STATES_IN_REDIS)
def test_unchanged_document_is_not_sent_again_without_django(paths, teacher, state):
    task = create_task_in_state(state, teacher)
    etag = etag_of(paths, poll(teacher, task))
    environ = poll(teacher, task, HTTP_IF_NONE_MATCH=etag)

    assert paths.skips_django(environ)
    assert send(paths.wrapped, environ).status == "304 Not Modified"


def test_queue_position_is_answered_alike(paths, teacher):
    first, second = queue_task(teacher), queue_task(teacher)
    order = [
        SimpleNamespace(id=task.pk, requester=teacher.pk) for task in (first, second)
    ]
    samples = positions.sample_positions(order, [0.0, 30.0])[teacher.pk]
    redis_store.set_queue_positions({teacher.pk: {first.queue: samples}})
    environ = poll(teacher, second)

    assert paths.skips_django(environ)
    document = json.loads(send(paths.wrapped, environ).body)
    assert document["queue"] == {"position": 2, "estimated_wait_seconds": 30}


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_IF_NONE_MATCH": "*"},
        {"HTTP_IF_NONE_MATCH": '"another"'},
        {"HTTP_IF_NONE_MATCH": '"another", W/"third"'},
        {"HTTP_IF_NONE_MATCH": "not an etag"},
        {"HTTP_IF_NONE_MATCH": ""},
        {"HTTP_PREFER": "wait=0"},
        {"HTTP_PREFER": "wait=20"},
        {"HTTP_PREFER": "respond-async, wait=20; strict"},
        {"HTTP_PREFER": "wait=soon"},
        {"HTTP_ACCEPT": "*/*"},
        {"HTTP_ACCEPT": "application/json"},
        {"HTTP_ACCEPT": "application/json, text/plain, */*"},
        {"HTTP_ACCEPT": "text/html, */*;q=0.1"},
        {"HTTP_ACCEPT_LANGUAGE": "en"},
        {"HTTP_ACCEPT_LANGUAGE": "pt-BR,pt;q=0.9,en;q=0.8"},
        {"HTTP_ACCEPT_LANGUAGE": "tlh"},
        {"HTTP_ORIGIN": ORIGIN},
        {"HTTP_ORIGIN": "https://elsewhere.example"},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_X_FORWARDED_FOR": "203.0.113.7"},
        {"HTTP_USER_AGENT": "Escola/1.0"},
        {"HTTP_ACCEPT_ENCODING": "gzip, deflate, br"},
        {"QUERY_STRING": "wait=0"},
        {"QUERY_STRING": "wait=20"},
        {"QUERY_STRING": "wait=20&progress=true"},
        {"QUERY_STRING": "progress=false"},
        {"QUERY_STRING": "wait=3", "HTTP_PREFER": "wait=20"},
        {"CONTENT_LENGTH": "0"},
        {"CONTENT_TYPE": "application/json"},
        {"REMOTE_ADDR": "2001:db8::1"},
    ],
    ids=str,
)
def test_usual_request_is_answered_alike_without_django(paths, teacher, headers):
    task = run_task(teacher, format="csv")

    assert paths.skips_django(poll(teacher, task, **headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_AUTHORIZATION": None},
        {"HTTP_AUTHORIZATION": ""},
        {"HTTP_AUTHORIZATION": "Bearer"},
        {"HTTP_AUTHORIZATION": "Bearer "},
        {"HTTP_AUTHORIZATION": "Bearer not.a.token"},
        {"HTTP_AUTHORIZATION": "Bearer two tokens"},
        {"HTTP_AUTHORIZATION": "Basic dXNlcjpwYXNz"},
        {"HTTP_ACCEPT": ""},
        {"HTTP_ACCEPT": "text/html"},
        {"HTTP_ACCEPT": "application/json;q=0"},
        {"HTTP_ACCEPT": "image/png"},
        {"HTTP_ACCEPT": "*/*;a*=nosuch''x"},
        {"HTTP_ACCEPT": "x/y," * 124 + "application/json;q=0"},
        {"HTTP_HOST": None},
        {"SCRIPT_NAME": "/school"},
        {"CONTENT_TYPE": "text/plain"},
        {"HTTP_HOST": "evil.example"},
        {"HTTP_HOST": "not a host"},
        {"HTTP_COOKIE": "django_language=en"},
        {"QUERY_STRING": "wait=soon"},
        {"QUERY_STRING": "wait="},
        {"QUERY_STRING": "wait=1&wait=1"},
        {"QUERY_STRING": "wait=0progress=true"},
        {"QUERY_STRING": "progress=1"},
        {"QUERY_STRING": "progress=maybe"},
        {"QUERY_STRING": "class_id=1"},
        {"QUERY_STRING": "wait=%30"},
        {"CONTENT_LENGTH": "2"},
        {"REQUEST_METHOD": "HEAD"},
        {"REQUEST_METHOD": "OPTIONS"},
        {"REQUEST_METHOD": "PUT"},
        {"REQUEST_METHOD": "OPTIONS", "HTTP_ORIGIN": ORIGIN,
         "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET"},
    ],
    ids=str,
)  # fmt: skip
def test_unusual_request_is_passed_on(paths, teacher, headers):
    task = run_task(teacher, format="csv")

    assert not paths.skips_django(
        poll(teacher, task, **headers), warm_up=poll(teacher, task)
    )


@pytest.mark.parametrize(
    "path",
    ["/tasks/{}/", "//tasks/{}", "/tasks/{}\n", "/tasks/{}0", "/tasks/{}/cancel",
     "/tasks/{}/result", "/tasks", "/tasks/none", "/"],
)  # fmt: skip
def test_other_path_is_passed_on(paths, teacher, path):
    task = run_task(teacher, format="csv")
    environ = poll(teacher, task) | {"PATH_INFO": path.format(task.pk)}

    assert not paths.skips_django(environ, warm_up=poll(teacher, task))


def test_task_id_in_capitals_is_passed_on(paths, teacher):
    task = run_task(teacher, format="csv")
    environ = poll(teacher, str(task.pk).upper())

    assert not paths.skips_django(environ, warm_up=poll(teacher, task))


@pytest.mark.parametrize("state", ["expired", "purged"])
def test_task_without_document_in_redis_is_passed_on(paths, teacher, state):
    queued = queue_task(teacher)
    task = create_task_in_state(state, teacher, {"class_id": 2})

    assert not paths.skips_django(poll(teacher, task), warm_up=poll(teacher, queued))


def test_task_of_another_user_is_passed_on(paths, teacher, network):
    task = run_task(teacher, format="csv")
    other = User.objects.get(username="admin")
    environ = poll(other, task)

    assert not paths.skips_django(environ, warm_up=poll(teacher, task))
    assert send(paths.wrapped, environ).status == "404 Not Found"


def test_unknown_task_is_passed_on(paths, teacher):
    task = run_task(teacher, format="csv")
    environ = poll(teacher, uuid.uuid4())

    assert not paths.skips_django(environ, warm_up=poll(teacher, task))


def test_expired_token_is_passed_on(paths, teacher, settings):
    task = run_task(teacher, format="csv")
    valid = poll(teacher, task)
    settings.ACCESS_TOKEN_LIFETIME = timedelta(seconds=-60)

    assert not paths.skips_django(poll(teacher, task), warm_up=valid)


@pytest.mark.guarantee("A right taken away counts from the next poll on.")
def test_right_taken_away_between_two_polls_is_passed_on(
    paths, teacher, django_capture_on_commit_callbacks
):
    task = run_task(teacher, format="csv")
    environ = poll(teacher, task)
    assert paths.skips_django(environ)

    with django_capture_on_commit_callbacks(execute=True):
        Attachment.objects.filter(user=teacher).delete()

    assert not paths.skips_django(environ)
    assert send(paths.wrapped, environ).status == "404 Not Found"


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "changed"}])
def test_user_who_may_not_go_on_is_passed_on(
    paths, teacher, django_capture_on_commit_callbacks, change
):
    task = run_task(teacher, format="csv")
    environ = poll(teacher, task)
    assert paths.skips_django(environ)

    with django_capture_on_commit_callbacks(execute=True):
        for name, value in change.items():
            setattr(teacher, name, value)
        teacher.save()

    assert not paths.skips_django(environ)
    assert send(paths.wrapped, environ).status == "401 Unauthorized"


def test_poll_without_redis_is_passed_on(paths, teacher, request):
    task = run_task(teacher, format="csv")
    environ = poll(teacher, task)
    send(paths.wrapped, environ)
    request.getfixturevalue("redis_down")

    assert not paths.skips_django(environ)


def test_document_lost_from_redis_is_read_from_the_row_once(paths, teacher):
    task = run_task(teacher, format="csv")
    environ = poll(teacher, task)
    assert paths.skips_django(environ)
    redis_store.drop_document(task.pk, teacher.pk)
    paths.passed_on = 0

    send(paths.wrapped, environ)

    assert paths.passed_on == 1
    assert paths.skips_django(environ)


@pytest.mark.parametrize("encoding", ["gzip", "gzip;q=0", "br", None])
def test_large_document_is_compressed_alike(paths, teacher, encoding):
    task = queue_task(teacher)
    metadata = {f"key{number}": "x" * 200 for number in range(10)}
    Task.objects.filter(pk=task.pk).update(metadata=metadata)
    redis_store.drop_document(task.pk, teacher.pk)
    environ = poll(teacher, task, HTTP_ACCEPT_ENCODING=encoding)

    assert paths.skips_django(environ)
    response = send(paths.wrapped, environ)
    assert ("content-encoding" in dict(response.headers)) == (encoding == "gzip")
    assert "Accept-Encoding" in dict(response.headers)["vary"]


def test_small_response_follows_a_large_one_without_its_headers(paths, teacher):
    large, small = queue_task(teacher), queue_task(teacher)
    Task.objects.filter(pk=large.pk).update(metadata={"note": "x" * 2000})
    redis_store.drop_document(large.pk, teacher.pk)
    gzip = {"HTTP_ACCEPT_ENCODING": "gzip"}
    send(paths.wrapped, poll(teacher, small, **gzip))

    environ = poll(teacher, small, **gzip)
    assert paths.skips_django(environ, warm_up=poll(teacher, large, **gzip))


def test_plain_http_is_redirected_by_django(paths, teacher, settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_REDIRECT_EXEMPT = [""]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    paths = TwoPaths()
    task = run_task(teacher, format="csv")
    address = {"REMOTE_ADDR": "203.0.113.7"}
    secure = poll(teacher, task, HTTP_X_FORWARDED_PROTO="https", **address)

    assert paths.skips_django(secure)
    for headers in ({}, {"HTTP_X_FORWARDED_PROTO": "http"}):
        environ = poll(teacher, task, **headers, **address)
        assert not paths.skips_django(environ)
        assert send(paths.wrapped, environ).status.startswith("301")


def test_strict_transport_security_is_sent_over_https_only(paths, teacher, settings):
    settings.SECURE_HSTS_SECONDS = 3600
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    paths = TwoPaths()
    task = run_task(teacher, format="csv")

    for scheme in ("https", "http"):
        environ = poll(teacher, task, HTTP_X_FORWARDED_PROTO=scheme)
        assert paths.skips_django(environ)
        headers = dict(send(paths.wrapped, environ).headers)
        assert ("strict-transport-security" in headers) == (scheme == "https")


def test_unsafe_request_id_is_replaced(paths, teacher):
    task = run_task(teacher, format="csv")
    environ = poll(teacher, task, HTTP_X_REQUEST_ID="two words")
    send(paths.wrapped, environ)

    first, second = (
        dict(send(paths.wrapped, environ).headers)["x-request-id"] for _ in range(2)
    )

    assert uuid.UUID(first) != uuid.UUID(second)


@pytest.mark.parametrize("unchanged", [False, True], ids=["200", "304"])
def test_line_of_the_log_is_the_same(paths, teacher, caplog, unchanged):
    task = run_task(teacher, format="csv")
    environ = poll(teacher, task)
    if unchanged:
        environ["HTTP_IF_NONE_MATCH"] = etag_of(paths, environ)
    send(paths.wrapped, environ)
    lines = []
    for application in (paths.django, paths.wrapped):
        caplog.clear()
        send(application, environ)
        [record] = [it for it in caplog.records if it.name == LOGGER]
        lines.append({**record.msg, "timestamp": len(record.msg["timestamp"])})

    assert lines[0] == lines[1]
    assert lines[1]["user_id"] == teacher.pk
    assert structlog.contextvars.get_contextvars() == {}


def test_level_debug_is_left_to_django(paths, teacher, caplog):
    task = run_task(teacher, format="csv")
    environ = poll(teacher, task)
    assert paths.skips_django(environ)

    with caplog.at_level(logging.DEBUG, LOGGER):
        assert not paths.skips_django(environ)


def test_defect_of_the_wrapper_is_logged_and_passed_on(paths, teacher, monkeypatch):
    task = run_task(teacher, format="csv")
    environ = poll(teacher, task)
    assert paths.skips_django(environ)

    def fail(*_arguments):
        raise ZeroDivisionError

    monkeypatch.setattr("api.polls.wsgi.complete_document", fail)
    with structlog.testing.capture_logs() as captured:
        assert not paths.skips_django(environ)
    assert "poll_failed" in [line["event"] for line in captured]


def test_response_with_an_unknown_header_is_not_recorded(paths, teacher):
    task = run_task(teacher, format="csv")
    environ = poll(teacher, task)

    def add_cookie(environ, start_response):
        def start(status, headers, *arguments):
            return start_response(status, [*headers, ("Set-Cookie", "a=1")])

        paths.passed_on += 1
        return paths.django(environ, start)

    wrapped = answer_polls(add_cookie)
    for _ in range(3):
        send(wrapped, environ)

    assert paths.passed_on == 3


def test_header_too_long_for_a_key_is_passed_on(paths, teacher):
    task = run_task(teacher, format="csv")
    environ = poll(teacher, task, HTTP_ACCEPT_LANGUAGE="pt," * 300)

    assert not paths.skips_django(environ)


@pytest.mark.parametrize("request_id", [None, "app-7"])
def test_request_id_of_a_response_is_that_of_its_errors(
    paths, teacher, monkeypatch, request_id
):
    task = run_task(teacher, format="csv")
    environ = poll(teacher, task, HTTP_X_REQUEST_ID=request_id)
    send(paths.wrapped, environ)

    def fail(*_arguments):
        raise ZeroDivisionError

    monkeypatch.setattr("api.polls.wsgi.complete_document", fail)
    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as captured:
        response = send(paths.wrapped, environ)

    ids = {line["request_id"] for line in captured}
    assert ids == {dict(response.headers)["x-request-id"]}


def test_nothing_that_decides_a_poll_is_added_without_a_look_here(settings):
    """What Django does for a poll is done in `api.polls` too, or recorded from its headers.

    Whoever adds middleware, a permission or a throttle decides which, and then changes this.
    """
    digest = hashlib.sha256(" ".join(settings.MIDDLEWARE).encode()).hexdigest()

    assert digest[:12] == MIDDLEWARE_DIGEST, "does api.polls do what is new?"
    assert [it.__name__ for it in TaskDetail.permission_classes] == [
        "IsAuthenticated",
        "HasChosenPassword",
        "HasDemandedSecondFactor",
    ]
    assert TaskDetail.throttle_classes == []
    assert TaskDetail.authentication_classes == [PollAuthentication]
