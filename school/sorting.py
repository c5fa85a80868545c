"""The Portuguese alphabetical order, as bytes that every database compares alike."""

import unicodedata


def sort_key(name: str) -> bytes:
    """Return the key by which `name` sorts in Portuguese.

    Word by word ("nothing before something", ABNT NBR 6033); letters first, whatever
    their case and accents; accents only between names that are otherwise equal.
    Bytes, because PostgreSQL orders text by its own collation and SQLite by another.
    """
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(c if c.isalnum() else " " for c in decomposed if not _is_mark(c))
    accents = "".join(c for c in decomposed if c.isalnum() or _is_mark(c))
    return " ".join(letters.split()).encode() + b"\x00" + accents.encode()


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) == "Mn"
