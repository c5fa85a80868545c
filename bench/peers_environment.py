"""Where the peers live: an environment of their own, which `make bench` fills."""

import subprocess
import sys
from pathlib import Path

PYTHON = Path(__file__).parent / ".venv" / "bin" / "python"


def python() -> str:
    """The peers' interpreter."""
    if not PYTHON.exists():
        sys.exit("The peers are not installed: make bench/.venv/.installed")
    return str(PYTHON)


def import_error(module: str) -> str:
    """Why that peer cannot be imported, in its own last words; nothing if it can."""
    result = subprocess.run(
        [python(), "-c", f"import {module}"], capture_output=True, text=True
    )
    return result.stderr.strip().rpartition("\n")[2] if result.returncode else ""
