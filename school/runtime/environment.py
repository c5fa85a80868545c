"""Typed access to environment variables, with defaults."""

import os
import re
import secrets
import ssl
import zoneinfo
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

from school.db import postgresql, sqlite
from school.db.database_url import InvalidDatabaseUrl, parse_database_url
from school.runtime import redis_address

RENAMED_VARIABLES = {
    "ACCESS_LOG_DAYS": "ACCESS_LOG_TTL_DAYS",
    "HAND_OVER_SECONDS": "SHUTDOWN_GRACE_SECONDS",
    "LOGINS_PER_ADDRESS": "LOGIN_ATTEMPTS_PER_IP",
    "LOGINS_PER_USER": "LOGIN_FAILURES_PER_USER",
    "MAX_ACTIVE_PER_REQUESTER": "MAX_ACTIVE_PER_ROLE",
    "PUBLISH_AHEAD": "MAX_PUBLISHED_PER_QUEUE",
    "REPORT_MEMORY_MB": "REPORT_MEMORY_LIMIT_MB",
    "REPUBLISH_SECONDS": "REPUBLISH_AFTER_SECONDS",
}
"""Names that are no longer read, with the current name of each."""


class Environment:
    """Environment variables; each may also be read from the file named by `<NAME>_FILE`."""

    def __init__(self, *, state_dir: Path) -> None:
        self._env = environ.FileAwareEnv()
        # The default mapping caches the content of a file at the first read.
        self._env.ENVIRON = FileAwareMapping(cache=False)
        self.absent_secrets: list[str] = []
        self.state_dir = Path(self.text("VAR_DIR", str(state_dir))).resolve()

    def text(self, name: str, default: str) -> str:
        # Files end in a newline that is not part of the value.
        return str(self._env.str(name, default=default)).strip() or default

    def is_set(self, name: str) -> bool:
        return self.text(name, "") != ""

    def find_renamed(self) -> dict[str, str]:
        """Return the variables set under an old name, with the current name of each."""
        return {
            old: new
            for old, new in RENAMED_VARIABLES.items()
            if self.is_set(old) or self.is_set(f"{old}_FILE")
        }

    def flag(self, name: str, default: bool) -> bool:
        return self.text(name, str(default)).lower() in {"true", "1", "yes", "on"}

    def integer(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]+", value):
            raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
        return int(value)

    def integers(self, name: str, defaults: dict[str, int]) -> dict[str, int]:
        """Return the defaults, with those replaced that the variable sets, as in `a=1,b=2`."""
        values = dict(defaults)
        for item in self.str_list(name, []):
            key, _, value = item.partition("=")
            if key not in defaults or not re.fullmatch(r"[0-9]+", value):
                raise ImproperlyConfigured(
                    f"{name} must be pairs such as {next(iter(defaults))}=10 with the "
                    f"names {', '.join(defaults)}, not {item!r}."
                )
            values[key] = int(value)
        return values

    def time_zone(self, name: str, default: str) -> str:
        """Return the IANA name of a time zone."""
        value = self.text(name, default)
        # The names are read from hundreds of files, which costs each process 40 ms.
        if value != default and value not in zoneinfo.available_timezones():
            raise ImproperlyConfigured(
                f"{name} must be a name of the IANA database such as {default}, not {value!r}."
            )
        return value

    def url(self, name: str) -> str:
        """Return the HTTP or HTTPS URL without a trailing slash; empty if unset."""
        value = self.text(name, "").rstrip("/")
        parts = urlsplit(value)
        if value and not (parts.scheme in ("http", "https") and parts.hostname):
            raise ImproperlyConfigured(
                f"{name} must be a URL such as https://reports.example.org, not {value!r}."
            )
        return value

    def str_list(self, name: str, default: list[str]) -> list[str]:
        value = self.text(name, ",".join(default))
        return [item.strip() for item in value.split(",") if item.strip()]

    def secret(self, name: str) -> str:
        """Return the secret; if unset, one generated once and saved in the state folder.

        With `GENERATE_SECRETS` off, a process without the secret gets a random one that no
        other process knows: nothing that it signs is believed, and it believes nothing.
        """
        if value := self.text(name, ""):
            return value
        if self.flag("GENERATE_SECRETS", True):
            return _read_or_create_secret(self.state_dir / name.lower())
        self.absent_secrets.append(name)
        return _generate_secret()

    def database(self, name: str, *, is_snapshot: bool = False) -> dict[str, Any]:
        """Return the Django database of the URL; by default SQLite in the state folder."""
        url = self.text(name, f"sqlite:///{self.state_dir / 'school.sqlite3'}")
        try:
            config = parse_database_url(url)
        except InvalidDatabaseUrl as error:
            raise ImproperlyConfigured(f"{name} {error}") from None
        if config["ENGINE"].endswith("sqlite3"):
            folder = Path(config["NAME"]).parent
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            config["OPTIONS"] = sqlite.options(is_snapshot=is_snapshot)
        else:
            options = postgresql.options(pool_size=self.integer("DATABASE_POOL", 8))
            config["OPTIONS"] = options | config["OPTIONS"]
            if config["OPTIONS"].get("sslrootcert") == "system":
                _name_system_certificates()
            # Outside of a transaction a pooler may read each part of a cursor on another
            # connection. Only snapshots have many rows, and they are transactions.
            config["DISABLE_SERVER_SIDE_CURSORS"] = not is_snapshot
        return {**config, "TEST": {"MIRROR": "default"}} if is_snapshot else config

    def redis(self, name: str) -> str:
        """Return the canonical form of the URL that is set, else of the embedded server,
        else Redis's default."""
        url_file = self.state_dir / "redis.url"
        fallback = "redis://127.0.0.1:6379/0"
        if url_file.exists():
            fallback = url_file.read_text().strip() or fallback
        try:
            return redis_address.parse(self.text(name, fallback)).to_url()
        except redis_address.AddressError as error:
            raise ImproperlyConfigured(f"{name} {error}") from None

    @staticmethod
    def read_version(changelog: Path) -> str:
        """Return the latest release, the top heading of the changelog."""
        text = changelog.read_text(encoding="utf-8")  # not Windows's default
        match = re.search(r"^## (\d+\.\d+\.\d+)", text, re.MULTILINE)
        if match is None:
            raise ImproperlyConfigured(f"{changelog.name} has no heading '## x.y.z'.")
        return match[1]


def _name_system_certificates() -> None:
    """Name the system's certificates for the driver, whose own OpenSSL looks elsewhere."""
    paths = ssl.get_default_verify_paths()
    for name, path in (("SSL_CERT_FILE", paths.cafile), ("SSL_CERT_DIR", paths.capath)):
        if path:
            os.environ.setdefault(name, path)


def _generate_secret() -> str:
    return secrets.token_urlsafe(48)


def _read_or_create_secret(path: Path) -> str:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        temporary.touch(mode=0o600)
        temporary.write_text(_generate_secret())
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass  # another process was first; use its secret
        finally:
            temporary.unlink()
    return path.read_text().strip()
