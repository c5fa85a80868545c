"""Copy of the repository, in which tests make a developer's changes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent


class RepoCopy:
    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        # Hidden folders are caches; other tests write to some of them at the same time.
        ignore = shutil.ignore_patterns(".*", "var", "__pycache__", "node_modules")
        shutil.copytree(ROOT, self.root, ignore=ignore)
        self._initial_files = self._files()
        self._environment = {**os.environ, "VAR_DIR": str(folder / "var")}
        for name in ("PYTEST_XDIST_WORKER", "REPORT_PACKAGES", "DATABASE_URL"):
            self._environment.pop(name, None)

    def run_python(self, *command: str) -> None:
        """Run Python in the copy; raise if it fails."""
        self._run(*command).check_returncode()

    def run_failing_python(self, *command: str) -> str:
        """Run Python in the copy and return its output; raise if it succeeds."""
        process = self._run(*command, stdout=subprocess.PIPE)
        assert process.returncode != 0, process.stdout
        return str(process.stdout)

    def _run(self, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy to its end."""
        arguments = [sys.executable, *command]
        return subprocess.run(
            arguments,
            cwd=self.root,
            env=self._environment,
            text=True,
            check=False,
            **options,
        )

    def generate(self) -> None:
        """Run the generators of `make generate`; raise if a migration is missing."""
        self.run_python(
            "manage.py", "spectacular", "--fail-on-warn", "--file", "openapi.yaml"
        )
        self.run_python("docs/catalogues.py")
        self.run_python("manage.py", "makemigrations", "--check", "--dry-run")

    def changed_files(self) -> set[str]:
        """Return the files that were added or changed since the copy."""
        return {name for name, _ in self._files().items() - self._initial_files.items()}

    def _files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
