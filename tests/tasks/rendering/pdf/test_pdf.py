"""PDF output as read back with pypdf: text, tags and pages."""

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
    MIN_SIZE,
    NAME_LINE_LENGTH,
    PROSE_LINE_LENGTH,
    ColumnSizes,
    fit_columns,
    measure_column,
)
from tasks.rendering.pdf.text import WORD_PIECE_LENGTH, to_typst
from tasks.rendering.sections import ColumnGroups, Section
from tasks.rendering.table import Footer, Layout, Letterhead, Table
from tasks.reporting import registry
from tests.support.crest_images import make_png

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


def test_pdf_states_title_issue_date_and_requester():
    text = extract_text(render_pdf(make_table(sample_rows(), heading=("class",))))

    for fact in (
        "Rede de Teste", "Escola Ângela Nº 7", "INEP 13012345 · Rua das Flores, 10, Manaus – AM", "Título", "Pedido por Secretária",
        "Emitido em 26/11/2026 às 15:12", "Dados de 26/11/2026", "Regras do AM, v3",
        "Página 1 de 1",
    ):  # fmt: skip
        assert fact in text


@pytest.mark.parametrize(
    ("language", "cells"),
    [
        ("pt-br", ["7,50", "1.234", "09/02/2026", "Sim", "Aprovado"]),
        ("en", ["7.50", "1,234", "9 Feb 2026", "Yes", "Aprovado"]),
    ],
)
def test_cells_are_formatted_for_language(language, cells):
    text = extract_text(render_pdf(make_table(sample_rows()), language))

    assert [cell for cell in cells if cell not in text] == []


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
@pytest.mark.parametrize("target", ["heading", "cell", "label", "title"])
def test_hostile_text_is_extracted_unchanged(name, target):
    hostile = HOSTILE_TEXTS[name]
    [row] = sample_rows(1, 1)
    table = make_table([row, row], **CARD_LAYOUT, chart=("mean",))
    if target == "heading":
        table = replace(table, rows=iter([("9A", hostile, *row[2:])]))
    elif target == "cell":
        other_row = ("9A", "Aluno", hostile, *row[3:])
        table = replace(table, rows=iter([other_row, other_row]))
    elif target == "label":
        table = replace(table, columns=[*COLUMNS[:7], Column("s", hostile)])
    else:
        table = replace(table, title=hostile)

    assert strip_whitespace(hostile) in strip_whitespace(
        extract_text(render_pdf(table))
    )


def test_no_line_ends_before_a_percent_sign():
    assert to_typst("84,5 %; 75 % ou mais") == "84,5\u00a0%; 75\u00a0% ou mais"


@given(st.text(st.sampled_from("aé =/😀\n"), max_size=60))
def test_to_typst_pieces_join_to_the_text(text):
    pieces = to_typst(text)

    assert "".join(pieces) == text.replace("\n", " ")
    if isinstance(pieces, list):
        assert (
            max(len(piece) for piece in pieces if " " not in piece) <= WORD_PIECE_LENGTH
        )


MARGIN = 17 / 25.4 * 72
"""Bottom page margin in points."""


def lowest_line(reader: PdfReader) -> float:
    """Return the height in points of the lowest table line above the bottom of its page."""
    heights = []

    def visit_text(text: str, matrix: list[float], *_: object) -> None:
        if "wort" in text:
            heights.append(matrix[5])

    for page in reader.pages:
        page.extract_text(visitor_text=visit_text)
    return min(heights)


@pytest.mark.parametrize("figure_count", [0, 12, 24])
@pytest.mark.parametrize("word_count", [60, 88, 160, 2000])
def test_long_row_stays_above_bottom_margin(figure_count, word_count):
    titles = [f"Componente número {n:02}" for n in range(figure_count)]
    columns = [Column(f"n{n}", title, "decimal") for n, title in enumerate(titles)]
    text, grades = "wort " * word_count, [Decimal("9.50")] * figure_count
    table = make_table(
        [("9A", "Ana", text, *grades)] * 3, heading=("class",), landscape=True
    )

    reader = render_pdf(replace(table, columns=[*COLUMNS[:3], *columns]))

    assert extract_text(reader).count("wort") == 3 * word_count
    assert lowest_line(reader) > MARGIN
    assert "Ana" in reader.pages[0].extract_text()


def test_long_section_footer_stays_above_bottom_margin():
    text = "wort " * 1500
    table = make_table(
        [("9A", text, "x", None, 1, None, None, None)], section_footer=("student",)
    )

    reader = render_pdf(table)

    assert extract_text(reader).count("wort") == 1500
    assert lowest_line(reader) > MARGIN


def test_short_row_is_not_split_across_pages():
    text = "palavra " * 30

    reader = render_pdf(
        make_table([("9A", "Ana", text, None, 1, None, None, None)] * 40)
    )

    for page in reader.pages:
        assert page.extract_text().count("palavra") % 30 == 0
    assert len(reader.pages) > 1


def test_chart_with_control_characters_shows_titles():
    columns = [
        *COLUMNS[:3],
        Column("mean", "Aproveitamento-relativo-de-todos", "decimal"),
    ]
    rows = [("9A", "Ana", f"\0\x01\ufffe{n}", Decimal(n)) for n in (1, 2)]
    more_rows = [("9A", "Ana", f"\0\x01\ufffe{n}", Decimal(n)) for n in (3, 4)]
    table = make_table([*rows, *more_rows], heading=("class",), chart=("mean",))

    text = extract_text(render_pdf(replace(table, columns=columns)))

    assert "Aproveitamento-relativo-de-todos(0–10)" in strip_whitespace(text)
    assert "Disciplina:" in strip_whitespace(text)


def make_chart(names):
    groups = ColumnGroups(COLUMNS[2:4], Layout(chart=("mean",)))
    [chart] = build_charts(groups, Section([(name, Decimal(5)) for name in names]))
    return chart


@pytest.mark.parametrize("subjects", [2, 7, 14, 24])
def test_chart_label_words_fit_their_space(subjects):
    names = [f"Aprofundamentos Interdisciplinares {n}" for n in range(subjects)]

    chart = make_chart(names)

    labels = ["".join(group["label"]) for group in chart["groups"]]
    words = [word for label in labels for word in label.split()]
    assert max(map(len, words)) <= (
        chart["rotated_length"] or LABEL_LINE_LENGTH // subjects
    )
    assert all(name in chart["alt"] for name in names)


@pytest.mark.parametrize(
    ("subjects", "longest", "rotated"),
    [(14, 9, 0), (14, 10, 10), (14, 40, ROTATED_LABEL_LENGTH), (24, 5, 0), (7, 40, 0)],
)
def test_chart_labels_rotate_when_words_do_not_fit(subjects, longest, rotated):
    names = ["Arte", "x" * longest, *("Arte" for _ in range(2, subjects))]
    names = [f"{name} {n}" for n, name in enumerate(names, 10)]

    chart = make_chart(names)

    assert chart["rotated_length"] == (
        rotated and min(ROTATED_LABEL_LENGTH, longest + 3)
    )


def test_rotated_labels_are_complete_and_evenly_spaced():
    names = [f"Língua Portuguesa {n}" for n in range(10, 34)]
    rows = [("9A", "Ana", name, Decimal(5), *(None,) * 4) for name in names]
    [page] = render_pdf(
        make_table(rows, heading=("class", "student"), chart=("mean",))
    ).pages
    offset_by_label: dict[str, float] = {}

    def visit_text(text: str, matrix: list[float], *_: object) -> None:
        if text.strip() and not round(matrix[0]):  # it is rotated
            offset_by_label[text.strip()] = matrix[4]

    page.extract_text(visitor_text=visit_text)

    assert [*offset_by_label] == names
    offsets = [*offset_by_label.values()]
    gaps = [end - start for start, end in pairwise(offsets)]
    assert max(gaps) - min(gaps) < 0.1
    assert 24 * min(gaps) > 500  # points; the page is 595 points wide


def test_chart_of_subjects_with_same_name_has_no_series():
    term = Column("term_1", "1º período", "decimal")
    groups = ColumnGroups([COLUMNS[2], term, COLUMNS[3]], Layout(chart=("mean",)))
    subjects = ("Arte", 5), ("Arte", 6), ("Inglês", 7)

    rows = [(name, Decimal(n), Decimal(n)) for name, n in subjects]
    [chart] = build_charts(groups, Section(rows))

    assert chart["series"] == []


def test_pieces_of_right_to_left_word_keep_direction():
    word = "".join(map(chr, range(0x05D0, 0x05EB)))
    [page] = render_pdf(
        make_table([("9A", word, "x", None, 1, None, None, None)])
    ).pages
    offsets = {}

    def visit_text(text: str, matrix: list[float], *_: object) -> None:
        offsets[text.strip()] = matrix[4]

    page.extract_text(visitor_text=visit_text)

    first, second, third = (offsets[word[start : start + 9]] for start in (0, 9, 18))
    assert first > second > third > 0


def test_bidi_override_characters_are_removed():
    assert to_typst("Ana \u202eoãoJ\u202c") == "Ana  oãoJ "


def test_student_named_like_school_is_shown_in_heading():
    [row] = sample_rows(1, 1)
    table = make_table([("9A", LETTERHEAD.school, *row[2:])], **CARD_LAYOUT)

    [page] = render_pdf(table).pages

    assert (
        page.extract_text().count(LETTERHEAD.school) == 3
    )  # letterhead, heading, foot


@pytest.mark.parametrize("name", ["שלום عربى", "山田 太郎", "Zoë 😀 🧑‍🎓 👩🏽‍🚀"])
def test_characters_without_glyph_keep_their_text(name):
    reader = render_pdf(make_table([("9A", name, "x", None, 1, None, None, None)]))

    # Where two characters share a glyph, /ActualText holds the original text.
    marked_content = ContentStream(reader.pages[0].get_contents(), reader).operations
    actual_texts = [
        operands[1]["/ActualText"]
        for operands, operator in marked_content
        if operator == b"BDC" and "/ActualText" in operands[1]
    ]
    assert set(strip_whitespace(name)) <= set(
        extract_text(reader) + "".join(actual_texts)
    )


def test_unusual_code_points_render():
    characters = [
        chr(n) for n in (0x7F, 0x85, 0x200B, 0xFEFF, 0xFFFE, 0x1FFFF, 0x10FFFF, 0xE000)
    ]

    reader = render_pdf(
        make_table(
            [
                ("9A", f"a{character}b", "x", None, 1, None, None, None)
                for character in characters
            ]
        )
    )

    assert len(reader.pages) == 1


def test_paged_section_is_complete_document():
    reader = render_pdf(make_table(sample_rows(students=3), **CARD_LAYOUT))

    for number, page in enumerate(reader.pages, 1):
        text = page.extract_text()
        assert f"Aluno {number}" in text
        assert "Escola Ângela Nº 7" in text
        assert "Página 1 de 1" in text
        assert "Direção da escola" in text
    assert len(reader.pages) == 3


def test_paged_section_numbers_pages_and_repeats_heading():
    reader = render_pdf(
        make_table(sample_rows(students=2, subjects=150), **CARD_LAYOUT)
    )

    texts = [page.extract_text() for page in reader.pages]
    half = len(texts) // 2
    assert half > 1
    for index, page in enumerate(texts):
        assert f"Página {index % half + 1} de {half}" in page
        assert f"9A · Aluno {index // half + 1}" in page
        is_first = index % half == 0
        running_head = "Rede de Teste · Escola Ângela Nº 7 · Título"
        assert page.startswith(running_head) is not is_first
        assert "Disciplina" in page


@pytest.mark.parametrize(
    ("language", "mark", "note"),
    [
        ("pt-br", "PARCIAL", "O ano letivo está aberto"),
        ("en", "PARTIAL", "The school year is open"),
    ],
)
def test_only_partial_papers_say_so_and_have_no_signature_lines(language, mark, note):
    open_rows, closed_rows = (
        list(sample_rows(students=2, subjects=150))[150:],
        list(sample_rows(students=1, subjects=2)),
    )
    rows = [
        *((*row, True) for row in open_rows),
        *((*row, False) for row in closed_rows),
    ]
    columns = [*COLUMNS, Column("partial", "Parcial", "boolean")]
    table = replace(
        make_table(rows, partial="partial", **CARD_LAYOUT),
        columns=columns,
        is_partial=True,
    )

    reader = render_pdf(table, language)

    *open_pages, closed_page = (page.extract_text() for page in reader.pages)
    assert len(open_pages) > 1
    assert note in open_pages[0]
    assert f"Título – {mark}" in open_pages[0]
    assert all(f"Título · {mark}" in page for page in open_pages[1:])
    signers = ("Direção da escola", "Head of the school")
    assert not any(signer in page for page in open_pages for signer in signers)
    assert any(signer in closed_page for signer in signers)
    assert mark not in closed_page
    assert "Parcial" not in "".join(open_pages)
    assert reader.metadata.title == f"{mark} – Título"


@pytest.mark.guarantee("Nobody signs a sheet without any result.")
@pytest.mark.parametrize("layout", ["rows", "footer"])
@pytest.mark.parametrize("has_summary", [True, False])
def test_signatures_are_on_the_page_of_the_last_results(layout, has_summary):
    """Whatever the length of the list, also where the signatures alone would go on."""
    options = {"heading": ("class", "student"), "page_per_section": True}
    if layout == "footer":
        options |= {"section_footer": ("days", "on")}
    footer = Footer("Matrículas: 9", ()) if has_summary else None
    page_counts = set()
    for count in range(38, 58):
        rows = [
            (*row[:2], f"Matéria-{index:02}", *row[3:])
            for index, row in enumerate(sample_rows(students=1, subjects=count), 1)
        ]
        reader = render_pdf(make_table(rows, footer, **options))

        texts = [page.extract_text() for page in reader.pages]
        page_counts.add(len(texts))
        assert not any("Direção da escola" in text for text in texts[:-1])
        assert "Direção da escola" in texts[-1]
        assert ("Matrículas: 9" in texts[-1]) is has_summary
        if layout == "footer":
            assert "Dias: 1.234" in texts[-1], count
        else:
            last_rows = [f"Matéria-{n:02}" for n in (count - 1, count)]
            assert all(row in texts[-1] for row in last_rows), count
        assert [strip_whitespace("".join(texts)).count(f"Matéria-{n:02}") for n in range(1, count + 1)] == [1] * count  # fmt: skip
    assert page_counts == {1, 2}


def test_section_of_an_empty_row_has_no_table():
    empty_row = ("9A", "Aluno 1", None, None, None, None, None, None)

    text = extract_text(render_pdf(make_table([empty_row], **CARD_LAYOUT)))

    assert "Aluno 1" in text
    assert "Disciplina" not in text
    assert "Média" not in text


def test_page_numbers_span_merged_documents(monkeypatch):
    monkeypatch.setattr(pdf_layout, "PAGES_PER_DOCUMENT", 2)

    reader = render_pdf(
        make_table(sample_rows(students=6, subjects=60), heading=("student",))
    )

    texts = [page.extract_text() for page in reader.pages]
    assert len(texts) > 6
    for number, page in enumerate(texts, 1):
        assert f"Página {number} de {len(texts)}" in page
    assert sum("Emitido em" in page for page in texts) == 1


def test_split_table_keeps_every_row_once(monkeypatch):
    monkeypatch.setattr(pdf_layout, "PAGES_PER_DOCUMENT", 1)
    monkeypatch.setattr("tasks.rendering.sections.MAX_ROWS_PER_PIECE", 33)
    rows = [("9A", "A", f"<{n}>", None, n, None, None, None) for n in range(100)]

    for layout in ({}, {"heading": ("class",)}, CARD_LAYOUT):
        text = extract_text(render_pdf(make_table(rows, **layout)))
        assert re.findall(r"<(\d+)>", text) == [str(n) for n in range(100)]


def fit_grade_table(subjects: int) -> ColumnSizes:
    """Fit a name, `subjects` columns of grades and a column of sentences to a landscape page."""

    def measure_text(column, words):
        return measure_column(column, [" ".join(["reprovado"] * words)] * 30)

    grades = [Column(f"s{n}", "Matemática", "decimal") for n in range(subjects)]
    return fit_columns(
        [
            measure_text(Column("student", "Aluno"), 3),
            *(measure_column(column, ["5,00", "10,00"]) for column in grades),
            measure_text(Column("reasons", "Motivos"), 16),
        ],
        landscape=True,
    )


@pytest.mark.parametrize("subjects", [12, 20, 30])
def test_prose_column_fits_beside_many_grade_columns(subjects):
    fit = fit_grade_table(subjects)

    assert fit.size >= MIN_SIZE
    assert fit.widths[0] - COLUMN_GAP >= NAME_LINE_LENGTH
    assert fit.widths[-1] - COLUMN_GAP >= PROSE_LINE_LENGTH
    assert min(fit.widths[1:-1]) - COLUMN_GAP >= len("10,00")
    assert sum(fit.widths) <= 100 * LINE_LENGTH[True] // fit.size


def test_too_many_columns_for_full_lines_keep_words_and_figures_whole():
    fit = fit_grade_table(36)

    assert fit.size == MIN_SIZE
    assert PROSE_LINE_LENGTH > fit.widths[-1] - COLUMN_GAP >= len("reprovado")
    assert fit.widths[0] - COLUMN_GAP >= len("reprovado")
    assert min(fit.widths[1:-1]) - COLUMN_GAP >= len("10,00")
    assert sum(fit.widths) <= 100 * LINE_LENGTH[True] // fit.size


def test_column_width_ignores_empty_cells():
    column, text = Column("windows", "X"), "junho e julho, outubro e novembro"

    some_rows, all_rows = (
        measure_column(column, ["", text, "", ""]),
        measure_column(column, [text] * 4),
    )

    assert some_rows.preferred_width == all_rows.preferred_width > all_rows.min_width


def test_long_school_name_keeps_student_in_page_footer():
    school = "Escola Municipal " * 6
    columns = [Column("school", "Escola"), *COLUMNS]
    table = make_table(
        [(school, *row) for row in sample_rows(1)],
        heading=("school", "class", "student"),
        page_per_section=True,
    )
    letterhead = replace(LETTERHEAD, school=school)

    [page] = render_pdf(replace(table, columns=columns, letterhead=letterhead)).pages

    assert "9A · Aluno 1" in page.extract_text()


def test_summary_and_skipped_records_are_on_last_page():
    footer = Footer("Ao todo: 2", ["Alunos que saíram. (3)"])

    flowing = render_pdf(make_table(sample_rows(), footer, heading=("student",)))
    cards = render_pdf(make_table(sample_rows(), footer, **CARD_LAYOUT))

    for reader in (flowing, cards):
        last = reader.pages[-1].extract_text()
        assert "Ao todo: 2" in last
        assert "Não incluído:" in last
        assert "Alunos que saíram. (3)" in last
    # The card of a student does not show it.
    assert len(cards.pages) == 3


def test_empty_table_shows_notice():
    text = extract_text(
        render_pdf(make_table([], Footer("", ["Alunos que saíram. (1)"])))
    )

    assert "Não há nada a mostrar." in text
    assert "Alunos que saíram. (1)" in text


def test_same_table_gives_same_bytes(settings, monkeypatch):
    monkeypatch.setattr(pdf_layout, "PAGES_PER_DOCUMENT", 2)

    def render(processes: int) -> bytes:
        settings.PDF_PROCESSES = processes
        file = io.BytesIO()
        registry.format_classes()["pdf"]().write_table(
            make_table(sample_rows(students=9), **CARD_LAYOUT), file
        )
        return file.getvalue()

    assert render(1) == render(1) == render(3)


def test_merged_pdf_is_tagged_completely(monkeypatch):
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
    """Yield all tags below this one, check their parent links, and skip marked content."""
    for child in tag["/K"]:
        child = child.get_object()
        if not isinstance(child, int) and child.get("/Type") != "/MCR":
            assert child["/P"].get_object() == tag
            yield child
            yield from walk_tags(child)


def test_parent_tree_maps_each_page_to_its_tags(monkeypatch):
    monkeypatch.setattr(pdf_layout, "PAGES_PER_DOCUMENT", 2)
    reader = render_pdf(make_table(sample_rows(students=5), **CARD_LAYOUT))

    nodes = reader.root_object["/StructTreeRoot"]["/ParentTree"]["/Kids"]
    nums = [entry for node in nodes for entry in node.get_object()["/Nums"]]
    tags_of = dict(zip(nums[::2], nums[1::2], strict=True))
    for page in reader.pages:
        mcids = re.findall(rb"/MCID (\d+)", page.get_contents().get_data())
        tags = tags_of[page["/StructParents"]].get_object()
        assert sorted(map(int, mcids)) == list(range(len(tags)))
        pages = [tag.get_object().raw_get("/Pg") for tag in tags]
        assert set(pages) == {page.indirect_reference}


def test_fonts_are_embedded():
    reader = render_pdf(make_table(sample_rows()))

    fonts = reader.pages[0]["/Resources"]["/Font"].values()
    for font in fonts:
        descendant = font["/DescendantFonts"][0].get_object()
        assert "/FontFile2" in descendant["/FontDescriptor"]
    assert len(fonts) == 2


def test_crest_is_drawn_in_letterhead():
    table = make_table(sample_rows(1), **CARD_LAYOUT)
    letterhead = replace(LETTERHEAD, load_crest=make_png)

    reader = render_pdf(replace(table, rows=sample_rows(1), letterhead=letterhead))

    plain = render_pdf(table).pages[0]
    assert count_shapes(reader.pages[0]) > count_shapes(plain)


def count_shapes(page) -> int:
    """Count filled shapes and images; text is neither."""
    return len(re.findall(rb"\b(?:f|Do)\n", page.get_contents().get_data()))
