"""Connections to Redis: one function makes them from the address, for every client of it.

The service's own client, Celery's transport and Celery's result backend take the options of
`connection_options` for a pool of their own.
"""

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelManagedConnection

from school.runtime.redis_address import Kind, RedisAddress, parse

LOST_ERRORS = (redis.ConnectionError, redis.TimeoutError)
"""Errors of a connection; the server has not refused anything."""
_IS_DEMOTED = ("READONLY", "UNBLOCKED")
"""Errors of a server that has become a replica since the connection was made."""
REPLICA_ROLES = ("replica", "slave")


def connection_options(
    url: str, *, timeout: float, connect_timeout: float
) -> dict[str, Any]:
    """Return the arguments of any of redis-py's pools for connections to this address."""
    address = parse(url)
    options: dict[str, Any] = {
        "connection_class": _CONNECTION_CLASSES[address.kind, address.is_tls],
        "db": address.database,
        "username": address.username or None,
        "password": address.password or None,
        "client_name": address.options.get("client_name"),
        **_socket_options(timeout, connect_timeout),
        **_tls_options(address),
    }
    if address.kind is Kind.SOCKET:
        return {**options, "path": address.path}
    options["socket_keepalive"] = True
    if address.kind is Kind.SENTINEL:
        locator = PrimaryLocator(address, timeout)
        return {**options, "connection_pool": locator}
    [(host, port)] = address.hosts
    return {**options, "host": host, "port": port}


class PrimaryLocator:
    """Lookup of the address of the primary, which redis-py expects of a Sentinel's pool."""

    is_master = True
    check_connection = False

    def __init__(self, address: RedisAddress, timeout: float) -> None:
        self.service_name = address.service
        # Together they take no longer than one call may.
        seconds = timeout / len(address.hosts)
        options = address.options
        self._sentinel = Sentinel(  # type: ignore[no-untyped-call]
            address.hosts,
            sentinel_kwargs={
                "username": options.get("sentinel_username"),
                "password": options.get("sentinel_password"),
                "ssl": address.is_tls,
                **_socket_options(seconds, seconds),
                **_tls_options(address),
            },
        )

    def get_master_address(self) -> tuple[str, int]:
        address: tuple[str, int] = self._sentinel.discover_master(  # type: ignore[no-untyped-call]
            self.service_name
        )
        return address


class PrimaryOnly:
    """Mixin of connections: a server that has become a replica is a broken connection.

    The next connection then finds the new primary, by Sentinel or by the name of the host. One
    to a replica does not come about: a worker would otherwise connect again several times a
    second, because a replica refuses its commands and not its connection.
    """

    def on_connect_check_health(self, *args: Any, **kwargs: Any) -> None:
        super().on_connect_check_health(*args, **kwargs)  # type: ignore[misc]
        hello = self.handshake_metadata or {}  # type: ignore[attr-defined]
        role = hello.get(b"role") or hello.get("role") or b""
        if (role.decode() if isinstance(role, bytes) else role) in REPLICA_ROLES:
            raise redis.ConnectionError("The server is a replica and takes no writes.")

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().read_response(*args, **kwargs)  # type: ignore[misc]
        except redis.ResponseError as error:
            # redis-py drops the code of an error that has a class of its own.
            if not isinstance(error, redis.ReadOnlyError) and not str(error).startswith(
                _IS_DEMOTED
            ):
                raise
            self.disconnect()  # type: ignore[attr-defined]
            raise redis.ConnectionError(f"The server is a replica: {error}") from error


class TcpConnection(PrimaryOnly, redis.Connection):
    """Connection by TCP."""


class TlsConnection(PrimaryOnly, redis.SSLConnection):
    """Connection by TLS."""


class SocketConnection(PrimaryOnly, redis.UnixDomainSocketConnection):
    """Connection by a Unix socket."""


class SentinelConnection(PrimaryOnly, SentinelManagedConnection):
    """Connection to the primary that the Sentinels name."""


class SentinelTlsConnection(SentinelConnection, redis.SSLConnection):
    """Connection by TLS to the primary that the Sentinels name."""


_CONNECTION_CLASSES = {
    (Kind.TCP, False): TcpConnection,
    (Kind.TCP, True): TlsConnection,
    (Kind.SOCKET, False): SocketConnection,
    (Kind.SENTINEL, False): SentinelConnection,
    (Kind.SENTINEL, True): SentinelTlsConnection,
}


def _socket_options(timeout: float, connect_timeout: float) -> dict[str, Any]:
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": connect_timeout,
        # redis-py's own retries were measured to hang ten seconds on a frozen server.
        "retry": Retry(NoBackoff(), 0),
    }


def _tls_options(address: RedisAddress) -> dict[str, Any]:
    """Return the options of TLS: certificates are checked unless the address says otherwise.

    Without `ssl_ca_certs` the system's store counts, or that of `SSL_CERT_FILE`.
    """
    if not address.is_tls:
        return {}
    options = {k: v for k, v in address.options.items() if k.startswith("ssl_")}
    return {"ssl_cert_reqs": "required", "ssl_check_hostname": True, **options}
