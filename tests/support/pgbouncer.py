"""PgBouncer in front of the tests' PostgreSQL, with its default settings but for the mode."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from school.runtime.embedded_redis import free_port

BINARY = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
MISSING = "needs PgBouncer (Debian package pgbouncer)"


@contextmanager
def start_pgbouncer(server_url: str, pool_mode: str, **settings: str) -> Iterator[str]:
    """Run PgBouncer before the server of the URL; the value is the URL through it."""
    server = conninfo_to_dict(server_url)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        target = {
            key: server[key]
            for key in ("host", "port", "user", "password")
            if key in server
        }
        options = {
            "pool_mode": pool_mode,
            "listen_addr": "127.0.0.1",
            "listen_port": str(port),
            "unix_socket_dir": "",
            "auth_type": "any",
            # Never root; and the folder of the server's socket is its owner's alone.
            **({"user": Path(server["host"]).owner()} if os.geteuid() == 0 else {}),
            **settings,
        }
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = {' '.join(f'{k}={v}' for k, v in target.items())}\n[pgbouncer]\n"
            + "".join(f"{key} = {value}\n" for key, value in options.items())
        )
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [BINARY, str(folder / "pgbouncer.ini")], stdout=log, stderr=log
            )
        url = f"postgresql://school@127.0.0.1:{port}/{server['dbname']}"
        try:
            _wait_until_open(url, process, folder / "log")
            yield url
        finally:
            process.kill()
            process.wait()


def _wait_until_open(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 20
    while not _is_open(url):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def _is_open(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
