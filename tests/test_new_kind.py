"""A new kind of report is one new file: proved by adding one to a copy of the tree."""

import pytest
import yaml

from tests.support.repo_copy import RepoCopy

REPORT_SOURCE = '''"""How many students each class has."""

from collections.abc import Iterator, Sequence

from django.db.models import Count

from school.models import Role
from tasks.reporting.parameters import Id, ReportParameters
from tasks.reporting.report import Report
from tasks.rendering.columns import Column, Row


class Parameters(ReportParameters):
    class_id: Id | None = None


class ClassSizes(Report[Parameters]):
    title = "Class sizes"
    description = "How many students each class has."
    allowed_roles = frozenset(Role)
    example = {"class_id": 1}

    def columns(self) -> Sequence[Column]:
        return [Column("class", "Class"), Column("students", "Students", "integer")]

    def rows(self) -> Iterator[Row]:
        sizes = self.enrolments.order_by("school_class").values_list("school_class__name")
        yield from sizes.annotate(Count("pk")).iterator()

    def total(self) -> int:
        return self.enrolments.values("school_class").distinct().count()
'''


@pytest.mark.timeout(300)  # it runs tests of its own
@pytest.mark.one_database("a file of a kind is found the same way on both")
@pytest.mark.deep("it generates and tests a copy of the tree")
def test_one_file_is_all_a_kind_takes(tmp_path):
    tree = RepoCopy(tmp_path)

    (tree.root / "tasks/reports/class_sizes.py").write_text(REPORT_SOURCE)
    tree.generate()

    assert tree.changed_files() == {"tasks/reports/class_sizes.py", "openapi.yaml"}
    spec = yaml.safe_load((tree.root / "openapi.yaml").read_text())
    examples = spec["paths"]["/reports"]["post"]["requestBody"]["content"]
    assert "class_sizes, csv" in examples["application/json"]["examples"]
    tree.run_python("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "class_sizes or query_count or openapi",
        "tests/tasks/reports/test_every_report.py", "tests/api/openapi/test_openapi_document.py")  # fmt: skip
