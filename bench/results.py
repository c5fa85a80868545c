"""Keeps each measurement's table in its own section of RESULTS.md."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = "# Results\n\nMade by `make bench`: each section by the module it names.\n"


def keep(name: str, text: str) -> None:
    """Replace the section of that name, or add it."""
    now = datetime.now(UTC)
    machine = (
        f"{now:%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    section = f"\n## {name}\n\n{machine}.\n\n{text.strip()}\n"
    before = RESULTS.read_text() if RESULTS.exists() else HEAD
    pattern = rf"\n## {re.escape(name)}\n.*?(?=\n## |\Z)"
    after, count = re.subn(pattern, lambda _: section, before, flags=re.DOTALL)
    RESULTS.write_text(after if count else before + section)
