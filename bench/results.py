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


def keep(
    name: str,
    text: str,
    measured: Mapping[str, float],
    options: Options,
    path: Path = RESULTS,
) -> None:
    """Print it; and replace the section of that name and its goals, unless it is a trial."""
    sys.stdout.write(f"{text.strip()}\n\n")
    for goal, value in measured.items():
        sys.stdout.write(goals.GOALS[goal].line(goals.GOALS[goal].told(value)))
    if not options.is_whole:
        sys.stdout.write("\nA trial: nothing is kept of it.\n")
        return
    before = path.read_text() if path.exists() else ""
    path.write_text(_with(before, _section(name, text), measured))


def _section(name: str, text: str) -> str:
    now = datetime.now(UTC)
    machine = (
        f"{now:%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    return f"\n## {name}\n\n{machine}.\n\n{text.strip()}\n"


def _with(before: str, section: str, measured: Mapping[str, float]) -> str:
    head, *sections = re.split(r"(?m)^(?=## )", before)
    title = section.strip().partition("\n")[0]
    kept = {one.partition("\n")[0]: one.strip() for one in sections}
    kept[title] = section.strip()
    return "\n".join(
        [HEAD + goals.renewed(head, measured), *(f"{one}\n" for one in kept.values())]
    )
