"""Writes docs/guarantees.md: each guarantee of the service and the tests that hold it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "guarantees.md"
MARKER = "pytest.mark.guarantee"
HEAD = """\
# Guarantees and their tests

`make generate` writes this page from the tests. A test that holds a guarantee says so by
`@pytest.mark.guarantee("...")`; each of these tests fails when the guarantee is broken.

| guarantee | tests |
|---|---|
"""


def guarantees() -> dict[str, list[str]]:
    """The tests of each guarantee, as pytest names them."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for guarantee, test in _marked(ast.parse(path.read_text())):
            name = f"{path.relative_to(ROOT).as_posix()}::{test}"
            found.setdefault(guarantee, []).append(name)
    return dict(sorted(found.items()))


def _marked(module: ast.Module) -> Iterator[tuple[str, str]]:
    for function in module.body:
        if isinstance(function, ast.FunctionDef):
            for mark in function.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == MARKER:
                    yield ast.literal_eval(mark.args[0]), function.name


def page() -> str:
    rows = (
        f"| {guarantee} | {'<br>'.join(f'`{test}`' for test in tests)} |\n"
        for guarantee, tests in guarantees().items()
    )
    return HEAD + "".join(rows)


def main() -> int:
    if "--check" in sys.argv:
        return int(not PAGE.exists() or PAGE.read_text() != page())
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
