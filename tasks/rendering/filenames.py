"""File names that are valid on every operating system, made from any text."""

import re
import unicodedata

MAX_CHARACTERS, MAX_BYTES = 120, 240
"""Limits in characters and UTF-8 bytes; they leave room for a number and an extension."""
_RESERVED_NAMES = re.compile(r"(?i)(con|prn|aux|nul|(com|lpt)[\d¹²³])(\..*)?")
"""Device names that Windows reserves."""


def safe_filename(text: str) -> str:
    """Return the text as a file name in one line, without separators and never empty."""
    # Control characters, bidirectional marks and characters that some system forbids become
    # spaces. NFC, because some systems treat composed and decomposed names as equal.
    composed = unicodedata.normalize("NFC", text)
    characters = (
        c if c.isprintable() and c not in '/\\:*?"<>|' else " " for c in composed
    )
    line = " ".join("".join(characters).split())[:MAX_CHARACTERS]
    name = line.encode()[:MAX_BYTES].decode(errors="ignore").strip(". ")
    return f"_{name}" if not name or _RESERVED_NAMES.fullmatch(name) else name
