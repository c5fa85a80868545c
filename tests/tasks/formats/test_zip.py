"""ZIP archives of PDFs: file names, folders and contents."""

import io
import re
import zipfile

import pytest
from django.utils import translation
from pypdf import PdfReader

from tasks.formats import zip as zip_format
from tasks.rendering.columns import Column
from tasks.rendering.table import Footer, Layout, Letterhead, Table
from tasks.reporting import registry

COLUMNS = [
    Column("school", "Escola"),
    Column("class", "Turma"),
    Column("number", "Nº", "integer"),
    Column("student", "Aluno"),
    Column("subject", "Disciplina"),
]
CARD_LAYOUT = Layout(
    heading=("school", "class", "number", "student"), page_per_section=True
)


def open_zip(rows, footer=None, **letterhead) -> zipfile.ZipFile:
    """Open a ZIP of these rows; it spans several schools if the letterhead names none."""
    return zipfile.ZipFile(io.BytesIO(write_zip(rows, footer, **letterhead)))


def write_zip(rows, footer=None, *, layout=CARD_LAYOUT, **letterhead) -> bytes:
    table = Table(
        "Boletim", COLUMNS, iter(rows), Letterhead(**letterhead), layout, lambda: footer or Footer()
    )  # fmt: skip
    file = io.BytesIO()
    with translation.override("pt-br"):
        registry.format_classes()["zip"]().write_table(table, file)
    return file.getvalue()


def make_row(number=1, student="Ana", school="E1", school_class="9A", subject="Arte"):
    return school, school_class, number, student, subject


def test_zip_of_one_school_has_one_file_per_student():
    files = open_zip(
        [make_row(), make_row(subject="Inglês"), make_row(2, "Bia")], school="E1"
    )

    assert files.namelist() == ["9A/01 Ana.pdf", "9A/02 Bia.pdf"]
    assert files.testzip() is None
    pdf = PdfReader(io.BytesIO(files.read("9A/01 Ana.pdf")), strict=True)
    assert len(pdf.pages) == 1
    assert "Inglês" in pdf.pages[0].extract_text()
    assert "Bia" not in pdf.pages[0].extract_text()


def test_zip_of_several_schools_has_one_file_per_class():
    rows = [
        make_row(),
        make_row(2, "Bia"),
        make_row(school_class="9B"),
        make_row(school="E2"),
    ]

    files = open_zip(rows)

    assert files.namelist() == ["E1/9A.pdf", "E1/9B.pdf", "E2/9A.pdf"]
    pages = PdfReader(io.BytesIO(files.read("E1/9A.pdf")), strict=True).pages
    assert ["Ana" in page.extract_text() for page in pages] == [True, False]
    assert ["Bia" in page.extract_text() for page in pages] == [False, True]
    assert all("Página 1 de 1" in page.extract_text() for page in pages)


def test_large_class_is_complete_in_its_file(monkeypatch):
    monkeypatch.setattr(zip_format, "MAX_PAGES_PER_DOCUMENT", 4)
    rows = [make_row(number, f"<{number}>") for number in range(1, 12)]

    files = open_zip([*rows, make_row(school_class="9B")])

    assert files.namelist() == ["E1/9A.pdf", "E1/9B.pdf"]
    assert student_numbers(files, "E1/9A.pdf") == [
        str(number) for number in range(1, 12)
    ]


def test_class_over_section_limit_continues_in_next_file(monkeypatch):
    monkeypatch.setattr(zip_format, "MAX_SECTIONS_PER_FILE", 3)

    files = open_zip([make_row(number, f"<{number}>") for number in range(1, 8)])

    assert files.namelist() == ["E1/9A.pdf", "E1/9A (2).pdf", "E1/9A (3).pdf"]
    assert [student_numbers(files, name) for name in files.namelist()] == [
        ["1", "2", "3"], ["4", "5", "6"], ["7"],
    ]  # fmt: skip


def test_sections_without_class_share_files(monkeypatch):
    monkeypatch.setattr(zip_format, "MAX_SECTIONS_PER_FILE", 2)
    layout = Layout(heading=("student",), page_per_section=True)
    rows = [make_row(None, name) for name in ("Ana", "Ana/Bia", "Caio")]

    several_schools, one_school = (
        open_zip(rows, layout=layout),
        open_zip(rows, layout=layout, school="E1"),
    )

    assert several_schools.namelist() == [
        "0001 Ana – Ana Bia.pdf",
        "0002 Caio – Caio.pdf",
    ]
    assert one_school.namelist() == ["Ana.pdf", "Ana Bia.pdf", "Caio.pdf"]


def student_numbers(files: zipfile.ZipFile, name: str) -> list[str]:
    pages = PdfReader(io.BytesIO(files.read(name)), strict=True).pages
    return [re.findall(r"Aluno: <(\d+)>", page.extract_text())[0] for page in pages]


def test_file_of_whole_class_is_named_after_it():
    layout = Layout(heading=("school", "class"), page_per_section=True)

    files = open_zip(
        [make_row(), make_row(school_class="9B")], layout=layout, school="E1"
    )

    assert files.namelist() == ["9A.pdf", "9B.pdf"]


def test_duplicate_file_names_get_numbers():
    rows = [
        make_row(None, "ANA"),
        make_row(None, "B"),
        make_row(None, "Ana"),
        make_row(None, "B"),
        make_row(None, "ana"),
    ]

    names = [
        name.removeprefix("9A/") for name in open_zip(rows, school="E1").namelist()
    ]

    assert names == ["ANA.pdf", "B.pdf", "Ana (2).pdf", "B (2).pdf", "ana (3).pdf"]


@pytest.mark.parametrize(
    ("student", "name"),
    [
        ("../../etc/passwd", "9A/01 .. .. etc passwd.pdf"),
        ('a\\b:c*d?e"f<g>h|i\x00\n', "9A/01 a b c d e f g h i.pdf"),
        ("José D'Água ção", "9A/01 José D'Água ção.pdf"),
        ("x" * 200, f"9A/01 {'x' * 117}.pdf"),
        ("\u202egpj.exe", "9A/01 gpj.exe.pdf"),
        ("Jose\u0301", "9A/01 José.pdf"),
    ],
)
def test_file_name_is_safe_on_every_system(student, name):
    assert open_zip([make_row(student=student)], school="E1").namelist() == [name]


@pytest.mark.parametrize(
    "school_class", ["..", ".", "CON", "nul.txt", "COM¹", "/", "  "]
)
def test_folder_name_is_never_path_or_device(school_class):
    [name] = open_zip([make_row(school_class=school_class)], school="E1").namelist()

    folder, _slash, file = name.partition("/")
    assert folder.startswith("_")
    assert file == "01 Ana.pdf"


def test_long_names_fit_file_system_limit():
    rows = [make_row(student="😀" * 120, school_class="山" * 160)]
    [name] = open_zip(rows, school="E1").namelist()

    assert max(len(part.encode()) for part in name.split("/")) <= 255
    assert name.endswith("😀.pdf")


def test_skipped_records_have_their_own_file():
    footer = Footer("", ["Alunos que saíram. (3)"])

    files = open_zip([make_row()], footer, school="E1")

    assert files.namelist() == ["9A/01 Ana.pdf", "Sobre estes arquivos.pdf"]
    about = PdfReader(io.BytesIO(files.read("Sobre estes arquivos.pdf")))
    text = about.pages[0].extract_text()
    assert "Alunos que saíram. (3)" in text
    assert "Não há nada a mostrar." not in text


def test_empty_zip_has_file_with_notice():
    files = open_zip([])

    [name] = files.namelist()
    text = PdfReader(io.BytesIO(files.read(name))).pages[0].extract_text()
    assert "Não há nada a mostrar." in text


@pytest.mark.parametrize("school", ["", "E1"])
def test_same_students_give_same_bytes(settings, school):
    rows = [make_row(number) for number in range(45)]

    settings.PDF_PROCESSES = 1
    expected = write_zip(rows, school=school)
    settings.PDF_PROCESSES = 3

    assert write_zip(rows, school=school) == expected


def test_zip_is_offered_only_for_paged_reports():
    for report in registry.report_classes().values():
        if report.__module__.startswith("tasks.reports."):
            assert ("zip" in report.formats) == report.layout.page_per_section
