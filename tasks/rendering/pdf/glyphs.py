"""Signs that the fonts of the PDFs have.

Each other sign is a box, or nothing if it is invisible (`fonts/README.md`).
"""

import re
import struct
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from django.utils.translation import gettext as _

from tasks.rendering.pdf.text import strip_forbidden

FONTS = Path(__file__).with_name("fonts")
TEXT_FONTS = ("DejaVuSansCondensed.ttf", "DejaVuSansCondensed-Bold.ttf")
BOX_FONT = "UnknownSigns.ttf"
_SOFT_HYPHEN = 0xAD
"""A sign whose glyph in `BOX_FONT` is the empty one."""
_SEGMENT_FORMATS = (12, 13)
"""Formats of character maps that are lists of (first, last, glyph)."""


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
    regular, bold = (_characters(name) for name in TEXT_FONTS)
    with_glyph = (regular & bold) | _invisible_characters()
    members = "".join(f"\\U{code:08x}" for code in sorted(with_glyph))
    return re.compile(f"[^{members}]")


def _characters(font: str) -> set[int]:
    segments = _read_segments(FONTS / font)
    return {code for first, last, _glyph in segments for code in range(first, last + 1)}


def _invisible_characters() -> set[int]:
    segments = list(_read_segments(FONTS / BOX_FONT))
    [empty_glyph] = {
        glyph for first, last, glyph in segments if first <= _SOFT_HYPHEN <= last
    }
    return {
        code
        for first, last, glyph in segments
        if glyph == empty_glyph
        for code in range(first, last + 1)
    }


def _read_segments(path: Path) -> Iterator[tuple[int, int, int]]:
    """Yield the segments of the font's character map: first and last character, glyph."""
    font = path.read_bytes()
    (table_count,) = struct.unpack_from(">H", font, 4)
    tables = {
        tag: offset
        for tag, _sum, offset, _length in struct.iter_unpack(
            ">4sIII", font[12 : 12 + 16 * table_count]
        )
    }
    cmap = tables[b"cmap"]
    (map_count,) = struct.unpack_from(">H", font, cmap + 2)
    for index in range(map_count):
        (offset,) = struct.unpack_from(">I", font, cmap + 8 + 8 * index)
        start = cmap + offset
        (format,) = struct.unpack_from(">H", font, start)
        if format in _SEGMENT_FORMATS:
            (count,) = struct.unpack_from(">I", font, start + 12)
            first_segment = start + 16
            yield from struct.iter_unpack(
                ">III", font[first_segment : first_segment + 12 * count]
            )
            return
