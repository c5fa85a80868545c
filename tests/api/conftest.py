"""Fixtures of the tests of the API."""

import threading

import pytest


@pytest.fixture
def during_wait(monkeypatch):
    """Function that runs an action during each wait.

    It runs on this thread, because the test's transaction belongs to its connection.
    """

    def schedule(action):
        sleep = threading.Event.wait

        def wait_and_act(event, timeout=None):
            if isinstance(timeout, float) and timeout > 1:
                action()
            return sleep(event, timeout)

        monkeypatch.setattr(threading.Event, "wait", wait_and_act)

    return schedule
