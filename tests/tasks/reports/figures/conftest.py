import pytest

from tests.support.earlier_release import earlier_release
from tests.support.oracle.selection import Dataset
from tests.tasks.reports.figures import edge_cases, students, transfers


def _build_edge_cases() -> edge_cases.EdgeCaseNetwork:
    network = edge_cases.build_network()
    # Figures are right for inconsistent records of earlier releases, too.
    with earlier_release():
        students.enrol_students(network)
        transfers.enrol_transfers(network)
    edge_cases.create_viewers(network)
    return network


@pytest.fixture(scope="module")
def module_network(create_for_module) -> edge_cases.EdgeCaseNetwork:
    return create_for_module(_build_edge_cases)


@pytest.fixture
def edge_network(
    module_network, db: None, monkeypatch: pytest.MonkeyPatch
) -> edge_cases.EdgeCaseNetwork:
    """Network of edge cases, beside the demo network."""
    # The test commits nothing, so a second connection would not see its data.
    monkeypatch.setattr("school.db.snapshot.ALIAS", "default")
    return module_network


@pytest.fixture(scope="module")
def dataset(module_network, create_for_module) -> Dataset:
    """All records, read once; no test of the figures changes them."""
    return create_for_module(Dataset)
