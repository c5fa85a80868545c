"""Spreadsheet files as LibreOffice opens them; skipped if it is not installed."""

import csv
import os
import shutil
import subprocess
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils.translation import override
from pypdf import PdfReader

from tasks import artifacts
from tasks.rendering.columns import Column
from tasks.rendering.table import Table
from tasks.reporting import registry
from tests.support.task_factories import run_task
from tests.tasks.formats.test_formats import CODES
from tests.tasks.rendering.pdf.test_pdf import HOSTILE_TEXTS

SOFFICE_PATH = shutil.which("soffice")
pytestmark = [
    pytest.mark.skipif(SOFFICE_PATH is None, reason="LibreOffice is not installed"),
    pytest.mark.timeout(300),
]

COLUMNS = [
    Column("name", "Nome"), Column("registration", "Matrícula"),
    Column("mean", "Média", "decimal"), Column("attendance", "Frequência", "percent"),
    Column("on", "Em", "date"), Column("passes", "Passa", "boolean"),
]  # fmt: skip
ODD_NAMES = [
    *HOSTILE_TEXTS.values(),
    "שלום عربى",
    "Zoë 😀 🧑‍🎓",
    "-1+2",
    "@SUM(A1)",
    "＝1",
    "007",
]
CSV_FILTER = "csv:Text - txt - csv (StarCalc):44,34,76,1,,1046,false,true,false"
"""Export filter for the values of the first sheet as typed in a Brazilian locale."""
BRAZILIAN_CSV_FILTER = (
    "--infilter=Text - txt - csv (StarCalc):59,34,76,1,,1046,false,true"
)


def sample_rows(names):
    for name in names:
        yield name, "0012", Decimal("7.50"), Decimal("74.96"), date(2026, 2, 9), True


def convert_files(
    folder: Path, files: list[Path], target_format: str, *options: str
) -> list[Path]:
    profile_option = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [
        SOFFICE_PATH,
        profile_option,
        "--headless",
        *options,
        "--convert-to",
        target_format,
    ]
    subprocess.run(
        [*command, "--outdir", folder / "out", *files],
        check=True, capture_output=True, env={**os.environ, "LC_ALL": "pt_BR.UTF-8"},
    )  # fmt: skip
    return [
        folder / "out" / f"{f.stem}.{target_format.partition(':')[0]}" for f in files
    ]


def convert_to_rows(
    folder: Path, format: str, *options: str, names: Sequence[str] = ODD_NAMES
) -> list[list[str]]:
    format_class = registry.format_classes()[format]
    path = folder / f"{format}.{format_class.extension}"
    with override("pt-br"), path.open("w+b") as file:
        format_class().write_table(Table("T", COLUMNS, sample_rows(names)), file)
    [csv_path] = convert_files(folder, [path], CSV_FILTER, *options)
    with csv_path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_libreoffice_shows_workbook_values(tmp_path):
    titles, *rows = convert_to_rows(tmp_path, "xlsx")

    assert titles == [column.title for column in COLUMNS]
    assert rows == [
        [name, "0012", "7,5", "74,96%", "09/02/2026", "Sim"] for name in ODD_NAMES
    ]


def test_libreoffice_reads_brazilian_csv_without_formulas(tmp_path):
    titles, *rows = convert_to_rows(tmp_path, "csv-br", BRAZILIAN_CSV_FILTER)

    assert titles == [column.title for column in COLUMNS]
    for name, row in zip(ODD_NAMES, rows, strict=True):
        # A guarded formula is text.
        assert row[0] in (name, f"'{name}", f"\t{name}")
        assert row[1:] == ["\t0012", "7,5", "74,96%", "09/02/2026", "Sim"]


@pytest.mark.guarantee("Spreadsheets keep codes as texts.")
@pytest.mark.parametrize(
    "separators", ["59", "9/59"], ids=["semicolon", "semicolon_and_tab"]
)
def test_libreoffice_keeps_codes_as_texts(tmp_path, separators):
    options = BRAZILIAN_CSV_FILTER.replace("59", separators, 1)

    _titles, *rows = convert_to_rows(tmp_path, "csv-br", options, names=CODES)

    assert [row[0] for row in rows] == [f"\t{code}" for code in CODES]
    assert {tuple(row[1:]) for row in rows} == {
        ("\t0012", "7,5", "74,96%", "09/02/2026", "Sim")
    }


@pytest.mark.django_db
def test_libreoffice_prints_workbook_of_every_kind(admin, tmp_path):
    paths = {}
    for kind, report in registry.report_classes().items():
        if report.__module__.startswith("tasks.reports."):
            task = run_task(admin, dict(report.example), kind=kind, format="xlsx")
            paths[kind] = tmp_path / f"{kind}.xlsx"
            paths[kind].write_bytes(artifacts.read_artifact(task.artifact))

    pdfs = convert_files(tmp_path, list(paths.values()), "pdf")

    for pdf in pdfs:
        first, *_more, last = PdfReader(pdf).pages
        assert "1 / " in first.extract_text()
        assert "Rede Municipal de Ensino de Serra do Encanto" in last.extract_text()
