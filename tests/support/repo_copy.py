"""A copy of the tree, to add to it what a developer would."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


class RepoCopy:
    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        # Hidden folders are tools' own, and other tests are writing to some of them.
        ignore = shutil.ignore_patterns(".*", "var", "__pycache__", "node_modules")
        shutil.copytree(ROOT, self.root, ignore=ignore)
        self._initial_files = self._files()
        self._environment = {**os.environ, "VAR_DIR": str(folder / "var")}
        for name in ("PYTEST_XDIST_WORKER", "REPORT_PACKAGES", "DATABASE_URL"):
            self._environment.pop(name, None)

    def run_python(self, *command: str) -> None:
        """Run Python there; it must succeed."""
        subprocess.run(
            [sys.executable, *command],
            cwd=self.root,
            env=self._environment,
            check=True,
        )

    def generate(self) -> None:
        """What `make generate` makes of it; no migration may be missing."""
        self.run_python(
            "manage.py", "spectacular", "--fail-on-warn", "--file", "openapi.yaml"
        )
        self.run_python("docs/catalogues.py")
        self.run_python("docs/map.py")
        self.run_python("manage.py", "makemigrations", "--check", "--dry-run")

    def changed_files(self) -> set[str]:
        """The files that are there now and are not as they were."""
        return {name for name, _ in self._files().items() - self._initial_files.items()}

    def _files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
