"""Readers of result files, based on third-party libraries."""

import csv
import io
import json
import re

from python_calamine import CalamineWorkbook

FORMULA_STARTS = "[=+\\-@＝＋－＠]"
GUARD_PATTERN = re.compile(
    f"(^|[,;|\t\r\n])'(?=[\\s\x00-\x1f\"'\u200b-\u200f\u2060\ufeff]*{FORMULA_STARTS})|^'(?='*[\t\r\n])"
)


def read_result(
    format: str, content: bytes, *, keep_guards: bool = False
) -> list[list[object]]:
    """Return the rows of the first sheet, header first.

    The apostrophes with which CSV escapes formulas, and the tabs with which `csv-br` marks
    texts, are removed, unless `keep_guards`.
    """
    if format in {"json", "jsonl"}:
        text = content.decode()
        document = json.loads(text) if format == "json" else None
        records = document or [json.loads(line) for line in text.splitlines()]
        return [[], *([*record.values()] for record in records)]
    if format == "xlsx":
        return (
            CalamineWorkbook.from_object(io.BytesIO(content))
            .get_sheet_by_index(0)
            .to_python()
        )
    delimiter = {"csv": ",", "csv-br": ";"}[format]
    text = io.StringIO(content.decode("utf-8-sig"), newline="")
    rows = [*csv.reader(text, delimiter=delimiter)]
    return rows if keep_guards else [list(map(_without_guards, row)) for row in rows]


def _without_guards(cell: str) -> str:
    # A text that itself begins with a tab has an apostrophe before it.
    return GUARD_PATTERN.sub(r"\1", cell.removeprefix("\t"))
