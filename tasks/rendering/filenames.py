"""Names for files that people keep: of any text, and allowed on every system."""

import re
import unicodedata

MAX_CHARACTERS, MAX_BYTES = 120, 240
"""Characters, and bytes in UTF-8; with a number and an extension no system's limit is reached."""
_RESERVED_NAMES = re.compile(r"(?i)(con|prn|aux|nul|(com|lpt)[\d¹²³])(\..*)?")
"""What Windows takes for no file at all."""


def safe_filename(text: str) -> str:
    """The text in one line, without what some system forbids; never empty, nor a path."""
    # Control characters, marks that turn the text around, and what some system forbids.
    # Composed, for some systems take the composed and the decomposed for one name.
    composed = unicodedata.normalize("NFC", text)
    characters = (
        c if c.isprintable() and c not in '/\\:*?"<>|' else " " for c in composed
    )
    line = " ".join("".join(characters).split())[:MAX_CHARACTERS]
    name = line.encode()[:MAX_BYTES].decode(errors="ignore").strip(". ")
    return f"_{name}" if not name or _RESERVED_NAMES.fullmatch(name) else name
