"""Tracker of a report's rows: when it publishes progress."""

import time

import pytest

from tasks import progress
from tasks.progress import Tracker

pytestmark = pytest.mark.one_database("no database is used")


@pytest.fixture
def published():
    return []


@pytest.fixture
def tracker(published, monkeypatch):
    monkeypatch.setattr(progress, "NOTIFY_INTERVAL", 0.1)
    tracker = Tracker(lambda progress: published.append(progress.done))
    tracker.begin_publishing()
    tracker.start_stage("writing", 100)
    return tracker


def test_rows_counted_within_the_interval_are_published_after_it(tracker, published):
    tracker.advance(7)  # right after the start of the stage, which was published
    tracker.notify_if_behind()
    assert published == [0]

    time.sleep(0.15)
    tracker.notify_if_behind()

    assert published == [0, 7]


def test_progress_that_was_published_is_not_published_again(tracker, published):
    time.sleep(0.15)
    tracker.advance(7)
    time.sleep(0.15)
    tracker.notify_if_behind()

    assert published == [0, 7]


def test_progress_is_published_once_publishing_begins(published):
    tracker = Tracker(lambda progress: published.append(progress.done))
    tracker.start_stage("writing", 100)
    tracker.advance(7)
    assert published == []

    tracker.begin_publishing()

    assert published == [7]


def test_begin_of_publishing_before_any_row_publishes_nothing(published):
    Tracker(lambda progress: published.append(progress.done)).begin_publishing()

    assert published == []
