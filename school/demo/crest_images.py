"""Crests of the demo schools: a shield in two colours with a symbol."""

from functools import cache
from math import cos, pi, sin

from school.crests.conversion import convert_crest

SHIELD = "M8 6 H92 V58 C92 84 70 104 50 114 C30 104 8 84 8 58 Z"
COLOURS = ("#1f3a5f", "#1e6b52", "#7a2531", "#8a5a12", "#4a3a78", "#20687a")
GOLD = "#e8b73a"

_convert = cache(convert_crest)
"""Cached conversion: the drawings repeat after 60 schools."""


def make_crest(number: int) -> bytes:
    """Return the PNG of the network for 0, else of the school with that number."""
    return _convert(draw_crest(number))


def draw_crest(number: int) -> bytes:
    """Return an SVG crest: of the network for 0, else of the school with that number."""
    field = COLOURS[number % len(COLOURS)]
    charge = CHARGES[number % len(CHARGES)]
    # Changes only once per round of colours, so that schools of one colour differ.
    bend = number // len(COLOURS) % 2
    lower = (
        f'<path d="M8 58 H92 C92 84 70 104 50 114 C30 104 8 84 8 58 Z" fill="{GOLD}"/>'
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 120">'
        f'<path d="{SHIELD}" fill="{field}"/>{lower if bend else ""}{charge}'
        f'<path d="{SHIELD}" fill="none" stroke="{GOLD}" stroke-width="4"/></svg>'
    ).encode()


def _star(points: int) -> str:
    """Return a star at the centre of the shield; rounding keeps it equal on all machines."""
    corners = " ".join(
        f"{50 + length * sin(pi * n / points):.1f},{54 - length * cos(pi * n / points):.1f}"
        for n, length in enumerate([30, 13] * points)
    )
    return f'<polygon points="{corners}" fill="#fff"/>'


_BOOK = (
    '<path d="M50 42 C42 34 30 33 22 36 V76 C30 73 42 74 50 82 Z" fill="#fff"/>'
    '<path d="M50 42 C58 34 70 33 78 36 V76 C70 73 58 74 50 82 Z" fill="#f1eee4"/>'
)
_RIVER = "".join(
    f'<path d="M16 {y} q8.5 -8 17 0 t17 0 t17 0 t17 0" fill="none" stroke="#fff" '
    'stroke-width="5"/>'
    for y in (44, 58, 72)
)
_LAMP = (
    '<path d="M28 62 H72 C70 76 60 82 50 82 C40 82 30 76 28 62 Z" fill="#fff"/>'
    '<path d="M50 28 C58 40 60 48 50 58 C40 48 42 40 50 28 Z" fill="#fff"/>'
)
CHARGES = (_star(8), _BOOK, _star(5), _RIVER, _LAMP)
