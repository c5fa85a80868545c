"""A new format is one new file: proved by adding one to a copy of the tree."""

import pytest
import yaml

from tests.support.repo_copy import RepoCopy

FORMAT_SOURCE = '''"""TSV: a line a row, cells between tabs."""

from typing import IO

from tasks.rendering.cells import escape_formula
from tasks.rendering.format import Format
from tasks.rendering.table import Table


class TabSeparated(Format):
    media_type = "text/tab-separated-values; charset=utf-8"
    extension = "tsv"

    def write_table(self, table: Table, file: IO[bytes]) -> None:
        for row in table.rows:
            cells = (escape_formula(" ".join(str(cell).split())) for cell in row)
            file.write("\\t".join(cells).encode() + b"\\n")
'''
REPORT_PATH = "tasks/reports/class_performance.py"


@pytest.mark.one_database("a file of a format is found the same way on both")
@pytest.mark.deep("it generates and tests a copy of the tree")
@pytest.mark.timeout(300)  # it runs tests of its own
def test_one_file_is_all_a_format_takes_and_a_kind_that_offers_it(tmp_path):
    tree = RepoCopy(tmp_path)
    kind = tree.root / REPORT_PATH

    (tree.root / "tasks/formats/tsv.py").write_text(FORMAT_SOURCE)
    offered = '    formats = ("json", "tsv")\n    example = '
    kind.write_text(kind.read_text().replace("    example = ", offered, 1))
    tree.generate()

    assert tree.changed_files() == {"tasks/formats/tsv.py", REPORT_PATH, "openapi.yaml"}
    spec = yaml.safe_load((tree.root / "openapi.yaml").read_text())
    assert "tsv" in spec["components"]["schemas"]["Format"]["enum"]
    answers = spec["paths"]["/tasks/{task_id}/result"]["get"]["responses"]
    assert "text/tab-separated-values" in answers["200"]["content"]
    tree.run_python("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "class_performance",
        "tests/tasks/reports/test_every_report.py")  # fmt: skip
