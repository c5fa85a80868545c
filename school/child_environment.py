"""Environment of short-lived child processes: what they need, without the secrets."""

import os

_CHILD_VARIABLES = {
    "PATH",
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
    "SYSTEMROOT",
    "TMPDIR",
    "TEMP",
}


def minimal_env() -> dict[str, str]:
    """Return the variables of this process that a child may see."""
    return {
        name: value for name, value in os.environ.items() if name in _CHILD_VARIABLES
    }
