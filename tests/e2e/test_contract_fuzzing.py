"""The contract, tried by requests that nobody thought of; `make fuzz` tries many more."""

import pytest

from tests.fuzz.run import NOBODY, USERS, Plan, environment, fuzz, write_users
from tests.support.environment import DATABASE
from tests.support.stack import Stack, new_database

EVERYTHING = Plan(examples=3, seed=1)
QUICKLY = Plan(examples=2, seed=1, phases=("fuzzing", "stateful"))
"""What is tried one by one does not depend on the role."""

pytestmark = [
    pytest.mark.deep("it sends hundreds of requests as each role"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory):
    """Another than all others': whoever logs in at random is soon throttled."""
    url = new_database() if DATABASE == "postgresql" else ""
    with Stack(tmp_path_factory.mktemp("fuzz"), url, **environment()) as running:
        yield running


@pytest.fixture(scope="module")
def users(own_stack):
    return write_users(own_stack)


@pytest.mark.guarantee(
    "Every answer matches the contract, and no user gets another's task."
)
@pytest.mark.parametrize("role", [*USERS, NOBODY])
def test_whatever_is_asked_is_answered_as_the_contract_says(own_stack, users, role):
    plan = EVERYTHING if role == "secretary" else QUICKLY

    found = fuzz(own_stack, users, role, plan)

    assert not found.failures, found.text
    assert found.cases > 30
