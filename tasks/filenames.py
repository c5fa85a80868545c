"""Names for files that people keep: of any text, and allowed on every system."""

import re

LONGEST = 120
"""Characters; with an extension and some folders that stays below every system's limit."""
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""What Windows takes for no file at all."""


def safe(text: str) -> str:
    """The text in one line, without what some system forbids; never empty, nor a path."""
    # Control characters, marks that turn the text around, and what some system forbids.
    fit = (c if c.isprintable() and c not in '/\\:*?"<>|' else " " for c in text)
    words = " ".join("".join(fit).split())[:LONGEST].lstrip(". ").rstrip(". ")
    return f"_{words}" if not words or _DEVICES.fullmatch(words) else words
