"""Writes the map of the folders into the README: each file and its first sentence."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- map -->\n", "<!-- /map -->\n"
GROWING = ("tasks/reports", "tasks/formats", "school/demo", "school/local", "api/views")
"""Folders that stand in the map by one line, however many files they hold."""


def lines() -> Iterator[str]:
    for package in ("api", "tasks", "school"):
        yield _line(f"{package}/", ROOT / package / "__init__.py")
        for path in sorted((ROOT / package).glob("*.py")):
            if path.stem not in {"__init__", "apps", "wsgi"}:
                yield _line(f"  {path.name}", path)
        for folder in sorted(f for f in (ROOT / package).iterdir() if f.is_dir()):
            name = folder.relative_to(ROOT).as_posix()
            if name in GROWING or folder.name == "models":
                yield _line(f"  {folder.name}/", folder / "__init__.py")


def _line(name: str, path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    return f"{name:<18}{docstring.splitlines()[0]}"


def main() -> int:
    readme = ROOT / "README.md"
    text = readme.read_text()
    before, rest = text.split(BEGIN)
    _old, after = rest.split(END)
    map = "\n".join(f"    {line}" for line in lines())
    made = f"{before}{BEGIN}\n{map}\n\n{END}{after}"
    if "--check" in sys.argv:
        return int(made != text)
    readme.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
