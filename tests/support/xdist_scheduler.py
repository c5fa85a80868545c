"""Distribution of the tests to xdist workers: groups stay together, long tests start first.

`--dist loadgroup` would keep groups together, but with pytest 9.2 it silently does nothing
(pytest-dev/pytest-xdist, issue 1386): each worker then started every service again.
"""

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

GROUPS = {
    # Each of these starts its own stack.
    "guide": ("docs/test_guide_pt_br",),
    "pools": ("docs/test_guide_pools",),
    "redis": ("e2e/test_redis_addresses",),
    "stuck": ("e2e/test_stuck_workers",),
    "chaos": ("e2e/test_chaos",),
    "contract": ("e2e/test_contract_fuzzing",),
    "database": ("e2e/test_database_unavailable",),
    # These disturb the workers of their stack, which they share with no other group.
    "workers": ("e2e/test_pdf_reports", "e2e/test_worker_crash", "e2e/test_worker_shutdown"),
    "web": (
        "e2e/test_swagger_ui", "e2e/test_browser", "e2e/test_typescript_client",
        "e2e/test_downloads", "e2e/test_celery_commands", "e2e/test_reports",
        "e2e/test_fair_scheduling",
    ),
    "stack": ("e2e/",),
    "up": ("e2e/test_up",),
}  # fmt: skip
"""Path prefixes of each group of tests; the first match counts."""
LONG_RUNNING = (
    "tasks/test_lifecycle_state_machine", "tasks/reports/figures/test_random_networks", "test_new_kind", "test_new_format",
    "api/access_matrix/test_reports", "tasks/reports/figures/", "tasks/reports/test_every_report", "api/access_matrix/",
)  # fmt: skip
"""Path prefixes that follow the groups; tests that flush the database run last."""
SHORT = len(GROUPS) + len(LONG_RUNNING)
"""Rank of all other tests."""


def group_of(nodeid: str) -> str | None:
    path = nodeid.removeprefix("tests/")
    return next(
        (name for name, prefixes in GROUPS.items() if path.startswith(prefixes)), None
    )


def _rank(nodeid: str) -> int:
    group, path = group_of(nodeid), nodeid.removeprefix("tests/")
    if group is not None:
        return [*GROUPS].index(group)
    return next(
        (
            rank
            for rank, prefix in enumerate(LONG_RUNNING, len(GROUPS))
            if path.startswith(prefix)
        ),
        SHORT,
    )


class GroupScheduling(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid) or nodeid

    def _assign_work_unit(self, node: WorkerController) -> None:
        """Queue only short tests behind a group, since another worker may be free earlier."""
        assigned = self.assigned_work[node]
        if any(not all(assigned[unit].values()) for unit in GROUPS.keys() & assigned):
            self.workqueue.move_to_end(self._short_unit(), last=False)
        super()._assign_work_unit(node)

    def _short_unit(self) -> str:
        alone = [unit for unit in self.workqueue if unit not in GROUPS]
        short = (unit for unit in alone if _rank(unit) == SHORT)
        return next(short, alone[-1] if alone else next(iter(self.workqueue)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> GroupScheduling:
    config.option.loadscopereorder = False  # keep the order of `_rank`
    return GroupScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    if hasattr(config, "workerinput"):  # without xdist, keep the order of the files
        items.sort(key=lambda item: _rank(item.nodeid))
