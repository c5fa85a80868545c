"""Queue selection: long reports must not delay the report cards of a class."""

import pytest

from tasks.submission import validation
from tests.support.task_factories import queue_task

pytestmark = pytest.mark.django_db

YEAR = {"year": 2026}


@pytest.fixture
def lower_bulk_threshold(monkeypatch):
    """Bulk threshold of twenty students."""
    monkeypatch.setattr(validation, "BULK_THRESHOLD", 20)


@pytest.mark.guarantee("The report cards of a network do not delay those of a class.")
@pytest.mark.parametrize("format", ["pdf", "zip"])
def test_report_cards_of_network_use_bulk_queue(lower_bulk_threshold, admin, format):
    task = queue_task(admin, YEAR, kind="report_card", format=format)

    assert task.queue == "reports.bulk"


@pytest.mark.parametrize(
    "narrowing", [{"class_id": 1}, {"school_id": 1}, {"student_id": 1}]
)
def test_narrowed_report_cards_use_reports_queue(
    lower_bulk_threshold, admin, narrowing
):
    assert (
        queue_task(admin, {**YEAR, **narrowing}, kind="report_card").queue == "reports"
    )


def test_report_cards_of_few_students_use_reports_queue(
    lower_bulk_threshold, secretary, guardian
):
    for viewer in (secretary, guardian):
        assert queue_task(viewer, YEAR, kind="report_card").queue == "reports"


def test_report_cards_of_small_network_use_reports_queue(admin):
    assert queue_task(admin, YEAR, kind="report_card").queue == "reports"


def test_class_performance_of_network_uses_reports_queue(lower_bulk_threshold, admin):
    assert queue_task(admin, {}, kind="class_performance").queue == "reports"


def test_data_export_uses_bulk_queue(secretary):
    table = {"table": "grades"}

    assert queue_task(secretary, table, kind="data_export").queue == "reports.bulk"
