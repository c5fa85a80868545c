import pytest

from tests.tasks.reports.figures import edge_cases, students, transfers
from tests.tasks.reports.figures.oracle import World


def _build() -> edge_cases.Awkward:
    built = edge_cases.build()
    students.enrol(built)
    transfers.enrol(built)
    built.builder.save()
    edge_cases.look(built)
    return built


@pytest.fixture(scope="module")
def built(written_once) -> edge_cases.Awkward:
    return written_once(_build)


@pytest.fixture
def world(built, db: None, monkeypatch: pytest.MonkeyPatch) -> edge_cases.Awkward:
    """The awkward network, beside the demo's."""
    # What the test writes is never committed, so a second connection would not see it.
    monkeypatch.setattr("school.db.snapshot.ALIAS", "default")
    return built


@pytest.fixture(scope="module")
def reckoned(built, written_once) -> World:
    """All that is recorded, read once: no test of the figures changes any of it."""
    return written_once(World)
