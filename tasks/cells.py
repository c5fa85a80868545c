"""What formats share about cells: as JSON, as words for people, and never a formula."""

import re
from collections.abc import Iterator

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _

from tasks.tables import Cell, Column, Table

_STARTS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_UNSEEN = "\\s\\x00-\\x1f\"'\u200b-\u200f\u2060\ufeff"
_RISKY = re.compile(f"[{_STARTS}\t\r\n]")
# A cell begins wherever a spreadsheet splits, and it may split by another separator than ours.
_FORMULA = re.compile(f"(^|[,;|\t\r\n])(?=[{_UNSEEN}]*[{_STARTS}])|^(?='*[\t\r\n])")
# JSON leaves them as they are, and some readers take them for the end of a line.
_LINE_END = re.compile("[\x85\u2028\u2029]")


def harmless(text: str) -> str:
    """The text with an apostrophe wherever a spreadsheet would begin a formula (CWE-1236).

    One apostrophe fewer at each such place gives the text back.
    """
    return _FORMULA.sub(r"\1'", text) if _RISKY.search(text) else text


def words(column: Column) -> dict[Cell, str]:
    """What people are shown for cells that are codes, or yes and no; in their language."""
    of_codes = {code: str(label) for code, label in column.labels.items()}
    answers = {True: _("Yes"), False: _("No")} if column.type == "boolean" else {}
    return {**answers, **of_codes}


def objects(table: Table) -> Iterator[str]:
    """Each row as a JSON object on a line of its own; decimals are strings, never rounded."""
    encode = DjangoJSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    names = [column.name for column in table.columns]
    for row in table.rows:
        yield _LINE_END.sub(_escaped, encode(dict(zip(names, row, strict=True))))


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
