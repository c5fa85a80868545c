"""How the tests are shared out to several processes: what belongs together, and the longest first.

`--dist loadgroup` would do the first, but with pytest 9.2 it does nothing, and says nothing
of it (pytest-dev/pytest-xdist, issue 1386): each process then started each service anew.
"""

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = {
    # They hurt its workers: one stack.
    "workers": ("road/test_papers", "road/test_worker_killed", "road/test_worker_stopped"),
    # Each has one of its own.
    "houses": ("road/test_chaos", "road/test_contract", "road/test_database_away"),
    "pages": (
        "road/test_swagger_ui", "road/test_browser", "road/test_typescript_client",
        "road/test_downloads",
    ),
    "commands": ("test_up", "test_new_kind", "test_new_format"),
    "stack": ("road/",),
}  # fmt: skip
"""By name of the group, how its files begin; the first that fits counts."""
LONG = (
    "tasks/test_lifecycle_model", "api/matrix/test_reports", "figures/",
    "tasks/test_every_report", "api/matrix/",
)  # fmt: skip
"""What comes next; none of it empties the database, which those do that come last."""


def group_of(nodeid: str) -> str | None:
    path = nodeid.removeprefix("tests/")
    return next(
        (name for name, begin in TOGETHER.items() if path.startswith(begin)), None
    )


def _rank(nodeid: str) -> int:
    group, path = group_of(nodeid), nodeid.removeprefix("tests/")
    if group is not None:
        return [*TOGETHER].index(group)
    return len(TOGETHER) + next(
        (n for n, begin in enumerate(LONG) if path.startswith(begin)), len(LONG)
    )


class Sharing(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid) or nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Sharing:
    config.option.loadscopereorder = False  # the order is ours
    return Sharing(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    if hasattr(config, "workerinput"):  # one process alone keeps the order of the files
        items.sort(key=lambda item: _rank(item.nodeid))
