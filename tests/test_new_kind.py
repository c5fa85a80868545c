"""A new kind of report is one new file: proved by adding one to a copy of the tree."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.environment import DATABASE

ROOT = Path(__file__).parent.parent
THIRD = '''"""How many students each class has."""

from collections.abc import Iterator, Sequence

from django.db.models import Count

from school.models import Role
from tasks.asking.parameters import Id, ReportParameters
from tasks.reports.base import Report
from tasks.tables import Column, Row


class Parameters(ReportParameters):
    class_id: Id | None = None


class ClassSizes(Report[Parameters]):
    title = "Class sizes"
    description = "How many students each class has."
    audience = frozenset(Role)
    example = {"class_id": 1}

    def columns(self) -> Sequence[Column]:
        return [Column("class", "Class"), Column("students", "Students", "integer")]

    def rows(self) -> Iterator[Row]:
        sizes = self.enrolments.order_by("school_class").values_list("school_class__name")
        yield from sizes.annotate(Count("pk")).iterator()

    def total(self) -> int:
        return self.enrolments.values("school_class").distinct().count()
'''


@pytest.mark.skipif(DATABASE != "sqlite", reason="once is enough")
def test_one_file_is_all_a_kind_takes(tmp_path):
    tree = tmp_path / "tree"
    ignored = shutil.ignore_patterns(
        ".venv", "var", ".git", ".*_cache", "__pycache__", "node_modules"
    )
    shutil.copytree(ROOT, tree, ignore=ignored)
    environment = {**os.environ, "VAR_DIR": str(tmp_path / "var")}
    for name in ("PYTEST_XDIST_WORKER", "REPORT_PACKAGES", "DATABASE_URL"):
        environment.pop(name, None)

    def run(*command: str) -> None:
        subprocess.run(
            [sys.executable, *command], cwd=tree, env=environment, check=True
        )

    def changed() -> set[str]:
        return {
            str(path.relative_to(tree))
            for path in tree.rglob("*")
            if path.is_file()
            and "__pycache__" not in path.parts
            and (
                not (ROOT / path.relative_to(tree)).exists()
                or path.read_bytes() != (ROOT / path.relative_to(tree)).read_bytes()
            )
        }

    (tree / "tasks/reports/class_sizes.py").write_text(THIRD)
    run("manage.py", "spectacular", "--fail-on-warn", "--file", "openapi.yaml")
    run("docs/catalogues.py")
    run("docs/map.py")
    run("manage.py", "makemigrations", "--check", "--dry-run")

    assert changed() == {"tasks/reports/class_sizes.py", "openapi.yaml"}
    spec = yaml.safe_load((tree / "openapi.yaml").read_text())
    examples = spec["paths"]["/reports"]["post"]["requestBody"]["content"]
    assert "class_sizes, csv" in examples["application/json"]["examples"]
    run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/tasks/test_every_report.py",
        "tests/api/test_openapi.py")  # fmt: skip
