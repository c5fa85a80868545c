"""Short fuzzing run of the API contract; `make fuzz` sends many more requests."""

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
"""Plan without the `examples` and `coverage` phases, which do not depend on the role."""

pytestmark = [
    pytest.mark.deep("it sends hundreds of requests per role"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def fuzz_stack(tmp_path_factory):
    """A separate stack, since random logins soon exhaust the rate limits."""
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
def test_fuzzed_requests_get_documented_responses(fuzz_stack, users_path, role):
    plan = FULL_PLAN if role == "secretary" else QUICK_PLAN

    result = run_fuzz(fuzz_stack, users_path, role, plan)

    assert not result.failures, result.output
    assert result.cases > 30
