"""Widths of lines and heights of rows, as they are set by typst."""

import json
from itertools import pairwise

import pytest
import typst
from pypdf import PdfReader

from tasks.rendering.pdf.font_tables import FONTS
from tasks.rendering.pdf.line_widths import is_one_line, line_height, line_width
from tests.tasks.rendering.pdf.test_pdf import make_table, render_pdf

LATIN_TEXTS = [
    "Língua Portuguesa", "AÀÁÂÃÄAÀÁÂÃÄ", "-O-O-O-o-o-o", "LALALA", "«Æ«Æ", "rďrďrď", "8,48", "100,0 %", "–",
    "“O’Brien” – nº 5 ª", "Ensino fundamental, 9º ano", "fi ffl fl", "…", "Língua",
]  # fmt: skip
TEMPLATE = """
#set text(font: "DejaVu Sans", stretch: 75%, fallback: false, size: 10pt)
#context [#metadata(json(bytes(sys.inputs.texts)).map(it => {
  let size = measure(text(it))
  (size.width / 10pt, size.height / 10pt)
}))<sizes>]
"""


@pytest.fixture(scope="module")
def sizes():
    """Sizes of the texts in em, as the typesetter measures them."""
    compiler = typst.Compiler(
        TEMPLATE.encode(),
        font_paths=typst.Fonts(
            include_system_fonts=False,
            include_embedded_fonts=False,
            font_paths=[str(FONTS)],
        ),
        sys_inputs={"texts": json.dumps(LATIN_TEXTS)},
    )
    [values] = json.loads(compiler.query("<sizes>", field="value"))
    return dict(zip(LATIN_TEXTS, values, strict=True))


def row_pitches(reader: PdfReader, word: str) -> set[float]:
    """Return the distances of the lines with the word, rounded to a hundredth of a point."""
    heights = []

    def visit_text(text: str, matrix: list[float], *_: object) -> None:
        if word in text:
            heights.append(matrix[5])

    reader.pages[0].extract_text(visitor_text=visit_text)
    return {round(upper - lower, 2) for upper, lower in pairwise(heights)}


@pytest.mark.parametrize("text", LATIN_TEXTS)
def test_line_width_of_latin_text_is_at_least_that_on_paper(text, sizes):
    width, _height = sizes[text]

    assert width <= line_width(text) <= 1.2 * width


@pytest.mark.parametrize("text", ["Língua", "8,48"])
def test_line_height_is_that_on_paper(text, sizes):
    _width, height = sizes[text]

    assert line_height() == pytest.approx(height)


@pytest.mark.parametrize(
    "text", ["Ελένη", "田中", "עברית", "a\u0301", "a\u2028b", "a\x85b"]
)
def test_row_with_other_signs_is_measured_by_the_typesetter(text):
    assert not is_one_line([text], [100])


@pytest.mark.parametrize("texts", [["", ""], [" ", ""]])
def test_blank_row_is_measured_by_the_typesetter(texts):
    assert not is_one_line(texts, [100, 100])


def test_text_wider_than_its_column_is_measured_by_the_typesetter():
    width = line_width("Língua Portuguesa")

    assert is_one_line(["8,5", "Língua Portuguesa"], [5, width])
    assert not is_one_line(["8,5", "Língua Portuguesa"], [5, width - 0.1])


@pytest.mark.parametrize("layout", [{}, {"landscape": True}])
def test_rows_of_known_height_stand_as_far_apart_as_measured_rows(layout):
    pitches = [
        row_pitches(
            render_pdf(
                make_table(
                    [
                        ("9A", f"{word} {n}", "x", None, 1, None, None, None)
                        for n in range(9)
                    ],
                    **layout,
                )
            ),
            word,
        )
        for word in ("Helena", "Ελένη")
    ]

    [[known], [measured]] = pitches
    assert known == measured
