"""Fixtures of the tests of polls."""

from types import SimpleNamespace

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from school.models import User
from tests.support.poll_paths import ORIGIN, TwoPaths


@pytest.fixture
def paths(network, settings, monkeypatch):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    # The advice of both responses is computed at the same time.
    clock = SimpleNamespace(time=lambda: 2_000_000_000.0)
    monkeypatch.setattr("api.http.task_responses.time", clock)
    monkeypatch.setattr("tasks.status.estimates.time", clock)
    # The padding of compressed responses is random.
    monkeypatch.setattr("django.utils.text.secrets.randbelow", lambda _limit: 7)
    # The test's transaction belongs to its connection.
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield TwoPaths()
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def teacher(network):
    return User.objects.get(username="teacher")
