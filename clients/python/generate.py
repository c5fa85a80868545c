"""Generate the Python client from the contract, with a generator in an environment of its own.

    python clients/python/generate.py [ENVIRONMENT [FOLDER]]

The environment is made where it is missing (default: `var/clients`). It also runs the client: what
the client needs is installed there. The folder (default: this one) gets `school_reports_client`.
"""

import subprocess
import sys
from pathlib import Path

from uv import find_uv_bin

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PACKAGE = "school_reports_client"


def main(environment: Path, folder: Path) -> None:
    python = environment / "bin" / "python"
    if not python.exists():
        run(find_uv_bin(), "venv", "--python", sys.executable, environment)
    install = ("pip", "install", "--quiet", "--require-hashes", "--python", python)
    run(find_uv_bin(), *install, "--requirements", HERE / "requirements.txt")
    run(
        environment / "bin" / "openapi-python-client", "generate", "--meta", "none",
        "--path", ROOT / "openapi.yaml", "--config", HERE / "config.yaml",
        "--custom-template-path", HERE / "templates",
        "--output-path", folder / PACKAGE, "--overwrite", "--fail-on-warning",
    )  # fmt: skip


def run(*command: str | Path) -> None:
    process = subprocess.run(command)  # noqa: S603  (its own commands)
    if process.returncode:
        sys.exit(process.returncode)


if __name__ == "__main__":
    paths = [*map(Path, sys.argv[1:]), ROOT / "var" / "clients", HERE][:2]
    main(*paths)
