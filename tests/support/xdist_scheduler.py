"""How the tests are shared out to several processes: what belongs together, and the longest first.

`--dist loadgroup` would do the first, but with pytest 9.2 it does nothing, and says nothing
of it (pytest-dev/pytest-xdist, issue 1386): each process then started each service anew.
"""

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

GROUPS = {
    # Each has a stack of its own.
    "chaos": ("e2e/test_chaos",),
    "contract": ("e2e/test_contract_fuzzing",),
    "database": ("e2e/test_database_unavailable",),
    # They hurt its workers: one stack.
    "workers": ("e2e/test_pdf_reports", "e2e/test_worker_crash", "e2e/test_worker_shutdown"),
    "web": (
        "e2e/test_swagger_ui", "e2e/test_browser", "e2e/test_typescript_client",
        "e2e/test_downloads", "e2e/test_celery_commands", "e2e/test_reports",
        "e2e/test_fair_scheduling",
    ),
    "stack": ("e2e/",),
    "up": ("e2e/test_up",),
}  # fmt: skip
"""By name of the group, how its files begin; the first that fits counts."""
LONG_RUNNING = (
    "tasks/test_lifecycle_state_machine", "tasks/reports/figures/test_random_networks", "test_new_kind", "test_new_format",
    "api/access_matrix/test_reports", "tasks/reports/figures/", "tasks/reports/test_every_report", "api/access_matrix/",
)  # fmt: skip
"""What comes next; none of it empties the database, which those do that come last."""
SHORT = len(GROUPS) + len(LONG_RUNNING)
"""The rank of all other tests."""


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
            n
            for n, prefix in enumerate(LONG_RUNNING, len(GROUPS))
            if path.startswith(prefix)
        ),
        SHORT,
    )


class GroupScheduling(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid) or nodeid

    def _assign_work_unit(self, node: WorkerController) -> None:
        """Queue nothing long behind a group: another process may be free before."""
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
    config.option.loadscopereorder = False  # the order is ours
    return GroupScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    if hasattr(config, "workerinput"):  # one process alone keeps the order of the files
        items.sort(key=lambda item: _rank(item.nodeid))
