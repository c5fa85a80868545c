import uuid

from hypothesis import given
from hypothesis import strategies as st

from tasks import backlog


def task_id(milliseconds: int) -> uuid.UUID:
    return uuid.UUID(int=milliseconds << 80)


@given(st.integers(1, 9000), st.data())
def test_place_is_exact_in_front_and_near_behind(length, data):
    rank = data.draw(st.integers(1, length))
    marks = [[r, r * 10] for r in backlog._ranks(length)]

    place = backlog.place(task_id(rank * 10), {"marks": marks, "pace": 2.0})

    if rank <= backlog.EXACT_RANKS:
        assert place["position"] == rank
    assert 0.9 * rank - 1 <= place["position"] <= rank
    assert place["wait_seconds"] == 2 * place["position"]


def test_marks_stay_few():
    assert len(backlog._ranks(backlog.DEEPEST)) < 100


def test_place_is_unknown_while_nobody_measures():
    assert backlog.place(task_id(1), {}) is None
