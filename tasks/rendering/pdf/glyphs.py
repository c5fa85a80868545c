"""Signs that the fonts of the PDFs have.

Each other sign is a box, or nothing if it is invisible (`fonts/README.md`).
"""

import re
from collections.abc import Iterable
from functools import cache

from django.utils.translation import gettext as _

from tasks.rendering.pdf.font_tables import BOLD, REGULAR, read_segments, read_tables
from tasks.rendering.pdf.text import strip_forbidden

BOX_FONT = "UnknownSigns.ttf"
_SOFT_HYPHEN = 0xAD
"""A sign whose glyph in `BOX_FONT` is the empty one."""


def can_set(text: str) -> bool:
    """Return True if no sign of the text is a box on paper."""
    return text.isascii() or _box_pattern().search(strip_forbidden(text)) is None


def box_note(texts: Iterable[str]) -> str:
    """Return the note to print beneath the texts; empty if none has a box."""
    if all(map(can_set, texts)):
        return ""
    return _(
        "A box stands for a sign that the fonts of this document lack. Copied text has the sign."
    )


@cache
def _box_pattern() -> re.Pattern[str]:
    """Return the pattern of the signs that are boxes."""
    regular, bold = (_characters(name) for name in (REGULAR, BOLD))
    with_glyph = (regular & bold) | _invisible_characters()
    members = "".join(f"\\U{code:08x}" for code in sorted(with_glyph))
    return re.compile(f"[^{members}]")


def _characters(font: str) -> set[int]:
    segments = read_segments(read_tables(font))
    return {code for first, last, _glyph in segments for code in range(first, last + 1)}


def _invisible_characters() -> set[int]:
    segments = list(read_segments(read_tables(BOX_FONT)))
    [empty_glyph] = {
        glyph for first, last, glyph in segments if first <= _SOFT_HYPHEN <= last
    }
    return {
        code
        for first, last, glyph in segments
        if glyph == empty_glyph
        for code in range(first, last + 1)
    }
