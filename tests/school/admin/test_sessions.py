"""End of admin sessions that are idle or old."""

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from school import admin_sessions

pytestmark = pytest.mark.django_db
MINUTE = 60


@pytest.fixture
def clock(monkeypatch, settings):
    """Function that moves the clock of the sessions ahead by so many seconds."""
    real_time, ahead = admin_sessions.time.time, [0.0]
    monkeypatch.setattr(admin_sessions.time, "time", lambda: real_time() + ahead[0])

    def advance(seconds):
        ahead[0] += seconds

    return advance


def is_logged_in(client):
    return client.get("/admin/").status_code == 200


@pytest.mark.guarantee("An admin session ends when it is idle, and when it is old.")
def test_idle_session_ends(admin_client, clock, settings):
    assert is_logged_in(admin_client)
    clock(settings.ADMIN_IDLE_TIME.total_seconds())

    answer = admin_client.get("/admin/school/student/")

    assert answer.status_code == 302
    assert answer.url.startswith("/admin/login/")
    assert not is_logged_in(admin_client)


def test_session_in_use_goes_on(admin_client, clock, settings):
    for _ in range(4):
        assert is_logged_in(admin_client)
        clock(settings.ADMIN_IDLE_TIME.total_seconds() - 2 * MINUTE)

    assert is_logged_in(admin_client)


@pytest.mark.guarantee("An admin session ends when it is idle, and when it is old.")
def test_old_session_ends_though_it_is_in_use(admin_client, clock, settings):
    minutes = settings.ADMIN_SESSION_LIFETIME.total_seconds() / MINUTE
    answers = []
    for _ in range(int(minutes / 20) + 1):
        answers.append(is_logged_in(admin_client))
        clock(20 * MINUTE)

    assert answers == [True] * (len(answers) - 1) + [False]


def test_idle_time_is_that_of_the_cookie_and_of_the_stored_session(
    admin_client, settings
):
    answer = admin_client.get("/admin/")

    seconds = settings.ADMIN_IDLE_TIME.total_seconds()
    assert answer.cookies["sessionid"]["max-age"] == seconds
    session = Session.objects.get()
    assert 0 < (session.expire_date - timezone.now()).total_seconds() <= seconds


def test_session_is_saved_at_most_once_a_minute(admin_client, clock):
    def writes():
        with CaptureQueriesContext(connection) as queries:
            assert is_logged_in(admin_client)
        return [
            q["sql"]
            for q in queries
            if "UPDATE" in q["sql"] and "django_session" in q["sql"]
        ]

    assert len(writes()) == 1
    assert writes() == []
    clock(59)
    assert writes() == []
    clock(1)
    assert len(writes()) == 1
