"""Files of expected figures: one for every kind of report."""

import pytest

from tasks.reporting import registry
from tests.tasks.reports.figures.expected import (
    ALLOWED_ROLES,
    EXPECTED,
    missing_file_message,
)

pytestmark = pytest.mark.one_database("it compares names of files")

REPORTS = {
    kind: report
    for kind, report in registry.report_classes().items()
    if report.__module__.startswith("tasks.reports.")
}


@pytest.mark.parametrize("kind", REPORTS)
def test_kind_has_file_of_expected_figures(kind):
    assert kind in EXPECTED, missing_file_message(kind)
    assert REPORTS[kind].allowed_roles == ALLOWED_ROLES[kind]
    assert REPORTS[kind].reach.name == EXPECTED[kind].reach


def test_every_file_of_expected_figures_has_a_kind():
    assert set(EXPECTED) <= set(REPORTS)


def test_message_of_missing_file_names_path_and_arguments():
    message = missing_file_message("class_sizes")

    assert "Write tests/tasks/reports/figures/expected/class_sizes.py, which" in message
    assert "ExpectedReport(roles=..., reach=..., rows=..., skipped=..., " in message
