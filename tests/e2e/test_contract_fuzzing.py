"""The contract, tried by requests that nobody thought of; `make fuzz` tries many more."""

import pytest

from tests.fuzz.run import (
    ANONYMOUS,
    USERS,
    FuzzPlan,
    run_fuzz,
    stack_environment,
    write_users,
)
from tests.support.environment import DATABASE
from tests.support.stack import Stack, create_database

FULL_PLAN = FuzzPlan(examples=3, seed=1)
QUICK_PLAN = FuzzPlan(examples=2, seed=1, phases=("fuzzing", "stateful"))
"""What is tried one by one does not depend on the role."""

pytestmark = [
    pytest.mark.deep("it sends hundreds of requests as each role"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def fuzz_stack(tmp_path_factory):
    """Another than all others': whoever logs in at random is soon throttled."""
    url = create_database() if DATABASE == "postgresql" else ""
    with Stack(tmp_path_factory.mktemp("fuzz"), url, **stack_environment()) as service:
        yield service


@pytest.fixture(scope="module")
def users_path(fuzz_stack):
    return write_users(fuzz_stack)


@pytest.mark.guarantee(
    "Every answer matches the contract, and no user gets another's task."
)
@pytest.mark.parametrize("role", [*USERS, ANONYMOUS])
def test_whatever_is_asked_is_answered_as_the_contract_says(
    fuzz_stack, users_path, role
):
    plan = FULL_PLAN if role == "secretary" else QUICK_PLAN

    found = run_fuzz(fuzz_stack, users_path, role, plan)

    assert not found.failures, found.output
    assert found.cases > 30
