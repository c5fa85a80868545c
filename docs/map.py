"""Writes the map of the folders into the README: each file and its first sentence."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- map -->\n", "<!-- /map -->\n"
COLLAPSED_FOLDERS = (
    "api/views", "tasks/reports", "tasks/formats", "tasks/redis_store",
    "school/demo", "school/runtime", "school/models",
)  # fmt: skip
"""Folders that stand in the map by one line, however many files they hold."""


def lines() -> Iterator[str]:
    for package in ("api", "tasks", "school"):
        yield _line(f"{package}/", ROOT / package / "__init__.py")
        yield from _file_lines(ROOT / package, "  ")
        for folder in sorted(
            path for path in (ROOT / package).iterdir() if path.is_dir()
        ):
            init_file = folder / "__init__.py"
            if init_file.exists() and init_file.read_text():
                yield _line(f"  {folder.name}/", init_file)
                if folder.relative_to(ROOT).as_posix() not in COLLAPSED_FOLDERS:
                    yield from _file_lines(folder, "    ")


def _file_lines(folder: Path, indent: str) -> Iterator[str]:
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
    map_text = "\n".join(f"    {line}" for line in lines())
    new_text = f"{before}{BEGIN}\n{map_text}\n\n{END}{after}"
    if "--check" in sys.argv:
        return int(new_text != text)
    readme.write_text(new_text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
