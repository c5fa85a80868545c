"""The Portuguese alphabetical order, as bytes that every database compares alike."""

import unicodedata


def sort_key(name: str) -> bytes:
    """Return the key by which `name` sorts in Portuguese.

    Word by word ("nothing before something", ABNT NBR 6033); letters first, whatever
    their case and accents; accents only between names that are otherwise equal.
    Bytes, because PostgreSQL orders text by its own collation and SQLite by another.
    """
    accents = "".join(c for c in _decompose(name) if c.isalnum() or _is_combining(c))
    return normalize_name(name).encode() + b"\x00" + accents.encode()


def normalize_name(name: str) -> str:
    """The words of `name`, a space between, by their letters and digits alone."""
    characters = (c for c in _decompose(name) if not _is_combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in characters).split())


def _decompose(name: str) -> str:
    return unicodedata.normalize("NFKD", name.casefold())


def _is_combining(character: str) -> bool:
    return unicodedata.category(character) == "Mn"
