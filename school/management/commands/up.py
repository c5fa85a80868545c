"""`manage.py up`: run the whole service on this machine and make a first report."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from school.db.faults import find_faults
from school.runtime import private_files, startup
from school.runtime.client import Client, ServiceError
from school.runtime.embedded_redis import EmbeddedRedis
from school.runtime.first_report import show_first_report
from school.runtime.processes import MANAGE_PY, service_commands
from school.runtime.redis_binaries import RedisStartError
from school.runtime.redis_diagnosis import diagnose
from school.runtime.supervisor import STATUS_WRITER, Supervisor

READY_TIMEOUT_SECONDS = 60
DEMO_TOKEN_MINUTES = 12 * 60
WINDOWS_MESSAGE = (
    "`up` does not run on Windows, because gunicorn does not. Start each process by hand, "
    "as docs/pt-BR/README.md shows."
)


class Command(BaseCommand):
    help = (
        "Run the whole service on this machine until Ctrl-C, and make a first report."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="exit after the first report"
        )

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        if sys.platform == "win32":
            raise CommandError(WINDOWS_MESSAGE)
        startup.make_files_private()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            signal.signal(getattr(signal, name), signal.default_int_handler)
        try:
            with ExitStack() as stack:
                self._serve(stack, once=once)
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
        except (RedisStartError, ServiceError) as error:
            raise CommandError(str(error)) from None

    def _serve(self, stack: ExitStack, *, once: bool) -> None:
        state_dir: Path = settings.VAR_DIR
        stack.enter_context(_lock_state_dir(state_dir))
        _tighten_files(state_dir)
        _check_port(settings.PORT)
        _check_database()
        environment = self._environment(stack, state_dir)
        self._run_manage("migrate", "--verbosity", "0", environment=environment)
        has_demo = self._run_manage(
            "demo", "--force", environment=environment, may_fail=not once
        )
        if has_demo:  # its records are invented, and its users' password is known
            environment.setdefault("ACCESS_TOKEN_MINUTES", str(DEMO_TOKEN_MINUTES))
        supervisor = Supervisor(
            state_dir / "log", environment, settings.WORKER_STATUS_FILE
        )
        stack.callback(supervisor.stop)
        for name, command in service_commands(
            bind=f"127.0.0.1:{settings.PORT}"
        ).items():
            supervisor.start(name, command)
        client = Client(f"http://127.0.0.1:{settings.PORT}")
        self._wait_until_ready(client, supervisor)
        if has_demo:
            show_first_report(client, self.stdout)
        if not once:
            self._print_addresses(client)
            while True:
                for name in supervisor.restart_exited():
                    self.stderr.write(
                        f"{name} has exited; see {supervisor.log_path(name)}."
                    )
                for name in supervisor.replace_stuck():
                    reason = (
                        "has written no status of the workers for a minute"
                        if name == STATUS_WRITER
                        else "takes no messages although some wait"
                    )
                    self.stderr.write(f"{name} {reason}; it is replaced.")
                supervisor.rotate_logs()
                time.sleep(1)

    def _environment(self, stack: ExitStack, state_dir: Path) -> dict[str, str]:
        """Return the environment of the processes; start a Redis unless one is configured."""
        environment = dict(os.environ)
        if not settings.HAS_EXTERNAL_REDIS:
            server = EmbeddedRedis(state_dir)
            stack.callback(server.stop)
            environment["REDIS_URL"] = server.start()
        elif problem := diagnose(settings.REDIS_URL):
            raise RedisStartError(str(problem))
        return environment

    def _run_manage(
        self, *command: str, environment: dict[str, str], may_fail: bool = False
    ) -> bool:
        result = subprocess.run(  # noqa: S603  (our own commands)
            [sys.executable, str(MANAGE_PY), *command], env=environment, check=False
        )
        if result.returncode and not may_fail:
            raise CommandError(
                f"`manage.py {command[0]}` failed; see its output above."
            )
        return not result.returncode

    def _wait_until_ready(self, client: Client, supervisor: Supervisor) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        while not client.is_ready():
            supervisor.restart_exited()
            if time.monotonic() > deadline:
                raise CommandError(
                    f"The service is not ready; see the logs in {settings.VAR_DIR / 'log'}."
                )
            time.sleep(0.2)

    def _print_addresses(self, client: Client) -> None:
        base_url = client.base_url
        self.stdout.write(
            f"\nSwagger UI  {base_url}/docs\nReDoc       {base_url}/redoc\n"
            f"Admin       {base_url}/admin/\nLogs        {settings.VAR_DIR / 'log'}\n"
        )
        if client.token:
            self.stdout.write(f"A teacher's token:\n\n{client.token}\n")
        self.stdout.write("Ctrl-C stops everything.")


@contextmanager
def _lock_state_dir(state_dir: Path) -> Iterator[None]:
    """Lock the folder, so that two runs cannot share a Redis and a database."""
    import fcntl  # not available on Windows

    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                f"Another run uses the state folder {state_dir}: stop it, or set "
                "another VAR_DIR and PORT."
            ) from None
        yield


def _tighten_files(state_dir: Path) -> None:
    """Make the files of earlier runs private."""
    try:
        private_files.tighten(state_dir)
    except private_files.SharedFolder as error:
        raise CommandError(f"{error}: set another VAR_DIR.") from None
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        private_files.tighten_database(Path(database["NAME"]))


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CommandError(
                f"Port {port} is in use: choose another, for example PORT={port + 1}."
            ) from None


def _check_database() -> None:
    if faults := find_faults(with_tables=False):
        raise CommandError("\n".join(map(str, faults)))
