"""A new format is one new file: tested by adding one to a copy of the repository."""

import pytest
import yaml

from tasks.rendering.format_registry import default_formats
from tasks.reporting import registry
from tests.support.repo_copy import RepoCopy

FORMAT_SOURCE = '''"""TSV: a line a row, cells between tabs."""

from typing import IO

from tasks.rendering.cells import escape_formula
from tasks.rendering.format import Format
from tasks.rendering.table import Table


class TabSeparated(Format):
    label = "TSV"
    media_type = "text/tab-separated-values; charset=utf-8"
    extension = "tsv"
    audience = "programs"
    is_default = True
    is_compressible = True

    def write_table(self, table: Table, file: IO[bytes]) -> None:
        for row in table.rows:
            cells = (escape_formula(" ".join(str(cell).split())) for cell in row)
            file.write("\\t".join(cells).encode() + b"\\n")
'''


@pytest.mark.one_database("format discovery does not depend on the database")
@pytest.mark.deep("it generates and tests a copy of the tree")
@pytest.mark.timeout(300)  # it runs a pytest process
def test_new_default_format_is_one_file(tmp_path):
    tree = RepoCopy(tmp_path)

    (tree.root / "tasks/formats/tsv.py").write_text(FORMAT_SOURCE)
    tree.generate()

    assert tree.changed_files() == {"tasks/formats/tsv.py", "openapi.yaml"}
    spec = yaml.safe_load((tree.root / "openapi.yaml").read_text())
    schemas = spec["components"]["schemas"]
    assert "tsv" in schemas["Format"]["enum"]
    for kind, report in registry.report_classes().items():
        if report.__module__.startswith("tasks.reports."):
            name = "".join(part.capitalize() for part in kind.split("_"))
            formats = schemas[f"{name}Request"]["properties"]["format"]["enum"]
            assert ("tsv" in formats) == (set(report.formats) >= set(default_formats()))
    answers = spec["paths"]["/tasks/{task_id}/result"]["get"]["responses"]
    assert "text/tab-separated-values" in answers["200"]["content"]
    tree.run_python("-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider",
        "-k", "tsv or class_performance or catalogue_entry or default_formats or field_errors",
        "tests/tasks/reports/test_every_report.py", "tests/tasks/formats/test_formats.py",
        "tests/api/views/test_reports.py", "tests/api/i18n/test_languages.py")  # fmt: skip
