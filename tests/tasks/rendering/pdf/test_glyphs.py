"""Signs that the fonts lack, as they are set by typst."""

from dataclasses import replace

import pytest
from pypdf import PdfReader

from tasks.rendering.pdf import glyphs
from tasks.rendering.table import Footer
from tests.tasks.rendering.pdf.test_pdf import (
    CARD_LAYOUT,
    LETTERHEAD,
    extract_text,
    make_table,
    render_pdf,
)

NOTES = {
    "pt-br": "Um quadrado está no lugar de um sinal que as fontes deste documento não têm.",
    "en": "A box stands for a sign that the fonts of this document lack.",
}
SETTABLE = [
    "Ângela Ʉmʉkomahsã", "Nguyễn Thị Đặng", "Ǹjọ̀kú Ẹ̀kọ́", "שלום عربى", "ລາວ", "Юлия Ελένη",
    "“O’Brien” – nº 5 ª", "Ɓala Ɖodzi ŋŋ ʔə", "a\u200dde\u00ad", "ʼAiwaʼa Ꞌ", "\x01tab\u202e",
]  # fmt: skip
UNSETTABLE = [
    "田中",
    "김",
    "தமிழ்",
    "नमस्ते",
    "ไทย",
    "🧑‍🎓",
    "𐞀",
    "a\u0359",
    "\ue123",
    "\U0010fffd",
]


def row_with(name):
    return ("9A", name, "x", None, 1, None, None, None)


def has_boxes(reader: PdfReader) -> bool:
    """Return True if a page uses the font of the boxes."""
    fonts = [
        font.get_object()["/BaseFont"]
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()
    ]
    return any("UnknownSigns" in font for font in fonts)


@pytest.mark.parametrize("text", SETTABLE)
def test_text_that_can_be_set_has_no_box_and_no_note(text):
    reader = render_pdf(make_table([row_with(text)]))

    assert glyphs.can_set(text)
    assert not has_boxes(reader)
    assert NOTES["pt-br"] not in extract_text(reader)


@pytest.mark.guarantee(
    "A sign that the fonts lack is said, on paper and in the result."
)
@pytest.mark.parametrize("text", UNSETTABLE)
def test_text_that_cannot_be_set_has_boxes_and_a_note(text):
    reader = render_pdf(make_table([row_with(text)]))

    assert not glyphs.can_set(text)
    assert has_boxes(reader)
    assert extract_text(reader).count(NOTES["pt-br"]) == 1


@pytest.mark.guarantee(
    "A sign that the fonts lack is said, on paper and in the result."
)
@pytest.mark.parametrize("language", ["pt-br", "en"])
def test_each_paper_with_boxes_has_the_note(language):
    rows = [row_with(name) for name in ("Ana", "田中", "Bia", "김")]

    reader = render_pdf(make_table(rows, **CARD_LAYOUT), language)

    texts = [page.extract_text() for page in reader.pages]
    assert [text.count(NOTES[language]) for text in texts] == [0, 1, 0, 1]


@pytest.mark.parametrize("name", ["network", "school", "address", "requested_by"])
def test_letterhead_with_boxes_has_the_note_once(name):
    table = make_table([row_with("Ana"), row_with("田中")], **CARD_LAYOUT)

    reader = render_pdf(
        replace(table, letterhead=replace(LETTERHEAD, **{name: "日本"}))
    )

    texts = [page.extract_text() for page in reader.pages]
    assert [text.count(NOTES["pt-br"]) for text in texts] == [1, 1]


def test_titles_rules_and_summaries_with_boxes_have_the_note():
    tables = [
        replace(make_table([]), title="日本"),
        replace(make_table([]), letterhead=replace(LETTERHEAD, rules=["日本"])),
        make_table([row_with("Ana")], Footer("日本")),
        replace(
            make_table([row_with("Ana")]),
            columns=[replace(c, title=f"日{c.name}") for c in make_table([]).columns],
        ),
    ]

    for table in tables:
        assert extract_text(render_pdf(table)).count(NOTES["pt-br"]) == 1


def test_long_section_has_the_note_on_each_piece_with_boxes():
    rows = [row_with("Ana")] * 401 + [row_with("田中")]

    reader = render_pdf(make_table(rows, heading=("class",)))

    pages = [page.extract_text() for page in reader.pages]
    assert [NOTES["pt-br"] in text for text in pages] == [False] * (len(pages) - 1) + [
        True
    ]
