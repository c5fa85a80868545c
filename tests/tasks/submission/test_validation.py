"""Which queue a report waits in: what takes long is to hold up no class's cards."""

import pytest

from tasks.submission import validation
from tests.support.task_factories import queue_task

pytestmark = pytest.mark.django_db

YEAR = {"year": 2026}


@pytest.fixture
def lower_bulk_threshold(monkeypatch):
    """Twenty students of several schools are many."""
    monkeypatch.setattr(validation, "BULK_THRESHOLD", 20)


@pytest.mark.guarantee("The report cards of a network do not delay those of a class.")
@pytest.mark.parametrize("format", ["pdf", "zip"])
def test_cards_of_a_network_wait_among_the_long_ones(
    lower_bulk_threshold, admin, format
):
    task = queue_task(admin, YEAR, kind="report_card", format=format)

    assert task.queue == "reports.bulk"


@pytest.mark.parametrize(
    "place", [{"class_id": 1}, {"school_id": 1}, {"student_id": 1}]
)
def test_cards_of_a_place_do_not(lower_bulk_threshold, admin, place):
    assert queue_task(admin, {**YEAR, **place}, kind="report_card").queue == "reports"


def test_cards_of_all_that_somebody_sees_do_not_if_these_are_few(
    lower_bulk_threshold, secretary, guardian
):
    for viewer in (secretary, guardian):
        assert queue_task(viewer, YEAR, kind="report_card").queue == "reports"


def test_cards_of_a_small_network_do_not(admin):
    assert queue_task(admin, YEAR, kind="report_card").queue == "reports"


def test_figures_of_a_network_do_not_for_they_take_moments(lower_bulk_threshold, admin):
    assert queue_task(admin, {}, kind="class_performance").queue == "reports"


def test_export_always_does(secretary):
    table = {"table": "grades"}

    assert queue_task(secretary, table, kind="data_export").queue == "reports.bulk"
