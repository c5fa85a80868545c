"""Tables of the TrueType fonts in `fonts`."""

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

FONTS = Path(__file__).with_name("fonts")
REGULAR, BOLD = "DejaVuSansCondensed.ttf", "DejaVuSansCondensed-Bold.ttf"
_SEGMENT_FORMATS = (12, 13)
"""Formats of character maps that are lists of (first, last, glyph)."""

FontTables = Mapping[bytes, bytes]
"""Tables of a font by tag."""


def read_tables(font_name: str) -> FontTables:
    font = (FONTS / font_name).read_bytes()
    (table_count,) = struct.unpack_from(">H", font, 4)
    entries = struct.iter_unpack(">4sIII", font[12 : 12 + 16 * table_count])
    return {tag: font[start : start + length] for tag, _sum, start, length in entries}


def read_segments(tables: FontTables) -> Iterator[tuple[int, int, int]]:
    """Yield the segments of the character map: first and last character, glyph."""
    cmap = tables[b"cmap"]
    (map_count,) = struct.unpack_from(">H", cmap, 2)
    for index in range(map_count):
        (start,) = struct.unpack_from(">I", cmap, 8 + 8 * index)
        (format,) = struct.unpack_from(">H", cmap, start)
        if format in _SEGMENT_FORMATS:
            (count,) = struct.unpack_from(">I", cmap, start + 12)
            segments = cmap[start + 16 : start + 16 + 12 * count]
            yield from struct.iter_unpack(">III", segments)
            return
