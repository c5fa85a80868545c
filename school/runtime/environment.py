"""Typed reading of environment variables, with what stands in when one is not set."""

import os
import re
import secrets
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

from school.db import postgresql, sqlite


class Environment:
    """The environment; each variable may also be given as the file `<NAME>_FILE`."""

    def __init__(self, *, state_dir: Path) -> None:
        self._env = environ.FileAwareEnv()
        # Its own would keep what a file held when it was first read.
        self._env.ENVIRON = FileAwareMapping(cache=False)
        self.state_dir = Path(self.text("VAR_DIR", str(state_dir))).resolve()

    def text(self, name: str, default: str) -> str:
        # Files end in a newline, which no value means.
        return str(self._env.str(name, default=default)).strip() or default

    def is_set(self, name: str) -> bool:
        return self.text(name, "") != ""

    def flag(self, name: str, default: bool) -> bool:
        return self.text(name, str(default)).lower() in {"true", "1", "yes", "on"}

    def integer(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]+", value):
            raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
        return int(value)

    def str_list(self, name: str, default: list[str]) -> list[str]:
        value = self.text(name, ",".join(default))
        return [item.strip() for item in value.split(",") if item.strip()]

    def secret(self, name: str) -> str:
        """The secret of that name; without one, one made once and kept in the state folder."""
        return self.text(name, "") or _read_or_create_secret(
            self.state_dir / name.lower()
        )

    def database(self, name: str, *, is_snapshot: bool = False) -> dict[str, Any]:
        """Django's description of the database at that URL; SQLite in the state folder without."""
        url = self.text(name, f"sqlite:///{self.state_dir / 'school.sqlite3'}")
        config: dict[str, Any] = dict(environ.Env.db_url_config(url))
        if config["ENGINE"].endswith("sqlite3"):
            Path(config["NAME"]).parent.mkdir(parents=True, exist_ok=True)
            config["OPTIONS"] = sqlite.options(is_snapshot=is_snapshot)
        else:
            pool_size = self.integer("DATABASE_POOL", 8)
            # Beside what the URL itself asks for, such as `?sslmode=require`.
            options = postgresql.options(is_snapshot=is_snapshot, pool_size=pool_size)
            config["OPTIONS"] = {**config.get("OPTIONS", {}), **options}
        return {**config, "TEST": {"MIRROR": "default"}} if is_snapshot else config

    def redis(self, name: str) -> str:
        """The URL given; else that of the embedded server; else Redis's own default."""
        url_file = self.state_dir / "redis.url"
        fallback = "redis://127.0.0.1:6379/0"
        if url_file.exists():
            fallback = url_file.read_text().strip() or fallback
        return self.text(name, fallback)

    @staticmethod
    def read_version(changelog: Path) -> str:
        """The newest release in the changelog: its top heading."""
        match = re.search(r"^## (\d+\.\d+\.\d+)", changelog.read_text(), re.MULTILINE)
        if match is None:
            raise ImproperlyConfigured(f"{changelog.name} has no heading '## x.y.z'.")
        return match[1]


def _read_or_create_secret(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        temporary.touch(mode=0o600)
        temporary.write_text(secrets.token_urlsafe(48))
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass  # another process was first: its secret counts
        finally:
            temporary.unlink()
    return path.read_text().strip()
