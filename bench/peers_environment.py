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


def why_missing(module: str) -> str:
    """Why that peer cannot be imported, in its own last words; nothing if it can."""
    done = subprocess.run(
        [python(), "-c", f"import {module}"], capture_output=True, text=True
    )
    return done.stderr.strip().rpartition("\n")[2] if done.returncode else ""
