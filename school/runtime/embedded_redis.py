"""Embedded Redis server for machines without an external one."""

import secrets
import socket
import subprocess
import time
from pathlib import Path

import redis

from school.runtime import log_files
from school.runtime.redis_binaries import RedisStartError, find_binary, record_writer
from school.runtime.redis_connections import connection_options
from school.runtime.supervisor import start_child

STARTUP_TIMEOUT_SECONDS = 10


class EmbeddedRedis:
    """Redis server with its data in `folder`, which holds its URL in `redis.url`.

    The binary is started directly, because the Python wrapper leaves the server running
    when the wrapper is killed.
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
        """Start the server, wait until it responds, and return its URL.

        A second start keeps the same URL.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._stop_stale_server()
        binary = find_binary(self._folder)
        self._port = self._port or free_port()
        # Passed on stdin, so that process lists do not show the password.
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
        log_files.rotate(log)
        self.process = start_child([binary.path, "-"], log=log, stdin=config)
        self._wait_until_ready(log)
        record_writer(self._folder, binary)
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
        """Stop a server left running by an earlier process that was killed."""
        if not self._url_file.exists():
            return
        client = _client(self._url_file.read_text().strip())
        try:
            if client.config_get("dir")["dir"] == str(self._folder):
                client.shutdown()
        except redis.RedisError:
            pass  # already stopped
        finally:
            client.close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _is_responding(url: str) -> bool:
    try:
        with _client(url) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _client(url: str) -> redis.Redis:
    options = connection_options(url, timeout=5, connect_timeout=1)
    return redis.Redis.from_pool(redis.ConnectionPool(**options))
