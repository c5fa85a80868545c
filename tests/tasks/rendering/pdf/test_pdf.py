"""PDFs as they are read again: by a library that extracts their text, tags and pages."""

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader
from pypdf.generic import ContentStream

from tasks.rendering.columns import Column
from tasks.rendering.pdf import layout as pdf_layout
from tasks.rendering.pdf.charts import (
    LABEL_LINE_LENGTH,
    ROTATED_LABEL_LENGTH,
    build_charts,
)
from tasks.rendering.pdf.column_widths import (
    COLUMN_GAP,
    LINE_LENGTH,
    MIN_SIZE_PROSE,
    NAME_LINE_LENGTH,
    PROSE_LINE_LENGTH,
    fit_columns,
    measure_column,
)
from tasks.rendering.pdf.sections import ColumnGroups, Section
from tasks.rendering.pdf.text import WORD_PIECE_LENGTH, to_typst
from tasks.rendering.table import Footer, Layout, Letterhead, Table
from tasks.reporting import registry

CREATED_AT = datetime(2026, 11, 26, 15, 12, 59, 999999, tzinfo=UTC)
LETTERHEAD = Letterhead(
    network="Rede de Teste",
    school="Escola Ângela Nº 7",
    inep_code="13012345",
    address="Rua das Flores, 10, Manaus – AM",
    requested_by="Secretária",
    issued_at=CREATED_AT,
    data_as_of=CREATED_AT,
    rules=["Regras do AM, v3"],
)
COLUMNS = [
    Column("class", "Turma"),
    Column("student", "Aluno"),
    Column("subject", "Disciplina"),
    Column("mean", "Média", "decimal"),
    Column("days", "Dias", "integer"),
    Column("on", "Em", "date"),
    Column("passes", "Passa", "boolean"),
    Column("situation", "Situação", labels={"approved": "Aprovado"}),
]
HOSTILE_TEXTS = {
    "markup": "#import \"x\": * $x^2$ \\ ` _a_ *b* <c> @d // e /* f",
    "code": '#panic("x") #{ } [ ] ] ) "',
    "formula": '=HYPERLINK("http://x.example","y")',
    "brackets": "(((1 0 R) 2 0 R) \\( endobj stream",
    "quotes": "“O'Brien” 'd\"Água' -- --- ...",
    "long": "Antônio" * 28 + "1234",
    "long words among others": "a secretaria.geral@escola.gov.br em Física/Química/Biologia e só",
    "long words": "Maria da Conceição Aparecida dos Santos e Silva " * 4,
}  # fmt: skip


def sample_rows(students=2, subjects=3):
    for student in range(1, students + 1):
        for subject in range(1, subjects + 1):
            yield (
                "9A", f"Aluno {student}", f"Disciplina {subject}", Decimal("7.50"), 1234,
                date(2026, 2, 9), True, "approved",
            )  # fmt: skip


def make_table(rows, footer=None, **layout) -> Table:
    return Table(
        "Título",
        COLUMNS,
        iter(rows),
        letterhead=LETTERHEAD,
        layout=Layout(**layout),
        build_footer=lambda: footer or Footer(),
    )


def render_pdf(table: Table, language="pt-br") -> PdfReader:
    file = io.BytesIO()
    with translation.override(language):
        registry.format_classes()["pdf"]().write_table(table, file)
    return PdfReader(file, strict=True)


def extract_text(reader: PdfReader) -> str:
    return "\n".join(page.extract_text() for page in reader.pages)


def strip_whitespace(text: str) -> str:
    return re.sub(r"\s", "", text)


CARD_LAYOUT = {"heading": ("class", "student"), "page_per_section": True}


def test_paper_says_what_it_is_and_when_and_for_whom():
    said = extract_text(render_pdf(make_table(sample_rows(), heading=("class",))))

    for fact in (
        "Rede de Teste", "Escola Ângela Nº 7", "INEP 13012345 · Rua das Flores, 10, Manaus – AM", "Título", "Pedido por Secretária",
        "Emitido em 26/11/2026 às 15:12", "Dados de 26/11/2026", "Regras do AM, v3",
        "Página 1 de 1",
    ):  # fmt: skip
        assert fact in said


@pytest.mark.parametrize(
    ("language", "cells"),
    [
        ("pt-br", ["7,50", "1.234", "09/02/2026", "Sim", "Aprovado"]),
        ("en", ["7.50", "1,234", "9 Feb 2026", "Yes", "Aprovado"]),
    ],
)
def test_cells_are_written_as_people_write_them(language, cells):
    said = extract_text(render_pdf(make_table(sample_rows()), language))

    assert [cell for cell in cells if cell not in said] == []


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
@pytest.mark.parametrize("where", ["heading", "cell", "label", "title"])
def test_text_comes_out_as_it_went_in(name, where):
    hostile = HOSTILE_TEXTS[name]
    [row] = sample_rows(1, 1)
    wanted = make_table([row, row], **CARD_LAYOUT, chart=("mean",))
    if where == "heading":
        wanted = replace(wanted, rows=iter([("9A", hostile, *row[2:])]))
    elif where == "cell":
        again = ("9A", "Aluno", hostile, *row[3:])
        wanted = replace(wanted, rows=iter([again, again]))
    elif where == "label":
        wanted = replace(wanted, columns=[*COLUMNS[:7], Column("s", hostile)])
    else:
        wanted = replace(wanted, title=hostile)

    assert strip_whitespace(hostile) in strip_whitespace(
        extract_text(render_pdf(wanted))
    )


@given(st.text(st.sampled_from("aé =/😀\n"), max_size=60))
def test_text_in_pieces_is_the_text(text):
    pieces = to_typst(text)

    assert "".join(pieces) == text.replace("\n", " ")
    if isinstance(pieces, list):
        assert (
            max(len(piece) for piece in pieces if " " not in piece) <= WORD_PIECE_LENGTH
        )


MARGIN = 17 / 25.4 * 72
"""Points that the page keeps free at its foot."""


def lowest_line(reader: PdfReader) -> float:
    """Where the last line of all pages' tables stands, above the foot of its page."""
    heights = []

    def visit_text(text: str, matrix: list[float], *_: object) -> None:
        if "wort" in text:
            heights.append(matrix[5])

    for page in reader.pages:
        page.extract_text(visitor_text=visit_text)
    return min(heights)


@pytest.mark.parametrize("figures", [0, 12, 24])
@pytest.mark.parametrize("words", [60, 88, 160, 2000])
def test_no_row_runs_off_its_page(figures, words):
    titles = [f"Componente número {n:02}" for n in range(figures)]
    columns = [Column(f"n{n}", title, "decimal") for n, title in enumerate(titles)]
    told, marks = "wort " * words, [Decimal("9.50")] * figures
    wanted = make_table(
        [("9A", "Ana", told, *marks)] * 3, heading=("class",), landscape=True
    )

    reader = render_pdf(replace(wanted, columns=[*COLUMNS[:3], *columns]))

    assert extract_text(reader).count("wort") == 3 * words
    assert lowest_line(reader) > MARGIN
    assert "Ana" in reader.pages[0].extract_text()


def test_what_stands_beneath_a_table_does_not_run_off_its_page():
    told = "wort " * 1500
    wanted = make_table(
        [("9A", told, "x", None, 1, None, None, None)], section_footer=("student",)
    )

    reader = render_pdf(wanted)

    assert extract_text(reader).count("wort") == 1500
    assert lowest_line(reader) > MARGIN


def test_row_that_fits_stays_together():
    told = "palavra " * 30

    reader = render_pdf(
        make_table([("9A", "Ana", told, None, 1, None, None, None)] * 40)
    )

    for page in reader.pages:
        assert page.extract_text().count("palavra") % 30 == 0
    assert len(reader.pages) > 1


def test_chart_says_what_its_table_says_however_it_is_called():
    columns = [
        *COLUMNS[:3],
        Column("mean", "Aproveitamento-relativo-de-todos", "decimal"),
    ]
    marks = [("9A", "Ana", f"\0\x01\ufffe{n}", Decimal(n)) for n in (1, 2)]
    again = [("9A", "Ana", f"\0\x01\ufffe{n}", Decimal(n)) for n in (3, 4)]
    wanted = make_table([*marks, *again], heading=("class",), chart=("mean",))

    said = extract_text(render_pdf(replace(wanted, columns=columns)))

    assert "Aproveitamento-relativo-de-todos(0–10)" in strip_whitespace(said)
    assert "Disciplina:" in strip_whitespace(said)


def make_chart(names):
    groups = ColumnGroups(COLUMNS[2:4], Layout(chart=("mean",)))
    [chart] = build_charts(groups, Section([(name, Decimal(5)) for name in names]))
    return chart


@pytest.mark.parametrize("subjects", [2, 7, 14, 24])
def test_labels_of_a_chart_have_room(subjects):
    names = [f"Aprofundamentos Interdisciplinares {n}" for n in range(subjects)]

    chart = make_chart(names)

    labels = ["".join(group["label"]) for group in chart["groups"]]
    words = [word for label in labels for word in label.split()]
    assert max(map(len, words)) <= (
        chart["rotated_length"] or LABEL_LINE_LENGTH // subjects
    )
    assert all(name in chart["alt"] for name in names)


@pytest.mark.parametrize(
    ("subjects", "longest", "upright"),
    [(14, 9, 0), (14, 10, 10), (14, 40, ROTATED_LABEL_LENGTH), (24, 5, 0), (7, 40, 0)],
)
def test_labels_stand_where_words_have_no_room_to_lie(subjects, longest, upright):
    names = ["Arte", "x" * longest, *("Arte" for _ in range(2, subjects))]
    names = [f"{name} {n}" for n, name in enumerate(names, 10)]

    chart = make_chart(names)

    assert chart["rotated_length"] == (
        upright and min(ROTATED_LABEL_LENGTH, longest + 3)
    )


def test_labels_that_stand_are_whole_and_each_under_its_bar():
    names = [f"Língua Portuguesa {n}" for n in range(10, 34)]
    marks = [("9A", "Ana", name, Decimal(5), *(None,) * 4) for name in names]
    [page] = render_pdf(
        make_table(marks, heading=("class", "student"), chart=("mean",))
    ).pages
    found: dict[str, float] = {}

    def seen(text: str, matrix: list[float], *_: object) -> None:
        if text.strip() and not round(matrix[0]):  # it stands
            found[text.strip()] = matrix[4]

    page.extract_text(visitor_text=seen)

    assert [*found] == names
    places = [*found.values()]
    between = [right - left for left, right in pairwise(places)]
    assert max(between) - min(between) < 0.1
    assert 24 * min(between) > 500  # points, of the 595 that the page is wide


def test_of_two_subjects_of_one_name_the_figures_do_not_become_the_legend():
    term = Column("term_1", "1º período", "decimal")
    shown = ColumnGroups([COLUMNS[2], term, COLUMNS[3]], Layout(chart=("mean",)))
    subjects = ("Arte", 5), ("Arte", 6), ("Inglês", 7)

    rows = [(name, Decimal(n), Decimal(n)) for name, n in subjects]
    [chart] = build_charts(shown, Section(rows))

    assert chart["series"] == []


def test_pieces_of_a_word_that_is_read_from_the_right_stand_from_the_right():
    word = "".join(map(chr, range(0x05D0, 0x05EB)))
    [page] = render_pdf(
        make_table([("9A", word, "x", None, 1, None, None, None)])
    ).pages
    left = {}

    def seen(text: str, matrix: list[float], *_: object) -> None:
        left[text.strip()] = matrix[4]

    page.extract_text(visitor_text=seen)

    first, second, third = (left[word[start : start + 9]] for start in (0, 9, 18))
    assert first > second > third > 0


def test_letters_that_turn_the_text_around_do_nothing():
    assert to_typst("Ana \u202eoãoJ\u202c") == "Ana  oãoJ "


def test_who_is_called_as_the_school_is_is_told_all_the_same():
    [row] = sample_rows(1, 1)
    wanted = make_table([("9A", LETTERHEAD.school, *row[2:])], **CARD_LAYOUT)

    [page] = render_pdf(wanted).pages

    assert (
        page.extract_text().count(LETTERHEAD.school) == 3
    )  # letterhead, heading, foot


@pytest.mark.parametrize("name", ["שלום عربى", "山田 太郎", "Zoë 😀 🧑‍🎓 👩🏽‍🚀"])
def test_signs_that_no_font_has_and_other_directions_keep_their_letters(name):
    reader = render_pdf(make_table([("9A", name, "x", None, 1, None, None, None)]))

    # Where two signs look alike, what they stand for is said beside them.
    marks = ContentStream(reader.pages[0].get_contents(), reader).operations
    told = [
        operands[1]["/ActualText"]
        for operands, operator in marks
        if operator == b"BDC" and "/ActualText" in operands[1]
    ]
    assert set(strip_whitespace(name)) <= set(extract_text(reader) + "".join(told))


def test_every_character_there_is_has_a_place_on_paper():
    signs = [
        chr(n) for n in (0x7F, 0x85, 0x200B, 0xFEFF, 0xFFFE, 0x1FFFF, 0x10FFFF, 0xE000)
    ]

    reader = render_pdf(
        make_table(
            [("9A", f"a{sign}b", "x", None, 1, None, None, None) for sign in signs]
        )
    )

    assert len(reader.pages) == 1


def test_each_part_of_a_paged_table_is_a_paper_of_its_own():
    reader = render_pdf(make_table(sample_rows(students=3), **CARD_LAYOUT))

    for number, page in enumerate(reader.pages, 1):
        said = page.extract_text()
        assert f"Aluno {number}" in said
        assert "Escola Ângela Nº 7" in said
        assert "Página 1 de 1" in said
        assert "Direção da escola" in said
    assert len(reader.pages) == 3


def test_paper_of_several_pages_counts_its_own_and_says_whose_each_is():
    reader = render_pdf(
        make_table(sample_rows(students=2, subjects=150), **CARD_LAYOUT)
    )

    said = [page.extract_text() for page in reader.pages]
    half = len(said) // 2
    assert half > 1
    for place, page in enumerate(said):
        assert f"Página {place % half + 1} de {half}" in page
        assert f"9A · Aluno {place // half + 1}" in page
        assert "Disciplina" in page.splitlines()[0] or place % half == 0


def test_pages_are_counted_over_all_documents_of_a_file(monkeypatch):
    monkeypatch.setattr(pdf_layout, "PAGES_PER_DOCUMENT", 2)

    reader = render_pdf(
        make_table(sample_rows(students=6, subjects=60), heading=("student",))
    )

    said = [page.extract_text() for page in reader.pages]
    assert len(said) > 6
    for number, page in enumerate(said, 1):
        assert f"Página {number} de {len(said)}" in page
    assert sum("Emitido em" in page for page in said) == 1


def test_no_row_is_lost_or_doubled_however_it_is_cut(monkeypatch):
    monkeypatch.setattr(pdf_layout, "PAGES_PER_DOCUMENT", 1)
    monkeypatch.setattr("tasks.rendering.pdf.sections.MAX_ROWS_PER_PIECE", 33)
    many = [("9A", "A", f"<{n}>", None, n, None, None, None) for n in range(100)]

    for layout in ({}, {"heading": ("class",)}, CARD_LAYOUT):
        said = extract_text(render_pdf(make_table(many, **layout)))
        assert re.findall(r"<(\d+)>", said) == [str(n) for n in range(100)]


@pytest.mark.parametrize("subjects", [12, 16, 20])
def test_reasons_have_room_beside_the_grades_of_many_subjects(subjects):
    def words(count):
        return " ".join(["reprovado"] * count)

    names = [Column("student", "Aluno"), Column("reasons", "Motivos")]
    grades = [Column(f"s{n}", "Matemática", "decimal") for n in range(subjects)]
    texts = [
        measure_column(c, [words(n)] * 30) for c, n in zip(names, (3, 16), strict=True)
    ]
    figures = [measure_column(column, ["5,00", "10,00"]) for column in grades]

    made = fit_columns([texts[0], *figures, texts[1]], landscape=True)

    assert made.size >= MIN_SIZE_PROSE
    assert made.widths[0] - COLUMN_GAP >= NAME_LINE_LENGTH
    assert made.widths[-1] - COLUMN_GAP >= PROSE_LINE_LENGTH
    assert min(made.widths[1:-1]) - COLUMN_GAP >= len("10,00")
    assert sum(made.widths) <= 100 * LINE_LENGTH[True] // made.size


def test_text_that_few_rows_have_gets_room_as_one_that_all_have():
    column, text = Column("windows", "X"), "junho e julho, outubro e novembro"

    few, all_ = (
        measure_column(column, ["", text, "", ""]),
        measure_column(column, [text] * 4),
    )

    assert few.preferred_width == all_.preferred_width > all_.min_width


def test_name_of_who_a_page_is_of_is_not_pushed_off_its_foot_by_the_school():
    school = "Escola Municipal " * 6
    columns = [Column("school", "Escola"), *COLUMNS]
    wanted = make_table(
        [(school, *row) for row in sample_rows(1)],
        heading=("school", "class", "student"),
        page_per_section=True,
    )
    about = replace(LETTERHEAD, school=school)

    [page] = render_pdf(replace(wanted, columns=columns, letterhead=about)).pages

    assert "9A · Aluno 1" in page.extract_text()


def test_summary_and_what_was_left_out_stand_at_the_end():
    closing = Footer("Ao todo: 2", ["Alunos que saíram. (3)"])

    flowing = render_pdf(make_table(sample_rows(), closing, heading=("student",)))
    cards = render_pdf(make_table(sample_rows(), closing, **CARD_LAYOUT))

    for reader in (flowing, cards):
        last = reader.pages[-1].extract_text()
        assert "Ao todo: 2" in last
        assert "Não incluído:" in last
        assert "Alunos que saíram. (3)" in last
    # It is nothing for one student's card.
    assert len(cards.pages) == 3


def test_table_of_no_row_says_so():
    said = extract_text(
        render_pdf(make_table([], Footer("", ["Alunos que saíram. (1)"])))
    )

    assert "Não há nada a mostrar." in said
    assert "Alunos que saíram. (1)" in said


def test_same_table_gives_the_same_bytes(settings, monkeypatch):
    monkeypatch.setattr(pdf_layout, "PAGES_PER_DOCUMENT", 2)

    def written(processes: int) -> bytes:
        settings.PDF_PROCESSES = processes
        file = io.BytesIO()
        registry.format_classes()["pdf"]().write_table(
            make_table(sample_rows(students=9), **CARD_LAYOUT), file
        )
        return file.getvalue()

    assert written(1) == written(1) == written(3)


def test_file_is_tagged_from_end_to_end(monkeypatch):
    monkeypatch.setattr(pdf_layout, "PAGES_PER_DOCUMENT", 2)
    reader = render_pdf(
        make_table(sample_rows(students=5), **CARD_LAYOUT, chart=("mean",))
    )

    catalogue = reader.root_object
    assert catalogue["/Lang"] == "pt-BR"
    assert catalogue["/MarkInfo"]["/Marked"]
    assert catalogue["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"<pdfuaid:part>1<" in catalogue["/Metadata"].get_data()
    assert reader.metadata.title == "Título"
    tags = list(walk_tags(catalogue["/StructTreeRoot"]))
    assert sum(tag["/S"] == "/Table" for tag in tags) == 5
    assert sum(tag["/S"] == "/TD" for tag in tags) == 5 * 3 * 6
    figures = [tag["/Alt"] for tag in tags if tag["/S"] == "/Figure"]
    assert figures == 5 * [
        "Gráfico de barras de “Média”. "
        "Disciplina 1: 7,50; Disciplina 2: 7,50; Disciplina 3: 7,50."
    ]


def walk_tags(tag):
    """All tags below; each knows the one above it. What goes on on the next page is no tag."""
    for child in tag["/K"]:
        child = child.get_object()
        if not isinstance(child, int) and child.get("/Type") != "/MCR":
            assert child["/P"].get_object() == tag
            yield child
            yield from walk_tags(child)


def test_each_page_finds_the_tags_of_what_is_on_it(monkeypatch):
    monkeypatch.setattr(pdf_layout, "PAGES_PER_DOCUMENT", 2)
    reader = render_pdf(make_table(sample_rows(students=5), **CARD_LAYOUT))

    nodes = reader.root_object["/StructTreeRoot"]["/ParentTree"]["/Kids"]
    nums = [entry for node in nodes for entry in node.get_object()["/Nums"]]
    tags_of = dict(zip(nums[::2], nums[1::2], strict=True))
    for page in reader.pages:
        marks = re.findall(rb"/MCID (\d+)", page.get_contents().get_data())
        tags = tags_of[page["/StructParents"]].get_object()
        assert sorted(map(int, marks)) == list(range(len(tags)))
        below = [tag.get_object().raw_get("/Pg") for tag in tags]
        assert set(below) == {page.indirect_reference}


def test_fonts_are_embedded():
    reader = render_pdf(make_table(sample_rows()))

    fonts = reader.pages[0]["/Resources"]["/Font"].values()
    for font in fonts:
        descendant = font["/DescendantFonts"][0].get_object()
        assert "/FontFile2" in descendant["/FontDescriptor"]
    assert len(fonts) == 2


@pytest.mark.parametrize(
    "crest",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
        bytes.fromhex(
            "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
            "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
            "0000000049454e44ae426082"
        ),
    ],
    ids=["svg", "png"],
)
def test_crest_stands_at_the_head(crest):
    without = make_table(sample_rows(1), **CARD_LAYOUT)
    about = replace(LETTERHEAD, load_crest=lambda: crest)

    reader = render_pdf(replace(without, rows=sample_rows(1), letterhead=about))

    plain = render_pdf(without).pages[0]
    assert count_shapes(reader.pages[0]) > count_shapes(plain)


def count_shapes(page) -> int:
    """Shapes and pictures, of which the text is none."""
    return len(re.findall(rb"\b(?:f|Do)\n", page.get_contents().get_data()))
