"""Redis servers of every sort that an address can name: TLS, socket, users, Sentinel."""

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from school.runtime.embedded_redis import free_port
from school.runtime.redis_binaries import find_binary
from school.runtime.supervisor import start_child

CHUNK_SIZE = 64 * 1024
SERVICE = "reports-primary"
DAYS_AROUND_TODAY = (timedelta(days=-1), timedelta(days=1))


@contextmanager
def start_server(folder: Path, *lines: str, port: int = 0) -> Iterator[int]:
    """Run a server with these lines of configuration; the value is its port."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    config = "\n".join(
        ["bind 127.0.0.1", f"port {port}", f'dir "{folder}"', 'save ""', *lines]
    )
    process = start_child(
        [find_binary(folder).path, "-"], log=folder / "log", stdin=config
    )
    try:
        wait_until(lambda: _is_listening(port))
        yield port
    finally:
        _stop(process)


@contextmanager
def start_sentinel(folder: Path, primary_port: int, *lines: str) -> Iterator[int]:
    """Run a Sentinel that watches the primary; it fails over after half a second."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "sentinel.conf"  # the Sentinel writes what it learns into it
    config.write_text(
        f"""
        bind 127.0.0.1
        port {port}
        dir "{folder}"
        sentinel monitor {SERVICE} 127.0.0.1 {primary_port} 1
        sentinel down-after-milliseconds {SERVICE} 500
        sentinel failover-timeout {SERVICE} 3000
        """
        + "\n".join(lines)
    )
    command = [find_binary(folder).path, str(config), "--sentinel"]
    process = start_child(command, log=folder / "log")
    try:
        wait_until(lambda: _is_listening(port))
        yield port
    finally:
        _stop(process)


class SentinelGroup:
    """A primary, a replica and a Sentinel; the first two have the password."""

    def __init__(self, folder: Path, password: str = "") -> None:
        lines, sentinel_lines = [], []
        if password:
            lines = [f"requirepass {password}", f"masterauth {password}"]
            sentinel_lines = [f"sentinel auth-pass {SERVICE} {password}"]
        self._stack = ExitStack()
        with self._stack:
            self._primary = ExitStack()
            self._stack.push(self._primary)
            primary_port = self._primary.enter_context(
                start_server(folder / "primary", *lines)
            )
            replica_port = self._stack.enter_context(
                start_server(
                    folder / "replica", *lines, f"replicaof 127.0.0.1 {primary_port}"
                )
            )
            self.ports = [primary_port, replica_port]
            with redis.Redis(port=primary_port, password=password or None) as primary:
                wait_until(lambda: primary.info("replication")["connected_slaves"] == 1)
            self.sentinel_port = self._stack.enter_context(
                start_sentinel(folder / "sentinel", primary_port, *sentinel_lines)
            )
            self._sentinel = redis.Redis(port=self.sentinel_port)
            # It asks the primary at once, or ten seconds later.
            wait_until(lambda: self._info()["num-slaves"] == "1", seconds=30)
            self._stack = self._stack.pop_all()

    def __enter__(self) -> "SentinelGroup":
        return self

    def __exit__(self, *_: object) -> None:
        self._sentinel.close()
        self._stack.close()

    def url(self, credentials: str = "", query: str = "") -> str:
        """Return an address that names a dead Sentinel first."""
        hosts = f"127.0.0.1:{free_port()},127.0.0.1:{self.sentinel_port}"
        return f"sentinel://{credentials}{hosts}/{SERVICE}{query}"

    def fail_over(self) -> None:
        """Stop the primary, and wait until the replica has its role."""
        self._primary.close()
        wait_until(lambda: int(self._info()["port"]) == self.ports[1], seconds=20)

    def switch(self) -> None:
        """Let primary and replica change their roles while both go on running."""
        self._sentinel.execute_command("SENTINEL", "FAILOVER", SERVICE)
        wait_until(lambda: int(self._info()["port"]) == self.ports[1], seconds=20)

    def _info(self) -> dict[str, str]:
        reply = self._sentinel.execute_command("SENTINEL", "MASTER", SERVICE)
        if isinstance(reply, dict):
            return {_text(name): _text(value) for name, value in reply.items()}
        texts = [_text(item) for item in reply]
        return dict(zip(texts[::2], texts[1::2], strict=True))


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


class Certificates:
    """Certificates of a server for `localhost`, and the authority that signed them."""

    def __init__(
        self,
        folder: Path,
        *,
        names: Sequence[str] = ("localhost",),
        validity: tuple[timedelta, timedelta] = DAYS_AROUND_TODAY,
    ) -> None:
        """Sign a certificate that is valid between these times from now."""
        folder.mkdir(parents=True, exist_ok=True)
        self.authority, self.chain = folder / "ca.pem", folder / "server.pem"
        authority_key, key = (
            ec.generate_private_key(ec.SECP256R1()),
            ec.generate_private_key(ec.SECP256R1()),
        )
        issuer = x509.Name.from_rfc4514_string("CN=test authority")
        authority = _sign(
            issuer, authority_key, issuer, authority_key,
            x509.BasicConstraints(ca=True, path_length=None),
        )  # fmt: skip
        certificate = _sign(
            x509.Name.from_rfc4514_string("CN=server"), key, issuer, authority_key,
            x509.SubjectAlternativeName([_general_name(name) for name in names]), validity,
        )  # fmt: skip
        self.authority.write_bytes(authority)
        self.chain.write_bytes(
            certificate
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _sign(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
    validity: tuple[timedelta, timedelta] = DAYS_AROUND_TODAY,
) -> bytes:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + validity[0])
        .not_valid_after(now + validity[1])
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    )
    certificate = builder.sign(issuer_key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM)


@contextmanager
def tls_proxy(target_port: int, certificates: Certificates) -> Iterator[int]:
    """Accept TLS on a port, the value, and pass the bytes on to a local port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.chain)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):  # the listener is closed at the end
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=serve, args=[client], daemon=True).start()

        def serve(client: socket.socket) -> None:
            with (
                contextlib.suppress(OSError),
                context.wrap_socket(client, server_side=True) as outer,
                socket.create_connection(("127.0.0.1", target_port)) as inner,
            ):
                back = threading.Thread(target=_pump, args=[inner, outer], daemon=True)
                back.start()
                _pump(outer, inner)

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK_SIZE):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)


def wait_until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still false after {seconds} s"
        time.sleep(0.02)


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()
