"""Generator of docs/guarantees.md: the guarantees of the service and their tests."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "guarantees.md"
MARKER = "pytest.mark.guarantee"
HEAD = """\
# Guarantees and their tests

`make generate` writes this page from the tests marked `@pytest.mark.guarantee("...")`. Each
of these tests fails if its guarantee is broken.

| guarantee | tests |
|---|---|
"""


def guarantees() -> dict[str, list[str]]:
    """Return the pytest node ids of the tests of each guarantee."""
    tests_by_guarantee: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for guarantee, test in _iter_marked_tests(ast.parse(path.read_text())):
            node_id = f"{path.relative_to(ROOT).as_posix()}::{test}"
            tests_by_guarantee.setdefault(guarantee, []).append(node_id)
    return dict(sorted(tests_by_guarantee.items()))


def _iter_marked_tests(module: ast.Module) -> Iterator[tuple[str, str]]:
    for function in module.body:
        if isinstance(function, ast.FunctionDef):
            for decorator in function.decorator_list:
                if (
                    isinstance(decorator, ast.Call)
                    and ast.unparse(decorator.func) == MARKER
                ):
                    yield ast.literal_eval(decorator.args[0]), function.name


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
