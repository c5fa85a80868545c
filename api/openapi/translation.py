"""Translation of the OpenAPI document: every text for people has its message in the catalogues.

`docs/catalogues.py` takes the messages from the committed English document.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from django.utils.translation import gettext

_TEXT_NAMES = ("description", "summary", "title")
_DATA_NAMES = ("example", "value", "default", "const", "enum", "x-codeSamples")
"""Members that contain values or code, unless they are names of properties."""

Holder = dict[str, Any]


def translate_document(document: Holder) -> Holder:
    """Return a copy of the document with its texts in the active language."""
    document = deepcopy(document)  # the parts are shared with the next document
    for holder, name in iter_texts(document):
        holder[name] = gettext(holder[name])
    return document


def iter_texts(document: Holder) -> Iterator[tuple[Holder, str]]:
    """Yield the object and the name of each text.

    The guide is a file of its own in each language. Texts that are composed of others are
    composed in the active language: those of the examples of a body, and the lists of codes. A
    kind of report marks the texts of its parameters itself.
    """
    kinds = _component_prefixes(document)
    for path, holder, name in _iter_strings(document, ()):
        text = holder[name]
        is_of_kind = path[1:2] == ("schemas",) and any(
            path[2].startswith(kind) and path[2] != f"{kind}Request" for kind in kinds
        )
        is_guide = path == ("info",) and name == "description"
        is_body_example = "requestBody" in path and "examples" in path
        is_component_name = path[-1:] == (text,)
        is_code_list = text.startswith("`code`:")
        if text and not (
            is_guide
            or is_body_example
            or is_component_name
            or is_code_list
            or is_of_kind
        ):
            yield holder, name


def _component_prefixes(document: Holder) -> list[str]:
    """Return the beginnings of the names of the components that belong to a kind of report."""
    union = document["components"]["schemas"].get("ReportRequest", {})
    references = union.get("discriminator", {}).get("mapping", {}).values()
    return [it.rpartition("/")[2].removesuffix("Request") for it in references]


def _iter_strings(
    node: Any, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Holder, str]]:
    if isinstance(node, list):
        for item in node:
            yield from _iter_strings(item, path)
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        if name in _TEXT_NAMES and isinstance(value, str):
            yield path, node, name
        elif path[-1:] == ("properties",) or name not in _DATA_NAMES:
            yield from _iter_strings(value, (*path, name))
