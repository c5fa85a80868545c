"""A new kind of report is two new files: tested by adding them to a copy of the repository."""

import pytest
import yaml

from tests.support.repo_copy import RepoCopy

REPORT_PATH = "tasks/reports/class_sizes.py"
REPORT_SOURCE = '''"""Number of enrolments of each class."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from django.db.models import Count

from school.models import Role
from tasks.rendering.columns import Column, Row
from tasks.reporting.report import Report
from tasks.reporting.student_report import StudentParameters

ORDER = (
    "school_class__school__sort_key", "school_class__school_id",
    "school_class__sort_key", "school_class_id",
)


class Direction(StrEnum):
    ASCENDING = "ascending"
    DESCENDING = "descending"


class Parameters(StudentParameters):
    direction: Direction = Direction.ASCENDING


class ClassSizes(Report[Parameters]):
    title = "Class sizes"
    description = "Number of enrolments of each class."
    allowed_roles = frozenset(Role)
    example = {"class_id": 1}

    def columns(self) -> Sequence[Column]:
        return [
            Column("school", "School"), Column("class", "Class"),
            Column("enrolments", "Enrolments", "integer"),
        ]

    def rows(self) -> Iterator[Row]:
        names = ("school_class__school__name", "school_class__name")
        enrolments = self.enrolments.order_by(*ORDER)
        if self.parameters.direction == Direction.DESCENDING:
            enrolments = enrolments.reverse()
        sizes = enrolments.values_list(*names)
        yield from sizes.annotate(Count("pk")).iterator()

    def total(self) -> int:
        return self.enrolments.order_by().values("school_class").distinct().count()
'''
EXPECTED_PATH = "tests/tasks/reports/figures/expected/class_sizes.py"
EXPECTED_SOURCE = '''"""Expected class sizes: a row per class."""

from collections import Counter

from tests.tasks.reports.figures.expected.base import ExpectedReport
from tests.support.oracle.selection import Rows, Selection


def rows(selection: Selection) -> Rows:
    sizes = Counter(e.school_class for e in selection.enrolments)
    return [
        {"school": one.school.name, "class": one.name, "enrolments": size}
        for one, size in sizes.items()
    ]


EXPECTED = ExpectedReport(
    roles={"administrator", "staff", "teacher", "guardian"},
    reach="SELECTED",
    rows=rows,
    skipped=lambda selection: {},
    skipped_of_inconsistent_class={},
    students="none",
)
'''
TESTS_OF_ALL_KINDS = (
    "class_sizes or query_count or openapi or outcome_tables or export_outcomes or catalogue_lists "
    "or random_network or reach_cases or kinds_match or file_of_expected"
)
"""Tests with a case for the new kind, and those that loop over all kinds."""
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not deep")

pytestmark = pytest.mark.one_database("kind discovery does not depend on the database")


@pytest.fixture
def tree(tmp_path):
    """Copy of the repository with a new kind that has no expected figures yet."""
    tree = RepoCopy(tmp_path)
    (tree.root / REPORT_PATH).write_text(REPORT_SOURCE)
    return tree


@pytest.mark.timeout(300)  # it runs a pytest process
@pytest.mark.deep("it generates and tests a copy of the tree")
def test_new_kind_needs_two_files(tree):
    (tree.root / EXPECTED_PATH).write_text(EXPECTED_SOURCE)
    tree.generate()

    assert tree.changed_files() == {REPORT_PATH, EXPECTED_PATH, "openapi.yaml"}
    spec = yaml.safe_load((tree.root / "openapi.yaml").read_text())
    assert spec["components"]["schemas"]["ClassSizesDirection"]["enum"] == [
        "ascending",
        "descending",
    ]
    examples = spec["paths"]["/reports"]["post"]["requestBody"]["content"]
    assert "class_sizes, csv" in examples["application/json"]["examples"]
    tree.run_python(*PYTEST, "-k", TESTS_OF_ALL_KINDS, "tests/tasks/reports",
        "tests/api/access_matrix", "tests/api/openapi/test_openapi_document.py")  # fmt: skip


@pytest.mark.deep("it tests a copy of the tree")
def test_failure_without_expected_figures_names_the_file(tree):
    output = tree.run_failing_python(
        *PYTEST, "tests/tasks/reports/figures/test_expected_files.py"
    )

    assert "1 failed" in output
    assert f"{REPORT_PATH} has no expected figures. Write {EXPECTED_PATH}, " in output
    assert "EXPECTED = ExpectedReport(roles=..., reach=..., rows=..., " in output
