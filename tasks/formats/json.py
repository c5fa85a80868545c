"""JSON: an array of objects, decimals as strings."""

from typing import IO

from tasks.rendering import cells
from tasks.rendering.format import Format
from tasks.rendering.table import Table


class Json(Format):
    label = "JSON"
    media_type = "application/json"
    extension = "json"
    audience = "programs"
    is_default = True
    sort_order = 10
    is_compressible = True
    is_inlined = True
    has_row_schema = True

    def write_table(self, table: Table, file: IO[bytes]) -> None:
        separator = b"[\n"
        for record in cells.iter_json_objects(table):
            file.write(separator + record.encode())
            separator = b",\n"
        file.write(b"[]\n" if separator == b"[\n" else b"\n]\n")
