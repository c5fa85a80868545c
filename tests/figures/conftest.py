import pytest

from tests.figures import awkward, movers, pupils


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> awkward.Awkward:
    """The awkward network, beside the demo's."""
    # What the test writes is never committed, so a second connection would not see it.
    monkeypatch.setattr("school.snapshot.ALIAS", "default")
    built = awkward.build()
    pupils.enrol(built)
    movers.enrol(built)
    built.builder.save()
    awkward.look(built)
    return built
