"""Writer of RESULTS.md: a section per benchmark under the table of goals."""

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

Written by `make bench` and `make bench-web`, each section by the module it names. Ratios compare the medians of
interleaved runs on one machine; each section describes its method.

"""


def save_section(
    name: str,
    text: str,
    values: Mapping[str, float],
    options: Options,
    path: Path = RESULTS,
) -> None:
    """Print the results; unless it is a trial, save them as the section of that name."""
    sys.stdout.write(f"{text.strip()}\n\n")
    for goal, value in values.items():
        sys.stdout.write(
            goals.GOALS[goal].table_row(goals.GOALS[goal].result_cells(value))
        )
    if not options.is_whole:
        sys.stdout.write("\nThis is a trial: the results are not saved.\n")
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
    section_by_title = {text.partition("\n")[0]: text.strip() for text in sections}
    section_by_title[title] = section.strip()
    return "\n".join(
        [
            HEAD + goals.update_table(head, values),
            *(f"{text}\n" for text in section_by_title.values()),
        ]
    )
