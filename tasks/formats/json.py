"""JSON: an array of objects, decimals as strings."""

from typing import IO

from django.core.serializers.json import DjangoJSONEncoder

from tasks.formats.base import Format
from tasks.tables import Table


class Json(Format):
    media_type = "application/json"
    extension = "json"

    def write(self, table: Table, file: IO[bytes]) -> None:
        encode = DjangoJSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        names = [column.name for column in table.columns]
        separator = b"[\n"
        for row in table.rows:
            record = encode(dict(zip(names, row, strict=True)))
            file.write(separator + record.encode())
            separator = b",\n"
        file.write(b"[]\n" if separator == b"[\n" else b"\n]\n")
