"""JSON Lines: an object a line, decimals as strings; can be read line by line, however large."""

from typing import IO

from tasks.rendering import cells
from tasks.rendering.format import Format
from tasks.rendering.table import Table


class JsonLines(Format):
    media_type = "application/jsonl"
    extension = "jsonl"

    def write_table(self, table: Table, file: IO[bytes]) -> None:
        for record in cells.iter_json_objects(table):
            file.write(record.encode() + b"\n")
