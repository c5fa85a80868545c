"""Widths of texts on one line, so that the typesetter need not measure rows of one line.

It lays out each cell of a row twice unless it knows the row's height.
"""

import struct
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from math import inf
from operator import le

from tasks.rendering.pdf.font_tables import (
    REGULAR,
    FontTables,
    read_segments,
    read_tables,
)

_SIGNS = [*range(0x20, 0x250), *map(ord, "–—‘’“”…")]
"""Latin signs: set from left to right, one glyph each, and no wider by their ligatures."""
_CACHE_SIZE = 2**14


def is_one_line(texts: Sequence[str], room: Sequence[float]) -> bool:
    """Return True if each text surely fits on one line of its column, and not all are blank.

    `room` is the width of each column in em.
    """
    return any(map(str.strip, texts)) and all(map(le, map(line_width, texts), room))


@lru_cache(_CACHE_SIZE)
def line_width(text: str) -> float:
    """Return the width of the text in em, or a little more; infinite if it is not known."""
    widths = _sign_widths()
    try:
        return sum(widths[sign] for sign in text)
    except KeyError:
        return inf


@cache
def line_height() -> float:
    """Return the height of a line above its baseline in em."""
    tables = read_tables(REGULAR)
    # The typesetter takes the ascender, because this font states no height of capitals.
    (ascender,) = struct.unpack_from(">h", tables[b"OS/2"], 68)
    return float(ascender / _units_per_em(tables))


@cache
def _sign_widths() -> dict[str, float]:
    """Return the width of each Latin sign in em, with the most that kerning may add to it."""
    tables = read_tables(REGULAR)
    units = _units_per_em(tables)
    advances, kerning = _advances(tables), _widest_kerning(tables)
    glyphs = {
        code: first_glyph + code - first
        for first, last, first_glyph in read_segments(tables)
        for code in _SIGNS
        if first <= code <= last
    }
    return {
        chr(code): (advances[glyph] + kerning.get(glyph, 0)) / units
        for code, glyph in glyphs.items()
    }


def _advances(tables: FontTables) -> Sequence[int]:
    (count,) = struct.unpack_from(">H", tables[b"hhea"], 34)
    metrics = struct.iter_unpack(">Hh", tables[b"hmtx"][: 4 * count])
    return [advance for advance, _bearing in metrics]


def _widest_kerning(tables: FontTables) -> dict[int, int]:
    """Return the widest kerning after each glyph that has a pair further apart."""
    widest: dict[int, int] = {}
    for glyph, _next_glyph, units in _kerning_pairs(tables[b"kern"]):
        widest[glyph] = max(units, widest.get(glyph, 0))
    return widest


def _kerning_pairs(table: bytes) -> Iterator[tuple[int, int, int]]:
    (count,) = struct.unpack_from(">H", table, 10)
    yield from struct.iter_unpack(">HHh", table[18 : 18 + 6 * count])


def _units_per_em(tables: FontTables) -> int:
    (units,) = struct.unpack_from(">H", tables[b"head"], 18)
    return int(units)
