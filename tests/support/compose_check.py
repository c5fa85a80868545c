"""Deployment check for `make compose-check`: run `compose.yaml` with podman, request a report.

The report is requested over TLS through the proxy; the proxy's limit of requests per address,
the networks and each container's secrets are checked too.

Needs root, podman, buildah, runc, catatonit, netavark, aardvark-dns, iptables, openssl and
debootstrap. Debian trixie replaces the official images under their names: it carries the
versions that `compose.yaml` and the Dockerfile name (Python 3.13, Redis 8, PostgreSQL 17,
nginx 1),
and the script verifies that. The Dockerfile and the compose file are used unchanged except
for two things: the script runs the health checks, and it starts the services in the order of
`depends_on`, because podman waits for neither.
"""

import http.client
import os
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import yaml

from school.runtime.client import Client
from school.runtime.embedded_redis import free_port
from school.runtime.first_report import show_first_report
from school.runtime.make_secrets import make_secrets

ROOT = Path(__file__).resolve().parent.parent.parent
TOOLS = (
    "podman",
    "buildah",
    "runc",
    "catatonit",
    "netavark",
    "iptables",
    "openssl",
    "debootstrap",
)
PACKAGES = "python3,python3-venv,redis-server,postgresql-17,nginx,ca-certificates"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

CONTAINERS_CONF = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
init_path = "{catatonit}"
[engine]
runtime = "runc"
[network]
network_backend = "netavark"
"""
STORAGE_CONF = """
[storage]
driver = "vfs"
graphroot = "{work}/storage"
runroot = "{work}/run"
"""
# Equivalent of the official image's entry point for the same variables and the user postgres.
POSTGRES_ENTRYPOINT = """#!/bin/sh
set -e
PATH=/usr/lib/postgresql/17/bin:$PATH
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    mkdir -p "$PGDATA" && chmod 700 "$PGDATA"
    initdb -D "$PGDATA" -U "$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" \
        -A scram-sha-256 --encoding=UTF8 --locale=C.UTF-8
    echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
    echo "CREATE DATABASE $POSTGRES_DB;" | postgres --single -D "$PGDATA" postgres > /dev/null
fi
exec postgres -D "$PGDATA" -c listen_addresses='*'
"""


POSTGRES_BIN = "/usr/lib/postgresql/17/bin"
VERSION_COMMANDS = {
    "python": ["python3", "--version"],
    "redis": ["redis-server", "--version"],
    "postgres": [f"{POSTGRES_BIN}/postgres", "--version"],
    "proxy": ["nginx", "-v"],
}
MAX_REQUESTS_PER_ADDRESS = 200
"""Limit in proxy/nginx.conf."""
DATA_SECRETS = {"database_url", "redis_url", "redis_signing_key"}
SECRETS = {
    "web": {*DATA_SECRETS, "secret_key", "jwt_signing_key"},
    "worker-reports": DATA_SECRETS,
    "dispatcher": DATA_SECRETS,
    "proxy": {"tls_certificate", "tls_key"},
}
"""Secrets that a container sees."""
FOLDERS = {"redis": "data", "postgres": "var/lib/postgresql/data"}
"""Folders of volumes, which the official images give to these users."""
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], sys.argv[2]), 3)"


def images() -> dict[str, str]:
    """Return the tagged images named by the Dockerfile and `compose.yaml`."""
    python = re.search(r"PYTHON_IMAGE=(\S+)", (ROOT / "Dockerfile").read_text())
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    names = {n: services[n]["image"] for n in ("redis", "postgres", "proxy")}
    defaults = {n: re.sub(r"\$\{\w+:-(.+)\}", r"\1", i) for n, i in names.items()}
    return {"python": f"docker.io/library/{python[1]}" if python else "", **defaults}


class ComposeCheck:
    def __init__(self, work: Path) -> None:
        self.work = work
        self.port, self.http_port, self.https_port = (free_port() for _ in range(3))
        self.public_url = f"https://localhost:{self.https_port}"
        self.project = f"check{secrets.token_hex(3)}"
        self.compose = work / "compose.yaml"
        (work / "containers.conf").write_text(
            CONTAINERS_CONF.format(catatonit=shutil.which("catatonit"))
        )
        (work / "storage.conf").write_text(STORAGE_CONF.format(work=work))
        self.environment = {
            **os.environ,
            "CONTAINERS_CONF": str(work / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(work / "storage.conf"),
            "BUILDAH_ISOLATION": "chroot",
            "PORT": str(self.port),
            "HTTP_PORT": str(self.http_port),
            "HTTPS_PORT": str(self.https_port),
            "PUBLIC_URL": self.public_url,
            "TRUSTED_PROXIES": "1",
        }

    def run(self, *command: str, check: bool = True) -> int:
        print("$", *command, flush=True)
        process = subprocess.run(command, env=self.environment, cwd=ROOT, check=check)
        return process.returncode

    def podman_compose(self, *arguments: str) -> None:
        tool = Path(sys.executable).with_name("podman-compose")
        options = ["-p", self.project, "-f", str(self.compose)]
        self.run(str(tool), *options, *arguments)

    def make_images(self) -> None:
        base = Path(os.environ.get("COMPOSE_CHECK_BASE", self.work / "base"))
        if not base.exists():
            self.run("debootstrap", "--variant=minbase", f"--include={PACKAGES}",
                     "trixie", str(base))  # fmt: skip
        # Use the host's certificates, in case it is behind a proxy with its own certificate.
        shutil.copy(CERTIFICATES, base / CERTIFICATES.relative_to("/"))
        entry = base / "usr/local/bin/docker-entrypoint.sh"
        entry.write_text(POSTGRES_ENTRYPOINT)
        entry.chmod(0o755)
        (base / "usr/local/bin/python").unlink(missing_ok=True)
        (base / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        for owner, folder in FOLDERS.items():
            (base / folder).mkdir(parents=True, exist_ok=True)
            self.run("chroot", str(base), "chown", f"{owner}:{owner}", f"/{folder}")
        # podman adds a tmpfs of its own on /run, and would copy this folder there as root's.
        shutil.rmtree(base / "run/postgresql", ignore_errors=True)
        archive = self.work / "base.tar"
        self.run("tar", "-C", str(base), "-cf", str(archive), ".")
        path = f"ENV PATH={POSTGRES_BIN}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        entry_point = 'ENTRYPOINT ["/usr/local/bin/docker-entrypoint.sh"]'
        for name, image in images().items():
            self.require_version(base, name, image)
            changes = [path, entry_point] if name == "postgres" else []
            options = [part for change in changes for part in ("--change", change)]
            self.run("podman", "import", *options, str(archive), image)
        archive.unlink()
        self.run("buildah", "bud", "--pull=never", "-t", "school-reports:local", ".")

    def require_version(self, base: Path, name: str, image: str) -> None:
        """Exit unless the base system has the version named by the image's tag."""
        command = ["chroot", str(base), *VERSION_COMMANDS[name]]
        process = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        installed = re.search(r"\d+(\.\d+)?", process.stdout)
        required = image.rpartition(":")[2].partition("-")[0]
        if installed is None or f"{installed[0]}.".find(f"{required}.") != 0:
            sys.exit(f"compose-check: {image} required, {base} has {process.stdout}")
        print(f"{image}: {process.stdout.strip()}", flush=True)

    def write_compose_file(self) -> None:
        """Write the compose file without the keys that podman does not support."""
        compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
        make_secrets(self.work / "secrets")
        self.make_certificate()
        for service in compose["services"].values():
            for name in ("depends_on", "build", "pull_policy", "logging", "cpus"):
                service.pop(name, None)
            service.get("healthcheck", {}).pop("start_interval", None)
            if limits := service.get("ulimits"):
                # A service with its own limits gets none of `default_ulimits`, and runc may
                # not raise the host's limits.
                limits["nproc"] = 4096
        for name, secret in compose["secrets"].items():
            secret["file"] = str(self.work / "secrets" / name)
        proxy = compose["services"]["proxy"]
        proxy["volumes"] = [f"{ROOT}/{volume[2:]}" for volume in proxy["volumes"]]
        self.compose.write_text(yaml.safe_dump(compose))

    def make_certificate(self) -> None:
        """Make a certificate for `localhost`, which this process trusts from then on."""
        certificate, key = (
            self.work / "secrets" / name for name in ("tls_certificate", "tls_key")
        )
        self.run(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            "-keyout", str(key), "-out", str(certificate),
        )  # fmt: skip
        key.chmod(0o644)  # the proxy reads it as another user
        os.environ["SSL_CERT_FILE"] = str(certificate)

    def start(self) -> None:
        self.podman_compose("up", "-d", "redis", "postgres")
        for service in ("redis", "postgres"):
            self.wait_until(lambda service=service: self.is_healthy(service))
        self.podman_compose("run", "--rm", "migrate")
        workers = ["worker-reports", "worker-bulk", "worker-default"]
        self.podman_compose("up", "-d", "web", *workers, "dispatcher")
        self.wait_until(Client(f"http://127.0.0.1:{self.port}").is_ready)
        for service in ("web", *workers):
            self.wait_until(lambda service=service: self.is_healthy(service))
        self.podman_compose("--profile", "proxy", "up", "-d", "proxy")
        self.wait_until(Client(self.public_url).is_ready)

    def is_healthy(self, service: str) -> bool:
        command = ("podman", "healthcheck", "run", self.container(service))
        return self.run(*command, check=False) == 0

    def make_report(self) -> None:
        self.podman_compose(
            "exec", "-T", "web", "python", "manage.py", "demo", "--force"
        )
        show_first_report(Client(self.public_url), StdoutWriter())

    def check_transport(self) -> None:
        """Exit unless the proxy redirects plain HTTP and limits the requests of an address."""
        plain = http.client.HTTPConnection("localhost", self.http_port, timeout=10)
        plain.request("GET", "/docs")
        response = plain.getresponse()
        expected = (301, f"{self.public_url}/docs")
        require((response.status, response.headers["Location"]), expected)
        with ExitStack() as stack:
            for _ in range(MAX_REQUESTS_PER_ADDRESS):
                stack.enter_context(self.send_unfinished_request())
            time.sleep(1)  # the proxy's two processes have counted them all
            surplus = stack.enter_context(self.send_unfinished_request())
            response = http.client.HTTPResponse(surplus)
            response.begin()
            require((response.status, response.headers["Retry-After"]), (429, "5"))

    def send_unfinished_request(self) -> ssl.SSLSocket:
        context = ssl.create_default_context()
        plain = socket.create_connection(("localhost", self.https_port), timeout=10)
        connection = context.wrap_socket(plain, server_hostname="localhost")
        head = (
            "POST /auth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
        )
        connection.sendall(head.encode())
        return connection

    def check_isolation(self) -> None:
        """Exit unless each container sees its own secrets, and reaches what it needs, alone."""
        for service, names in SECRETS.items():
            listing = self.output(service, "ls", "/run/secrets").split()
            require((service, set(listing)), (service, names))
        for service, host, port, can_connect in (
            ("web", "postgres", "5432", True),
            ("worker-reports", "redis", "6379", True),
            ("proxy", "web", "8000", True),
            ("proxy", "postgres", "5432", False),
            ("proxy", "redis", "6379", False),
            ("worker-reports", "192.0.2.1", "80", False),
        ):
            command = ("exec", self.container(service), "python3", "-c", CONNECT)
            code = self.run("podman", *command, host, port, check=False)
            require((service, host, code == 0), (service, host, can_connect))

    def output(self, service: str, *command: str) -> str:
        return subprocess.run(
            ["podman", "exec", self.container(service), *command],
            env=self.environment, stdout=subprocess.PIPE, text=True, check=True,
        ).stdout  # fmt: skip

    def container(self, service: str) -> str:
        return f"{self.project}_{service}_1"

    def wait_until(self, condition: Callable[[], bool], seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                self.podman_compose("logs")
                sys.exit(f"compose-check: not ready after {seconds:g} s")
            time.sleep(1)


def require(actual: object, expected: object) -> None:
    if actual != expected:
        sys.exit(f"compose-check: {actual} instead of {expected}")
    print(f"checked: {actual}", flush=True)


class StdoutWriter:
    def write(self, text: str) -> None:
        print(text, flush=True)


def main() -> None:
    path = os.environ["PATH"] + ":/usr/lib/podman:/usr/libexec/podman"
    missing = [tool for tool in TOOLS if not shutil.which(tool, path=path)]
    if missing or os.geteuid() != 0:
        print(f"compose-check skipped: it needs root and {', '.join(missing or TOOLS)}")
        return
    with tempfile.TemporaryDirectory(prefix="compose-check-", dir="/var/tmp") as work:
        check = ComposeCheck(Path(work))
        check.make_images()
        check.write_compose_file()
        try:
            check.start()
            check.make_report()
            check.check_transport()
            check.check_isolation()
        finally:
            check.podman_compose("--profile", "proxy", "down", "-v")
    print("compose-check passed")


if __name__ == "__main__":
    main()
