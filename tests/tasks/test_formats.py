import csv
import io
import json
from datetime import date
from decimal import Decimal

import pytest

from tasks import catalogue
from tasks.tables import Column, Table

COLUMNS = [
    Column("name", "Name"),
    Column("mean", "Mean", "decimal"),
    Column("days", "Days", "integer"),
    Column("on", "On", "date"),
]
ROWS = [
    ("Ângela, a primeira", Decimal("6.50"), 3, date(2026, 2, 9)),
    ('=HYPERLINK("x")', None, -1, None),
    ("linha\nnova", Decimal("-0.5"), 0, None),
]


def written(format: str, rows=ROWS) -> bytes:
    file = io.BytesIO()
    catalogue.formats()[format]().write(Table("T", COLUMNS, iter(rows)), file)
    return file.getvalue()


def test_formats_are_the_files_of_the_folder():
    assert set(catalogue.formats()) == {"json", "csv", "pdf", "zip"}


def test_json_keeps_decimals_as_strings():
    first = json.loads(written("json"))[0]

    assert first == {
        "name": "Ângela, a primeira", "mean": "6.50", "days": 3, "on": "2026-02-09",
    }  # fmt: skip


def test_csv_reads_back():
    rows = list(csv.reader(io.StringIO(written("csv").decode(), newline="")))

    assert rows[0] == ["name", "mean", "days", "on"]
    assert rows[1] == ["Ângela, a primeira", "6.50", "3", "2026-02-09"]
    assert rows[3] == ["linha\nnova", "-0.5", "0", ""]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_text_never_starts_a_formula(start):
    rows = [(f"{start}SUM(A1)", None, None, None)]

    line = written("csv", rows).decode().splitlines()[1]

    assert line.lstrip('"').startswith("'")


@pytest.mark.parametrize("format", ["json", "csv"])
def test_no_row_is_a_valid_file(format):
    content = written(format, [])

    assert content == (b"[]\n" if format == "json" else b"name,mean,days,on\r\n")


@pytest.mark.parametrize("format", ["json", "csv"])
def test_same_rows_give_the_same_bytes(format):
    assert written(format) == written(format)
