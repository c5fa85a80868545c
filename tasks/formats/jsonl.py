"""JSON Lines: one object per line, decimals as strings; readable line by line at any size."""

from typing import IO

from tasks.rendering import cells
from tasks.rendering.format import Format
from tasks.rendering.table import Table


class JsonLines(Format):
    label = "JSON Lines"
    media_type = "application/jsonl"
    extension = "jsonl"
    audience = "programs"
    is_default = True
    sort_order = 20
    is_compressible = True

    def write_table(self, table: Table, file: IO[bytes]) -> None:
        for record in cells.iter_json_objects(table):
            file.write(record.encode() + b"\n")
