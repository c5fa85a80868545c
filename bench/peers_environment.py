"""Virtual environment of the peers, which `make bench` and `make bench-web` install."""

import subprocess
import sys
from pathlib import Path

PYTHON = Path(__file__).parent / ".venv" / "bin" / "python"


def python() -> str:
    """Return the path of the peers' interpreter; exit if it is missing."""
    if not PYTHON.exists():
        sys.exit("The peers are not installed: make bench/.venv/.installed")
    return str(PYTHON)


def import_error(module: str) -> str:
    """Return the last line of the error of importing the module; empty if it succeeds."""
    result = subprocess.run(
        [python(), "-c", f"import {module}"], capture_output=True, text=True
    )
    return result.stderr.strip().rpartition("\n")[2] if result.returncode else ""
