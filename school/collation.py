"""Portuguese alphabetical order as byte keys that every database compares alike."""

import unicodedata


def sort_key(name: str) -> bytes:
    """Return the sort key of `name` in Portuguese.

    Names compare word by word ("nothing before something", ABNT NBR 6033), ignoring case
    and accents; accents only break ties. The key is bytes because PostgreSQL and SQLite
    collate text differently.
    """
    accents = "".join(c for c in _decompose(name) if c.isalnum() or _is_combining(c))
    return normalize_name(name).encode() + b"\x00" + accents.encode()


def normalize_name(name: str) -> str:
    """Return the words of `name` in lower case, without accents or punctuation."""
    characters = (c for c in _decompose(name) if not _is_combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in characters).split())


def _decompose(name: str) -> str:
    return unicodedata.normalize("NFKD", name.casefold())


def _is_combining(character: str) -> bool:
    return unicodedata.category(character) == "Mn"
