"""Expected figures of every kind of report, discovered like the kinds: one module per kind.

`<kind>.py` defines `EXPECTED`, an `ExpectedReport`. All tests for every kind take their
kinds, roles and cases from here, so that a new kind needs no line in any of them.
"""

import pkgutil
from collections.abc import Mapping
from importlib import import_module

from school import models as m
from tests.support.oracle import visibility
from tests.support.oracle.selection import Dataset, Rows, Selection
from tests.tasks.reports.figures.expected.base import (
    ExpectedReport,
    required_arguments,
)

FOLDER = "tests/tasks/reports/figures/expected"


def _load_kinds() -> dict[str, ExpectedReport]:
    names = [info.name for info in pkgutil.iter_modules(__path__)]
    return {name: _load_kind(name) for name in sorted(names) if name != "base"}


def _load_kind(kind: str) -> ExpectedReport:
    expected = getattr(import_module(f"{__name__}.{kind}"), "EXPECTED", None)
    if not isinstance(expected, ExpectedReport):
        raise TypeError(f"{FOLDER}/{kind}.py must define {_definition()}.")
    return expected


def missing_file_message(kind: str) -> str:
    """Return which file a kind lacks and what the file must define."""
    return (
        f"tasks/reports/{kind}.py has no expected figures. Write {FOLDER}/{kind}.py, which "
        f"must define {_definition()}. {FOLDER}/base.py describes every argument."
    )


def _definition() -> str:
    arguments = ", ".join(f"{name}=..." for name in required_arguments())
    return f"EXPECTED = ExpectedReport({arguments})"


EXPECTED = _load_kinds()
FIGURE_KINDS = [kind for kind, expected in EXPECTED.items() if expected.rows]
"""Kinds with figures; the others export records."""
ALLOWED_ROLES = {kind: set(expected.roles) for kind, expected in EXPECTED.items()}
"""Allowed roles of each kind of report."""


def select(
    viewer: m.User, parameters: Mapping[str, object], dataset: Dataset | None = None
) -> Selection:
    dataset = dataset or Dataset()
    visible = visibility.visible_to(viewer, dataset.enrolments)
    return Selection(
        dataset, visible, visibility.select_enrolments(visible, parameters), parameters
    )


def expected_rows(
    kind: str,
    viewer: m.User,
    parameters: Mapping[str, object],
    dataset: Dataset | None = None,
) -> Rows:
    """Return all rows in order, cells as in JSON, without text columns."""
    rows = EXPECTED[kind].rows
    assert rows is not None, kind
    return rows(select(viewer, parameters, dataset))


def expected_skipped(
    kind: str,
    viewer: m.User,
    parameters: Mapping[str, object],
    dataset: Dataset | None = None,
) -> dict[str, int]:
    """Return the number of skipped records or students by reason."""
    skipped_counts = EXPECTED[kind].skipped
    assert skipped_counts is not None, kind
    counts = skipped_counts(select(viewer, parameters, dataset))
    return {reason: count for reason, count in counts.items() if count}
