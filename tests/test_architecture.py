"""Architecture and style rules, checked in the source."""

import ast
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_FILE_LINES, MAX_FUNCTION_LINES = 260, 55
CLAUSE = re.compile(
    r"(what|of|whether|who|whom|whose|by|how|which|where|when|that|from|as|for|in|on|with|to)\b",
    re.IGNORECASE,
)
"""The words that open a relative clause or a prepositional phrase."""
MAX_CLAUSE_SHARE = 0.03
SOURCE_FILES = [
    path
    for package in ("api", "school", "tasks")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "migrations" not in path.parts
]


def files_matching(pattern: str) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in SOURCE_FILES
        if re.search(pattern, path.read_text())
    }


def test_only_four_modules_import_redis():
    assert files_matching(r"(?m)^import redis$|^from redis") == {
        "tasks/redis_store/client.py", "school/runtime/embedded_redis.py",
        "school/runtime/redis_connections.py", "school/runtime/redis_diagnosis.py",
    }  # fmt: skip


def test_only_one_module_makes_connections_to_redis():
    assert files_matching(r"\bfrom_url\b|redis\.\w*Connection\b") == {
        "school/runtime/redis_connections.py",
    }  # fmt: skip


def test_only_lifecycle_writes_task_states():
    assert files_matching(r"update\([^)]*\bstate=") == set()
    assert files_matching(r"\btasks\.transitions\b") == {"tasks/lifecycle.py"}
    assert files_matching(r"\bPreparedRowUpdate\b") == {
        "school/prepared_sql.py", "tasks/lifecycle.py", "tasks/transitions.py",
    }  # fmt: skip
    assert files_matching(r"\bPreparedUpdate\b") == {
        "school/prepared_sql.py", "tasks/status/projection.py",
    }  # fmt: skip


def test_only_access_reads_attachments():
    readers = files_matching(r"\bAttachment\b") - {
        "school/models/__init__.py", "school/models/attachments.py",
        "school/admin/users.py", "school/demo/loading.py",
    }  # fmt: skip

    assert readers == {"school/access.py", "school/record_access.py"}


def test_only_one_module_signs_and_verifies_tokens():
    assert files_matching(r"(?m)^\s*(from|import) jwt\b") == {"api/auth/tokens.py"}
    assert files_matching(r"import_module\(.jwt") == set()


def test_only_settings_read_environment():
    assert files_matching(r"os\.environ\[|os\.environ\.get|getenv") == set()
    assert files_matching(r"\bEnvironment\(") == {"school/settings.py"}


@pytest.mark.guarantee("No figure of a report depends on the day on which it is made.")
def test_code_of_reports_reads_no_clock():
    clock = r"timezone\.(now|local)|\b(date|datetime)\.(today|now)|time\.time|\bNow\(|CURRENT_"
    readers = files_matching(clock)

    folders = ("school/grading", "school/records", "tasks/formats", "tasks/rendering",
               "tasks/reporting", "tasks/reports")  # fmt: skip
    assert "tasks/worker/file_names.py" in readers  # the pattern finds something
    assert {path for path in readers if path.startswith(folders)} == set()


def test_code_is_neither_eager_nor_async():
    assert files_matching(r"ALWAYS_EAGER|always_eager|async def|async_to_sync") == set()


@pytest.mark.parametrize(
    "path", SOURCE_FILES, ids=lambda path: str(path.relative_to(ROOT))
)
def test_file_has_docstring_and_limited_length(path):
    text = path.read_text()
    if not text.strip():
        assert path.parent.name in {"management", "commands"}
        return
    docstring = ast.get_docstring(ast.parse(text))

    assert docstring
    assert docstring.splitlines()[0].endswith((".", ":"))
    assert len(text.splitlines()) <= MAX_FILE_LINES


@pytest.mark.parametrize(
    "path", SOURCE_FILES, ids=lambda path: str(path.relative_to(ROOT))
)
def test_functions_have_limited_length(path):
    too_long = [
        (node.name, node.end_lineno - node.lineno + 1)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    ]

    assert too_long == []


def test_few_docstrings_open_with_a_clause():
    docstrings = [
        (str(path.relative_to(ROOT)), docstring.splitlines()[0])
        for path in SOURCE_FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if (docstring := ast.get_docstring(node))
    ]
    clauses = [entry for entry in docstrings if CLAUSE.match(entry[1])]

    assert len(docstrings) > 500
    assert len(clauses) <= MAX_CLAUSE_SHARE * len(docstrings), clauses


def test_guarantees_page_is_current(request):
    spec = spec_from_file_location("guarantees", ROOT / "docs" / "guarantees.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)

    assert module.PAGE.read_text() == module.page(), "run `make generate`"
    marked = {
        mark.args
        for item in request.session.items
        for mark in item.iter_markers("guarantee")
    }
    assert marked <= {(guarantee,) for guarantee in module.guarantees()}
