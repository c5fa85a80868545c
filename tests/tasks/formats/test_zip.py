"""ZIP files as people unpack them."""

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
    """Of several schools, if none is named."""
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


def test_each_student_has_a_file_of_their_own():
    files = open_zip(
        [make_row(), make_row(subject="Inglês"), make_row(2, "Bia")], school="E1"
    )

    assert files.namelist() == ["9A/01 Ana.pdf", "9A/02 Bia.pdf"]
    assert files.testzip() is None
    said = PdfReader(io.BytesIO(files.read("9A/01 Ana.pdf")), strict=True)
    assert len(said.pages) == 1
    assert "Inglês" in said.pages[0].extract_text()
    assert "Bia" not in said.pages[0].extract_text()


def test_class_is_a_file_in_its_school_s_folder_where_there_are_several():
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


def test_large_class_is_whole_in_its_file(monkeypatch):
    monkeypatch.setattr(zip_format, "MAX_PAGES_PER_DOCUMENT", 4)
    rows = [make_row(number, f"<{number}>") for number in range(1, 12)]

    files = open_zip([*rows, make_row(school_class="9B")])

    assert files.namelist() == ["E1/9A.pdf", "E1/9B.pdf"]
    assert student_numbers(files, "E1/9A.pdf") == [
        str(number) for number in range(1, 12)
    ]


def test_class_of_too_many_goes_on_in_another_file(monkeypatch):
    monkeypatch.setattr(zip_format, "MAX_SECTIONS_PER_FILE", 3)

    files = open_zip([make_row(number, f"<{number}>") for number in range(1, 8)])

    assert files.namelist() == ["E1/9A.pdf", "E1/9A (2).pdf", "E1/9A (3).pdf"]
    assert [student_numbers(files, name) for name in files.namelist()] == [
        ["1", "2", "3"], ["4", "5", "6"], ["7"],
    ]  # fmt: skip


def test_papers_of_no_class_are_some_to_a_file(monkeypatch):
    monkeypatch.setattr(zip_format, "MAX_SECTIONS_PER_FILE", 2)
    layout = Layout(heading=("student",), page_per_section=True)
    rows = [make_row(None, name) for name in ("Ana", "Ana/Bia", "Caio")]

    of_several, of_one = (
        open_zip(rows, layout=layout),
        open_zip(rows, layout=layout, school="E1"),
    )

    assert of_several.namelist() == ["0001 Ana – Ana Bia.pdf", "0002 Caio – Caio.pdf"]
    assert of_one.namelist() == ["Ana.pdf", "Ana Bia.pdf", "Caio.pdf"]


def student_numbers(files: zipfile.ZipFile, name: str) -> list[str]:
    pages = PdfReader(io.BytesIO(files.read(name)), strict=True).pages
    return [re.findall(r"Aluno: <(\d+)>", page.extract_text())[0] for page in pages]


def test_paper_of_a_whole_class_is_called_after_it():
    layout = Layout(heading=("school", "class"), page_per_section=True)

    files = open_zip(
        [make_row(), make_row(school_class="9B")], layout=layout, school="E1"
    )

    assert files.namelist() == ["9A.pdf", "9B.pdf"]


def test_files_of_one_name_are_told_apart():
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
def test_names_are_safe_on_every_system(student, name):
    assert open_zip([make_row(student=student)], school="E1").namelist() == [name]


@pytest.mark.parametrize(
    "school_class", ["..", ".", "CON", "nul.txt", "COM¹", "/", "  "]
)
def test_folder_is_never_a_path_or_a_device(school_class):
    [name] = open_zip([make_row(school_class=school_class)], school="E1").namelist()

    folder, _slash, file = name.partition("/")
    assert folder.startswith("_")
    assert file == "01 Ana.pdf"


def test_no_name_is_longer_than_a_file_system_takes():
    rows = [make_row(student="😀" * 120, school_class="山" * 160)]
    [name] = open_zip(rows, school="E1").namelist()

    assert max(len(part.encode()) for part in name.split("/")) <= 255
    assert name.endswith("😀.pdf")


def test_what_was_left_out_is_a_file_of_its_own():
    closing = Footer("", ["Alunos que saíram. (3)"])

    files = open_zip([make_row()], closing, school="E1")

    assert files.namelist() == ["9A/01 Ana.pdf", "Sobre estes arquivos.pdf"]
    about = PdfReader(io.BytesIO(files.read("Sobre estes arquivos.pdf")))
    said = about.pages[0].extract_text()
    assert "Alunos que saíram. (3)" in said
    assert "Não há nada a mostrar." not in said


def test_nobody_is_told_in_a_file():
    files = open_zip([])

    [name] = files.namelist()
    said = PdfReader(io.BytesIO(files.read(name))).pages[0].extract_text()
    assert "Não há nada a mostrar." in said


@pytest.mark.parametrize("school", ["", "E1"])
def test_same_students_give_the_same_bytes(settings, school):
    rows = [make_row(number) for number in range(45)]

    settings.PDF_PROCESSES = 1
    one = write_zip(rows, school=school)
    settings.PDF_PROCESSES = 3

    assert write_zip(rows, school=school) == one


def test_it_is_offered_for_papers_of_their_own_alone():
    for report in registry.report_classes().values():
        if report.__module__.startswith("tasks.reports."):
            assert ("zip" in report.formats) == report.layout.page_per_section
