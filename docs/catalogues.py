"""Generator of the message catalogues: every marked string with its Portuguese translation.

The texts of the contract are marked by being there: `openapi.yaml` is read as a source of `api`.

Existing translations are matched by exact msgid. New strings are added with an empty
translation and removed strings are dropped; a test fails on empty translations.
"""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # `make` runs this file as a script

from api.openapi import translation  # noqa: E402  (it needs the path)

PACKAGES = ("school", "tasks", "api")
CONTRACT = ROOT / "openapi.yaml"
CONTRACT_PACKAGE = "api"
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LOCALE = "pt_BR"
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
}


class UndatedCatalog(Catalog):
    """Catalog without date and tool headers, so that the output is reproducible."""

    mime_headers = property(
        lambda self: [
            ("Language", LOCALE),
            ("Plural-Forms", "nplurals=2; plural=(n > 1);"),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]
    )


def po_path(package: str) -> Path:
    return ROOT / package / "locale" / LOCALE / "LC_MESSAGES" / "django.po"


def build_catalog(package: str) -> Catalog:
    """Build the package's catalogue: its marked strings with existing translations."""
    existing = Catalog(LOCALE)
    if po_path(package).exists():
        with po_path(package).open("rb") as file:
            existing = read_po(file, LOCALE)
    catalog = UndatedCatalog(
        LOCALE,
        header_comment="# Made by `make generate`; the translations are written here.",
        fuzzy=False,
    )
    for path, message, context in _extract_messages(ROOT / package):
        old_message = existing.get(message, context)
        location = path.relative_to(ROOT).as_posix()
        catalog.add(
            message,
            old_message.string if old_message else "",
            locations=[(location, 0)],
            flags=old_message.flags if old_message else (),
            context=context,
        )
    if package == CONTRACT_PACKAGE:
        _add_contract(catalog, existing)
    return catalog


def _add_contract(catalog: Catalog, existing: Catalog) -> None:
    """Add the texts of the contract that no package has."""
    others = [build_catalog(it) for it in PACKAGES if it != CONTRACT_PACKAGE]
    document = yaml.load(CONTRACT.read_text(), YAML_LOADER)  # noqa: S506  (a safe one)
    for holder, name in translation.iter_texts(document):
        text = holder[name]
        if not any(it.get(text) for it in [catalog, *others]):
            old_message = existing.get(text)
            string = old_message.string if old_message else ""
            catalog.add(text, string, locations=[(CONTRACT.name, 0)])


def _extract_messages(folder: Path) -> Iterator[tuple[Path, Any, str | None]]:
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.html")]):
        text = path.read_text()
        if path.suffix == ".html":
            # `templatize` gives Python-like text; leading spaces would be indentation errors.
            text = "\n".join(map(str.strip, templatize(text).splitlines()))
        for _line, message, _comments, context in extract(
            "python", BytesIO(text.encode()), KEYWORDS
        ):
            yield path, message, context


def build_files(package: str) -> dict[Path, bytes]:
    """Return the contents of the package's .po and .mo files by path."""
    catalog, po, mo = build_catalog(package), BytesIO(), BytesIO()
    write_po(po, catalog, width=88, sort_output=True, include_lineno=False)
    write_mo(mo, catalog)
    path = po_path(package)
    return {path: po.getvalue(), path.with_suffix(".mo"): mo.getvalue()}


def main() -> int:
    contents = {}
    for package in PACKAGES:
        contents |= build_files(package)
    if "--check" in sys.argv:
        return int(
            any(
                not path.exists() or path.read_bytes() != content
                for path, content in contents.items()
            )
        )
    for path, content in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
