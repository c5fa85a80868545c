import pytest

from tests.figures import awkward, movers, pupils
from tests.figures.oracle import World


def _build() -> awkward.Awkward:
    built = awkward.build()
    pupils.enrol(built)
    movers.enrol(built)
    built.builder.save()
    awkward.look(built)
    return built


@pytest.fixture(scope="module")
def built(written_once) -> awkward.Awkward:
    return written_once(_build)


@pytest.fixture
def world(built, db: None, monkeypatch: pytest.MonkeyPatch) -> awkward.Awkward:
    """The awkward network, beside the demo's."""
    # What the test writes is never committed, so a second connection would not see it.
    monkeypatch.setattr("school.db.snapshot.ALIAS", "default")
    return built


@pytest.fixture(scope="module")
def reckoned(built, written_once) -> World:
    """All that is recorded, read once: no test of the figures changes any of it."""
    return written_once(World)
