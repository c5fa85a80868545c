"""Names for files that people keep: of any text, and allowed on every system."""

import re
import unicodedata

LONGEST, MOST_BYTES = 120, 240
"""Characters, and bytes in UTF-8; with a number and an extension no system's limit is reached."""
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|(com|lpt)[\d¹²³])(\..*)?")
"""What Windows takes for no file at all."""


def safe(text: str) -> str:
    """The text in one line, without what some system forbids; never empty, nor a path."""
    # Control characters, marks that turn the text around, and what some system forbids.
    # Composed, for some systems take the composed and the decomposed for one name.
    composed = unicodedata.normalize("NFC", text)
    fit = (c if c.isprintable() and c not in '/\\:*?"<>|' else " " for c in composed)
    line = " ".join("".join(fit).split())[:LONGEST]
    words = line.encode()[:MOST_BYTES].decode(errors="ignore").strip(". ")
    return f"_{words}" if not words or _DEVICES.fullmatch(words) else words
