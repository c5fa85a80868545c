"""Portuguese alphabetical order and name search, as byte keys alike on every database."""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain, pairwise

from anyascii import anyascii

MAX_PART_BYTES = 600
"""Bytes of each part of a key: more than 120 letters of any alphabet take, and three parts
are within the limit of an index on PostgreSQL."""
_LATIN_NAMES = ("LATIN ", "MODIFIER LETTER ", "TURNED ", "ROMAN NUMERAL ")
"""Starts of the Unicode names of letters of the Latin script."""


def sort_key(name: str) -> bytes:
    """Return the sort key of `name` in Portuguese, in which names are searched too.

    Names compare word by word ("nothing before something", ABNT NBR 6033), ignoring case
    and accents; accents only break ties. After them come the words that the name has without
    its apostrophes and hyphens, each after a space. The key is bytes because PostgreSQL and
    SQLite collate text differently.
    """
    accents = "".join(c for c in _decompose(name) if c.isalnum() or _is_mark(c))
    chunks = split_name(name)
    parts = [" ".join(chain.from_iterable(chunks)), accents]
    if joined_words := "".join(f" {word}" for word in _joined_words(chunks)):
        parts.append(joined_words)
    return b"\x00".join(part.encode()[:MAX_PART_BYTES] for part in parts)


def normalize_name(name: str) -> str:
    """Return the words of `name` in lower case, without accents or punctuation.

    Each letter of the Latin script becomes letters of an ordinary keyboard.
    """
    return " ".join(chain.from_iterable(split_name(name)))


def split_name(name: str) -> list[list[str]]:
    """Return the normalized words between the spaces of `name`.

    Several words without a space between them, such as "D'Ávila", form one list.
    """
    chunks = (
        "".join(map(_key_letters, _decompose(chunk))).split() for chunk in name.split()
    )
    return [words for words in chunks if words]


def _joined_words(chunks: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield what people type who leave out the apostrophes and hyphens: "davila"."""
    for words in chunks:
        if len(words) > 2:
            yield "".join(words)
        yield from map("".join, pairwise(words))


def _decompose(name: str) -> str:
    # Some signs decompose to capitals.
    return unicodedata.normalize("NFKD", name.casefold()).casefold()


@cache
def _key_letters(character: str) -> str:
    """Return the letters of one character; a space for punctuation."""
    if _is_mark(character) or unicodedata.category(character) == "Cf":
        return ""
    if not character.isalnum():
        return " "
    if character.isascii() or not _is_latin(character):
        return character
    # Some letters, such as a glottal stop, are an apostrophe on a keyboard.
    return "".join(filter(str.isalnum, anyascii(character).lower())) or " "


def _is_latin(character: str) -> bool:
    return unicodedata.name(character, "").startswith(_LATIN_NAMES)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")
