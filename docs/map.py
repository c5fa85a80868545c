"""Writes the map of the folders into the README: each file and its first sentence."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- map -->\n", "<!-- /map -->\n"
GROWING = (
    "api/views", "tasks/reports", "tasks/formats", "tasks/redis_store",
    "school/demo", "school/runtime", "school/models",
)  # fmt: skip
"""Folders that stand in the map by one line, however many files they hold."""


def lines() -> Iterator[str]:
    for package in ("api", "tasks", "school"):
        yield _line(f"{package}/", ROOT / package / "__init__.py")
        yield from _files(ROOT / package, "  ")
        for folder in sorted(
            path for path in (ROOT / package).iterdir() if path.is_dir()
        ):
            room = folder / "__init__.py"
            if room.exists() and room.read_text():
                yield _line(f"  {folder.name}/", room)
                if folder.relative_to(ROOT).as_posix() not in GROWING:
                    yield from _files(folder, "    ")


def _files(folder: Path, indent: str) -> Iterator[str]:
    for path in sorted(folder.glob("*.py")):
        if path.stem not in {"__init__", "apps", "wsgi"}:
            yield _line(f"{indent}{path.name}", path)


def _line(name: str, path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    return f"{name:<22}{docstring.splitlines()[0]}"


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
