import gc
import io
import re
import tracemalloc
from datetime import date, datetime
from decimal import Decimal
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from django.utils.translation import override
from python_calamine import CalamineWorkbook

from tasks.formats.xlsx import Xlsx
from tasks.rendering.columns import Column
from tasks.rendering.table import Footer, Layout, Letterhead, Table
from tasks.rendering.xlsx import data_sheet
from tasks.rendering.xlsx.cells import MAX_TEXT_LENGTH
from tasks.rendering.xlsx.sheet_names import SheetNames

COLUMNS = [
    Column("name", "Name"),
    Column("mean", "Mean", "decimal"),
    Column("days", "Days", "integer"),
    Column("attendance", "Attendance", "percent"),
    Column("on", "On", "date"),
    Column("below", "Below", "boolean"),
    Column("situation", "Situation", labels={"ok": "Approved"}),
]
ROW = ("Ângela", Decimal("5.998"), 3, Decimal("74.96"), date(2026, 2, 9), True, "ok")
CHART_LAYOUT = Layout(heading=("class",), chart=("mean",))
CHART_COLUMNS = [
    Column("class", "Class"), Column("subject", "Subject"),
    Column("term", "Term", "integer"), Column("mean", "Mean", "decimal"),
]  # fmt: skip


def write_xlsx(rows=(ROW,), columns=COLUMNS, **table_options) -> bytes:
    file = io.BytesIO()
    Xlsx().write_table(Table("Report", columns, iter(rows), **table_options), file)
    return file.getvalue()


def load_workbook(*args, **table_options):
    return openpyxl.load_workbook(io.BytesIO(write_xlsx(*args, **table_options)))


def read_values(content: bytes, sheet: int = 0) -> list[list[object]]:
    workbook = CalamineWorkbook.from_object(io.BytesIO(content))
    return workbook.get_sheet_by_index(sheet).to_python()


def chart_rows(classes=1, subjects=3, terms=2):
    for c in range(classes):
        for s in range(subjects):
            for t in range(terms):
                yield (f"C{c}", f"S{s}", t + 1, Decimal(10 * s + t).scaleb(-1))


@pytest.mark.guarantee("A number is shown with its own decimal places.")
def test_cells_have_typed_values_and_number_formats():
    cells = load_workbook().worksheets[0][2]

    assert [(cell.value, cell.number_format) for cell in cells] == [
        ("Ângela", "@"),
        (5.998, "0.000"),
        (3, "0"),
        (0.7496, "0.00%"),
        (datetime(2026, 2, 9), "dd/mm/yyyy"),  # noqa: DTZ001
        ("Sim", "@"),
        ("Approved", "@"),
    ]


@pytest.mark.parametrize(
    ("language", "day", "yes", "names"),
    [
        ("pt-br", "dd/mm/yyyy", "Sim", ["Report", "Sobre"]),
        ("en", "yyyy-mm-dd", "Yes", ["Report", "About"]),
    ],
)
def test_workbook_uses_active_language(language, day, yes, names):
    with override(language):
        workbook = load_workbook()

    assert workbook.sheetnames == names
    assert workbook.worksheets[0]["E2"].number_format == day
    assert workbook.worksheets[0]["F2"].value == yes


@pytest.mark.parametrize(
    "value", [10**15, Decimal("0.1234567890123456"), Decimal("NaN")]
)
def test_number_unsafe_for_spreadsheets_is_text(value):
    (_title,), (cell,) = read_values(
        write_xlsx([(value,)], [Column("n", "N", "decimal")])
    )

    assert cell == str(value)


@pytest.mark.guarantee("No cell starts a formula.")
@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "＝1", "{=1}"])
def test_formula_like_text_is_text_cell(text):
    content = write_xlsx([(text,)], [Column("=a", "=Title")])
    cell = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]["A2"]

    assert (cell.value, cell.data_type, cell.number_format) == (text, "s", "@")
    sheets = [
        name for name in ZipFile(io.BytesIO(content)).namelist() if "sheet" in name
    ]
    assert not any(b"<f" in ZipFile(io.BytesIO(content)).read(name) for name in sheets)


@pytest.mark.parametrize("character", ["a", "😀"])
def test_too_long_text_is_truncated_with_ellipsis(character):
    (_title,), (cell,) = read_values(
        write_xlsx([(character * 40_000,)], [Column("t", "T")])
    )

    units = len(cell.encode("utf-16-le")) // 2
    assert MAX_TEXT_LENGTH - 1 <= units <= MAX_TEXT_LENGTH
    assert cell == character * (len(cell) - 1) + "…"


def test_text_of_maximum_length_is_kept():
    longest = "é" * MAX_TEXT_LENGTH

    assert read_values(write_xlsx([(longest,)], [Column("t", "T")]))[1] == [longest]


def test_date_before_march_1900_is_text():
    days = [(date(1899, 5, 7),), (date(1900, 2, 28),), (date(1900, 3, 1),)]

    assert read_values(write_xlsx(days, [Column("on", "On", "date")]))[1:] == [
        ["1899-05-07"], ["1900-02-28"], [date(1900, 3, 1)],
    ]  # fmt: skip


def test_header_is_frozen_filtered_and_repeated_in_print():
    sheet = load_workbook([ROW, ROW]).worksheets[0]

    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:G3"
    assert sheet.print_title_rows == "$1:$1"
    assert sheet["A1"].font.b
    assert sheet["A1"].fill.fgColor.rgb == "FF1F4E79"


def test_column_width_follows_text_up_to_limit():
    long = ("Maria Aparecida das Graças de Souza", *ROW[1:])
    longer = ("x" * 100, *ROW[1:])
    prose = ("x" * 500, *ROW[1:])

    widths = [
        load_workbook([row]).worksheets[0].column_dimensions["A"].width
        for row in (ROW, long, longer, prose)
    ]

    assert widths == [12, len(long[0]) + 3, 60, 90]


def test_row_height_follows_text_length():
    rows = [("x" * 500,), ("x",), ("x" * 30_000,)]
    heights = load_workbook(rows, [Column("t", "T")]).worksheets[0].row_dimensions

    assert [heights[n].height for n in (2, 3, 4)] == [15 * 6, None, 15 * 27]


def test_sheet_without_rows_has_header():
    content = write_xlsx([])

    assert read_values(content) == [
        ["Name", "Mean", "Days", "Attendance", "On", "Below", "Situation"]
    ]
    assert load_workbook([]).worksheets[0].auto_filter.ref == "A1:G1"


@pytest.mark.guarantee("A worksheet never exceeds what a spreadsheet reads.")
@pytest.mark.parametrize(
    ("count", "sizes"), [(3, [3]), (4, [3, 1]), (6, [3, 3]), (7, [3, 3, 1])]
)
def test_rows_over_maximum_continue_on_next_sheet(monkeypatch, count, sizes):
    monkeypatch.setattr(data_sheet, "MAX_ROWS", 4)

    content = write_xlsx([(n,) for n in range(count)], [Column("n", "N", "integer")])
    sheets = [read_values(content, n) for n in range(len(sizes))]

    names = CalamineWorkbook.from_object(io.BytesIO(content)).sheet_names
    assert names == ["Report", "Report (2)", "Report (3)"][: len(sizes)] + ["Sobre"]
    assert [len(rows) - 1 for rows in sheets] == sizes
    assert all(rows[0] == ["N"] for rows in sheets)
    assert [row[0] for rows in sheets for row in rows[1:]] == list(range(count))


@pytest.mark.guarantee("A worksheet never exceeds what a spreadsheet reads.")
def test_sheet_ends_before_size_limit(monkeypatch):
    monkeypatch.setattr(data_sheet, "MAX_BYTES", 4000)
    monkeypatch.setattr(data_sheet, "CHUNK_SIZE", 1000)

    content = write_xlsx([("x" * 500,)] * 20, [Column("t", "T")])

    names = CalamineWorkbook.from_object(io.BytesIO(content)).sheet_names
    assert len(names) > 2
    sheets = [read_values(content, n)[1:] for n in range(len(names) - 1)]
    assert sum(map(len, sheets)) == 20


def test_about_sheet_describes_report():
    letterhead = Letterhead(
        network="Rede", school="Escola", requested_by="Ana", rules=["R1, v2", "R2, v1"],
        issued_at=datetime(2026, 11, 26, 8, 30, tzinfo=ZoneInfo("America/Rio_Branco")),
        data_as_of=datetime(2026, 11, 26, 8, 29, tzinfo=ZoneInfo("America/Rio_Branco")),
    )  # fmt: skip
    footer = Footer("All is well.", ["Odd grades (3)"])

    with override("en"):
        content = write_xlsx(
            [ROW, ROW], letterhead=letterhead, build_footer=lambda: footer
        )

    assert read_values(content, 1) == [
        ["Report", ""],
        ["", ""],
        ["School network", "Rede"],
        ["School", "Escola"],
        ["Requested by", "Ana"],
        ["Issued at", datetime(2026, 11, 26, 8, 30)],  # noqa: DTZ001
        ["Data as of", datetime(2026, 11, 26, 8, 29)],  # noqa: DTZ001
        ["Time zone", "Acre time"],
        ["Rules", "R1, v2"],
        ["", "R2, v1"],
        ["Rows", 2],
        ["Summary", "All is well."],
        ["Left out", "Odd grades (3)"],
    ]


def test_footer_is_built_after_all_rows():
    read = []
    rows = (read.append(n) or ROW for n in range(3))

    content = write_xlsx(rows, build_footer=lambda: Footer(f"{len(read)} rows"))

    assert read_values(content, 1)[-1] == ["Resumo", "3 rows"]


def test_chart_has_one_series_per_term():
    workbook = load_workbook(list(chart_rows()), CHART_COLUMNS, layout=CHART_LAYOUT)
    sheet = workbook["Gráficos"]
    (chart,) = sheet._charts

    assert [[cell.value for cell in row] for row in sheet["A1:C5"]] == [
        ["C0", None, None],
        ["Subject", "Term 1", "Term 2"],
        ["S0", 0, 0.1],
        ["S1", 1, 1.1],
        ["S2", 2, 2.1],
    ]
    assert [series.val.numRef.f for series in chart.series] == [
        "'Gráficos'!$B$3:$B$5", "'Gráficos'!$C$3:$C$5",
    ]  # fmt: skip
    assert {series.cat.strRef.f for series in chart.series} == {"'Gráficos'!$A$3:$A$5"}


def test_chart_of_one_series_uses_column_title():
    sheet = load_workbook(
        list(chart_rows(terms=1)), CHART_COLUMNS, layout=CHART_LAYOUT
    )["Gráficos"]

    assert [cell.value for cell in sheet[2]] == ["Subject", "Mean"]


def test_chart_count_is_limited():
    def charts(classes):
        sheet = load_workbook(
            list(chart_rows(classes)), CHART_COLUMNS, layout=CHART_LAYOUT
        )["Gráficos"]
        last = [row for row in sheet.iter_rows(values_only=True) if row[0]][-1][0]
        return len(sheet._charts), last

    assert charts(40) == (40, "S2")
    assert charts(41) == (40, "Há mais; estes são os primeiros.")


def test_section_with_too_many_bars_has_no_chart():
    workbook = load_workbook(
        list(chart_rows(subjects=101, terms=1)), CHART_COLUMNS, layout=CHART_LAYOUT
    )

    assert workbook.sheetnames == ["Report", "Sobre"]


def test_chart_sheet_states_omitted_sections():
    rows = [*chart_rows(), *(("C1", f"S{n}", 1, Decimal(n)) for n in range(101))]

    sheet = load_workbook(rows, CHART_COLUMNS, layout=CHART_LAYOUT)["Gráficos"]

    assert len(sheet._charts) == 1
    assert [row for row in sheet.iter_rows(values_only=True) if row[0]][-1][0] == (
        "O que tem mais de 100 linhas não está desenhado."
    )


def test_chart_limit_does_not_drop_rows():
    rows = list(chart_rows(classes=50, subjects=3))

    assert len(read_values(write_xlsx(rows, CHART_COLUMNS, layout=CHART_LAYOUT))) == 301


def test_package_has_fixed_dates_and_complete_content_types():
    content = write_xlsx(list(chart_rows()), CHART_COLUMNS, layout=CHART_LAYOUT)
    package = ZipFile(io.BytesIO(content))

    assert {part.date_time for part in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert b"created" not in package.read("docProps/core.xml")
    types = package.read("[Content_Types].xml").decode()
    described = set(re.findall(r'PartName="/([^"]+)"', types))
    relationship_parts = {name for name in package.namelist() if name.endswith(".rels")}
    assert described | relationship_parts | {"[Content_Types].xml"} == set(
        package.namelist()
    )


@pytest.mark.guarantee("A workbook needs constant memory.")
def test_memory_use_is_independent_of_row_count():
    def peak(count):
        file = io.BytesIO()
        rows = (("Ana", n, Decimal(n % 100)) for n in range(count))
        columns = [
            Column("a", "A"),
            Column("n", "N", "integer"),
            Column("d", "D", "decimal"),
        ]
        tracemalloc.start()
        Xlsx().write_table(Table("T", columns, rows), file)
        used = tracemalloc.get_traced_memory()[1] - len(file.getvalue())
        tracemalloc.stop()
        return used

    assert peak(20_000) < 1.3 * peak(5_000)


def test_failing_rows_release_file():
    def rows():
        yield ROW
        raise LookupError("gone")

    with pytest.raises(LookupError), io.BytesIO() as file:
        Xlsx().write_table(Table("T", COLUMNS, rows()), file)
    gc.collect()  # an unclosed file would emit a warning, which fails the test


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("Boletim", ["Boletim", "Boletim (2)"]),
        ("a/b:[c]*?\\d", ["a b c d", "a b c d (2)"]),
        ("'", ["-", "- (2)"]),
        ("Histórico", ["Histórico (2)", "Histórico (3)"]),
        ("x" * 40, ["x" * 31, "x" * 27 + " (2)"]),
        ("😀" * 40, ["😀" * 15, "😀" * 13 + " (2)"]),
    ],
)
def test_sheet_names_are_valid_and_unique(title, names):
    sheet_names = SheetNames()

    assert [sheet_names.unique_name(title), sheet_names.unique_name(title)] == names


def test_column_width_fits_several_labels():
    labels = {"a": "Fevereiro e março", "b": "Abril e maio", "c": "Junho e julho"}
    columns = [Column("windows", "W", labels=labels), Column("x", "X")]

    sheet = load_workbook([("a b c", "x")], columns).worksheets[0]

    assert sheet["A2"].value == "Fevereiro e março, Abril e maio, Junho e julho"
    assert sheet.column_dimensions["A"].width > len(sheet["A2"].value)
