"""Writes the catalogues of what the code says to people: every marked string, with its Portuguese.

A translation is kept by its exact source. A new string comes in empty, one that is gone
goes; a test asks for what is empty.
"""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("school", "tasks", "api")
LOCALE = "pt_BR"
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
}


class UndatedCatalog(Catalog):
    """Its header names no time and no tool, so that the same code gives the same bytes."""

    mime_headers = property(
        lambda self: [
            ("Language", LOCALE),
            ("Plural-Forms", "nplurals=2; plural=(n > 1);"),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]
    )


def path_of(package: str) -> Path:
    return ROOT / package / "locale" / LOCALE / "LC_MESSAGES" / "django.po"


def catalogue(package: str) -> Catalog:
    """The package's catalogue as it should be: its marked strings, as far as translated."""
    known = Catalog(LOCALE)
    if path_of(package).exists():
        with path_of(package).open("rb") as file:
            known = read_po(file, LOCALE)
    made = UndatedCatalog(
        LOCALE,
        header_comment="# Made by `make generate`; the translations are written here.",
        fuzzy=False,
    )
    for path, message, context in _marked(ROOT / package):
        before = known.get(message, context)
        place = path.relative_to(ROOT).as_posix()
        made.add(
            message,
            before.string if before else "",
            locations=[(place, 0)],
            flags=before.flags if before else (),
            context=context,
        )
    return made


def _marked(folder: Path) -> Iterator[tuple[Path, Any, str | None]]:
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.html")]):
        text = path.read_text()
        if path.suffix == ".html":
            # As Python, but for what would be an indentation there.
            text = "\n".join(map(str.strip, templatize(text).splitlines()))
        for _line, message, _comments, context in extract(
            "python", BytesIO(text.encode()), KEYWORDS
        ):
            yield path, message, context


def files(package: str) -> dict[Path, bytes]:
    """The two files of the package's catalogue: to be written in, and to be read from."""
    made, text, compiled = catalogue(package), BytesIO(), BytesIO()
    write_po(text, made, width=88, sort_output=True, include_lineno=False)
    write_mo(compiled, made)
    path = path_of(package)
    return {path: text.getvalue(), path.with_suffix(".mo"): compiled.getvalue()}


def main() -> int:
    made = {}
    for package in PACKAGES:
        made |= files(package)
    if "--check" in sys.argv:
        return int(
            any(
                not path.exists() or path.read_bytes() != content
                for path, content in made.items()
            )
        )
    for path, content in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
