"""Keeps each measurement's text in its own section of RESULTS.md, under the table of goals."""

import os
import platform
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench import goals
from bench.options import Options

RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = """\
# Results

Made by `make bench`: each section by the module it names. Ratios are of the medians of runs
that were interleaved on one machine; how each was measured stands in its section.

"""


def save_section(
    name: str,
    text: str,
    values: Mapping[str, float],
    options: Options,
    path: Path = RESULTS,
) -> None:
    """Print it; and replace the section of that name and its goals, unless it is a trial."""
    sys.stdout.write(f"{text.strip()}\n\n")
    for goal, value in values.items():
        sys.stdout.write(
            goals.GOALS[goal].table_row(goals.GOALS[goal].result_cells(value))
        )
    if not options.is_whole:
        sys.stdout.write("\nA trial: nothing is kept of it.\n")
        return
    old_text = path.read_text() if path.exists() else ""
    path.write_text(_replace_section(old_text, _section(name, text), values))


def _section(name: str, text: str) -> str:
    now = datetime.now(UTC)
    machine = (
        f"{now:%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    return f"\n## {name}\n\n{machine}.\n\n{text.strip()}\n"


def _replace_section(old_text: str, section: str, values: Mapping[str, float]) -> str:
    head, *sections = re.split(r"(?m)^(?=## )", old_text)
    title = section.strip().partition("\n")[0]
    section_by_title = {one.partition("\n")[0]: one.strip() for one in sections}
    section_by_title[title] = section.strip()
    return "\n".join(
        [
            HEAD + goals.update_table(head, values),
            *(f"{one}\n" for one in section_by_title.values()),
        ]
    )
