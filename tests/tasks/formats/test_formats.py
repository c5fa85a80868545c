import csv
import io
import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils.translation import override
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.rendering.columns import Column
from tasks.rendering.format_registry import default_formats
from tasks.rendering.table import Table
from tasks.reporting import registry
from tests.support.result_readers import read_result

COLUMNS = [
    Column("name", "Name"),
    Column("mean", "Mean", "decimal"),
    Column("days", "Days", "integer"),
    Column("on", "On", "date"),
    Column("attendance", "Attendance", "percent"),
    Column("below", "Below", "boolean"),
    Column("situation", "Situation", labels={"ok": "Aprovada", 7: "=Sete"}),
]
ROWS = [
    ("Ângela, a primeira", Decimal("6.50"), 3, date(2026, 2, 9), Decimal("75.0"), True, "ok"),
    ('=HYPERLINK("x")', None, -1, None, None, None, None),
    ("linha\nnova; só", Decimal("-0.5"), 0, None, Decimal("74.96"), False, "?"),
]  # fmt: skip
FORMATS = list(registry.format_classes())
CELL_FORMATS = ["csv", "csv-br", "json", "jsonl", "xlsx"]
"""Formats with cells that `read_result` reads back."""
TEXT_FORMATS = ["csv", "csv-br"]
ANY_TEXT = (
    st.text(max_size=12)
    | st.text("ab1 =+-@\t\r\n'\"“;,|_x0041<&>#$\\\x01\ufeff＝", max_size=20)
    | st.text("019,.:/-% \t")
)
CODES = [
    "0000011", "012345678901", "1234567890", "12345678901234567890123456789012", "7", "3/4",
    "2026.1", "2026", "10/2026", "1-2", "1E5", "12:30", "1 a", "5%", "1,5", "1.500,00",
    "R$ 5,00", "(5)", " 12 ", "1 jan", "Mar 5", "3 de março de 2026", "SET2", "Verdadeiro",
    "FALSE", "１２",
]  # fmt: skip
"""Texts that a spreadsheet reads as a number, a date or a truth value."""
PLAIN_TEXTS = [
    "Ana",
    "3º A",
    "A1",
    "1A",
    "Mariana",
    "Rua 5",
    "Turma 3/4",
    "de",
    "Maio",
    "",
]


def write_format(format: str, rows=ROWS, columns=COLUMNS, **table_options) -> bytes:
    file = io.BytesIO()
    registry.format_classes()[format]().write_table(
        Table("T", columns, iter(rows), **table_options), file
    )
    return file.getvalue()


def write_texts(format: str, texts: list[str]) -> bytes:
    """Write a table with two number columns and two text columns."""
    columns = [
        Column("n", "N", "integer"), Column("a", "A"),
        Column("m", "M", "integer"), Column("b", "B"),
    ]  # fmt: skip
    rows = [(n, text, -n, text) for n, text in enumerate(texts, 1)]
    return write_format(format, rows, columns)


def test_format_classes_match_files_of_package():
    folder = Path("tasks/formats").glob("*.py")

    assert set(FORMATS) == {path.stem.replace("_", "-") for path in folder} - {
        "--init--", "base",
    }  # fmt: skip


@pytest.mark.parametrize("format", registry.format_classes().values(), ids=FORMATS)
def test_format_declares_what_others_need(format):
    assert format.audience in {"people", "programs"}
    assert str(format.label)
    is_json = format.media_type == "application/json"
    assert is_json or not (format.is_inlined or format.has_row_schema)


def test_default_formats_begin_with_programs_and_exclude_zip():
    defaults = default_formats()

    assert defaults[:3] == ("json", "jsonl", "csv")
    assert set(defaults) >= {"csv-br", "xlsx", "pdf"}
    assert "zip" not in defaults


def test_json_writes_decimals_as_strings():
    first = json.loads(write_format("json"))[0]

    assert first == {
        "name": "Ângela, a primeira", "mean": "6.50", "days": 3, "on": "2026-02-09",
        "attendance": "75.0", "below": True, "situation": "ok",
    }  # fmt: skip


def test_jsonl_writes_one_json_row_per_line():
    lines = write_format("jsonl").decode().splitlines()

    assert [json.loads(line) for line in lines] == json.loads(write_format("json"))


def test_csv_uses_machine_readable_values():
    rows = list(csv.reader(io.StringIO(write_format("csv").decode(), newline="")))

    assert rows == [
        ["name", "mean", "days", "on", "attendance", "below", "situation"],
        ["Ângela, a primeira", "6.50", "3", "2026-02-09", "75.0", "true", "ok"],
        ['\'=HYPERLINK("x")', "", "-1", "", "", "", ""],
        ["linha\nnova; só", "-0.5", "0", "", "74.96", "false", "?"],
    ]


@pytest.mark.parametrize(
    ("language", "yes", "no"), [("pt-br", "Sim", "Não"), ("en", "Yes", "No")]
)
def test_brazilian_csv_uses_labels_and_local_formats(language, yes, no):
    with override(language):
        content = write_format("csv-br")

    assert content.decode("utf-8").split("\r\n") == [
        "\ufeffName;Mean;Days;On;Attendance;Below;Situation",
        f"Ângela, a primeira;6,50;3;09/02/2026;75,0%;{yes};Aprovada",
        '"\'=HYPERLINK(""x"")";;-1;;;;',
        f'"linha\nnova; só";-0,5;0;;74,96%;{no};?',
        "",
    ]


def test_numbers_have_no_exponent():
    rows = [("a", Decimal("1E+3"), 1, None, Decimal("1E-7"), None, 7)]

    assert write_format("csv", rows).endswith(b"a,1000,1,,0.0000001,,7\r\n")
    assert write_format("csv-br", rows).endswith(b"a;1000;1;;0,0000001%;;'=Sete\r\n")


@pytest.mark.guarantee("Text is read back unchanged from every format.")
@pytest.mark.parametrize("format", CELL_FORMATS)
@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=4))
@example(texts=["=1", "'=1", "''=1", " \t=1", "\tx", "'\rx", "x;=1;", 'x,"=1&"'])
@example(
    texts=[
        "_x0041_",
        "_x005F_",
        "\x01\ufffe",
        " a ",
        "\r\n",
        "\u2028\x85",
        "😀",
        "שלום",
    ]
)
def test_any_text_is_read_back_unchanged(format, texts):
    rows = read_result(format, write_texts(format, texts))

    if format == "xlsx":  # XML cannot represent noncharacters
        texts = [re.sub("[\ufffe\uffff]", "\ufffd", text) for text in texts]
    assert [[row[1], row[3]] for row in rows[1:]] == [[text, text] for text in texts]


@pytest.mark.guarantee("No cell starts a formula.")
@pytest.mark.parametrize("format", TEXT_FORMATS)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=4))
@example(
    texts=["x;=1;", "x,=1,", "x\t=1\t", "x\n=1;", 'x;"=1&";', "x|=1|", "＝1", "a\r=1,"]
)
def test_no_cell_starts_a_formula_with_any_delimiter(format, delimiter, texts):
    text = write_texts(format, texts).decode("utf-8-sig")

    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        for cell in row:
            bare = cell.strip().strip('"\ufeff\x00').strip()
            is_number = re.fullmatch(r"-\d", bare)
            assert is_number or not bare.startswith(tuple("=+-@＝＋－＠")), cell


@pytest.mark.parametrize("format", TEXT_FORMATS)
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝", "－"])
def test_csv_text_like_formula_gets_apostrophe(format, start):
    rows = read_result(
        format, write_texts(format, [f"{start}SUM(A1)"]), keep_guards=True
    )

    assert rows[1][1] == f"'{start}SUM(A1)"


@pytest.mark.guarantee("Spreadsheets keep codes as texts.")
def test_brazilian_csv_marks_codes_as_texts():
    texts = [*CODES, *PLAIN_TEXTS, "-12", "+5592"]

    rows = read_result("csv-br", write_texts("csv-br", texts), keep_guards=True)

    assert [row[1] for row in rows[1:]] == [
        *(f"\t{code}" for code in CODES), *PLAIN_TEXTS, "'-12", "'+5592",
    ]  # fmt: skip
    assert [row[0] for row in rows[1:]] == [str(n + 1) for n in range(len(texts))]


def test_brazilian_csv_quotes_marked_texts():
    rows = [("0000011", Decimal("7.5"), 3, None, None, None, None)]

    assert write_format("csv-br", rows).endswith(b'\r\n"\t0000011";7,5;3;;;;\r\n')


def test_brazilian_csv_leaves_plain_numbers_in_numeric_columns():
    columns = [Column("mean", "Mean", "decimal"), Column("at", "At", "percent")]
    rows = [("7,5", "92%"), ("8", "8.5"), ("1/2", "A")]

    content = write_format("csv-br", rows, columns).decode("utf-8-sig")

    assert content == 'Mean;At\r\n7,5;92%\r\n8;"\t8.5"\r\n"\t1/2";A\r\n'


def test_brazilian_csv_marks_titles_and_labels():
    columns = [Column("a", "2026", labels={"x": "1/2"})]

    rows = read_result(
        "csv-br", write_format("csv-br", [("x",)], columns), keep_guards=True
    )

    assert rows == [["\t2026"], ["\t1/2"]]


def test_csv_for_programs_leaves_codes_as_they_are():
    rows = read_result("csv", write_texts("csv", CODES), keep_guards=True)

    assert [row[1] for row in rows[1:]] == CODES


@pytest.mark.parametrize("format", TEXT_FORMATS)
def test_csv_title_like_formula_gets_apostrophe(format):
    columns = [Column("=name", "=Título")]

    assert read_result(format, write_format(format, [], columns), keep_guards=True)[0][
        0
    ].startswith("'=")


@pytest.mark.parametrize(
    ("format", "content"),
    [
        ("json", b"[]\n"),
        ("jsonl", b""),
        ("csv", b"name,mean,days,on,attendance,below,situation\r\n"),
        ("csv-br", b"\xef\xbb\xbfName;Mean;Days;On;Attendance;Below;Situation\r\n"),
    ],
)
def test_table_without_rows_is_valid_file(format, content):
    assert write_format(format, []) == content


@pytest.mark.parametrize("format", FORMATS)
def test_same_rows_give_same_bytes(format):
    assert write_format(format) == write_format(format)


@pytest.mark.parametrize("format", FORMATS)
def test_writer_reads_all_rows_and_keeps_file_open(format):
    read_rows = []

    def rows():
        for row in ROWS:
            read_rows.append(row)
            yield row

    file = io.BytesIO()
    registry.format_classes()[format]().write_table(Table("T", COLUMNS, rows()), file)

    assert not file.closed
    assert read_rows == ROWS


@pytest.mark.parametrize(
    ("format", "cell"),
    [("csv", "ok no"), ("csv-br", "Aprovada, =Não"), ("xlsx", "Aprovada, =Não")],
)
def test_cell_with_several_codes_shows_each_label(format, cell):
    columns = [Column("a", "A", labels={"ok": "Aprovada", "no": "=Não"})]

    [_title, cells] = read_result(format, write_format(format, [("ok no",)], columns))

    assert cells == [cell]
