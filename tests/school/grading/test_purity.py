import ast
from pathlib import Path

from school import grading

ALLOWED = ("school.grading", "django.utils", "pydantic", "pydantic_core")


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_grading_imports_no_models_and_reads_no_clock():
    paths = sorted(Path(grading.__file__).parent.glob("*.py"))
    modules = {m for path in paths for m in imported_modules(path)}
    outside = {m for m in modules if not m.startswith(ALLOWED)}

    assert outside == {
        "collections.abc", "dataclasses", "datetime", "decimal", "enum", "fractions",
        "functools", "math", "operator", "typing",
    }  # fmt: skip
    texts = "".join(path.read_text() for path in paths)
    assert "today(" not in texts
    assert "now(" not in texts
    assert "float" not in texts.replace("no float", "")
