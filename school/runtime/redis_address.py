"""Address of Redis: parses `REDIS_URL`, and writes it without its credentials.

The user and the password may have any character, encoded or not: where a part would be
ambiguous, the shortest reading in which everything else is valid counts.
"""

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from urllib.parse import quote, unquote

DEFAULT_PORT = 6379
DEFAULT_SENTINEL_PORT = 26379
MAX_PORT = 65535


class Kind(StrEnum):
    """Ways to reach Redis."""

    TCP = "tcp"
    SOCKET = "socket"
    SENTINEL = "sentinel"


_SCHEMES = {
    "redis": (Kind.TCP, False),
    "rediss": (Kind.TCP, True),
    "valkey": (Kind.TCP, False),
    "valkeys": (Kind.TCP, True),
    "unix": (Kind.SOCKET, False),
    "redis+socket": (Kind.SOCKET, False),
    "socket": (Kind.SOCKET, False),
    "sentinel": (Kind.SENTINEL, False),
    "redis+sentinel": (Kind.SENTINEL, False),
    "rediss+sentinel": (Kind.SENTINEL, True),
}
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:/?#@,\[\]]*)(?::[0-9]{1,5})?"
_PLACES = {
    Kind.TCP: rf"(?P<hosts>{_HOST})(?:/(?P<database>[0-9]*)/?)?",
    Kind.SOCKET: r"(?P<path>/[^?#]+)",
    Kind.SENTINEL: rf"(?P<hosts>{_HOST}(?:,{_HOST})*)"
    r"/(?P<service>[^/?#@]+)(?:/(?P<database>[0-9]*))?",
}
_PATTERNS = {
    kind: re.compile(
        # The path of a socket may have an @ as well, but less likely after a slash.
        rf"(?:(?P<credentials>.*{'' if kind is Kind.SOCKET else '?'})@)??{place}"
        r"(?:\?(?P<query>(?:[a-z_]+=[^&#]*(?:&|$))*))?",
        re.DOTALL,
    )
    for kind, place in _PLACES.items()
}
_EXAMPLES = {
    Kind.TCP: "redis://user:password@host:6379/0",
    Kind.SOCKET: "unix:///run/redis/redis.sock?db=0",
    Kind.SENTINEL: "sentinel://user:password@host-a:26379,host-b:26379/service",
}
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")
_CERT_REQS = ("required", "optional", "none")
_DATABASE_NAMES = ("db", "virtual_host")
_TEXT_OPTIONS = {"client_name", "sentinel_username", "sentinel_password"}
_TLS_TEXT_OPTIONS = {
    "ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_password",
}  # fmt: skip
_TLS_OPTIONS = _TLS_TEXT_OPTIONS | {"ssl_cert_reqs", "ssl_check_hostname"}
FILE_OPTIONS = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile")


class AddressError(ValueError):
    """An address that cannot be used; the text says why and shows no password."""


@dataclass(frozen=True)
class RedisAddress:
    """Parts of an address; `options` are those of redis-py, with its values."""

    kind: Kind
    is_tls: bool = False
    username: str = ""
    password: str = ""
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    service: str = ""
    database: int = 0
    options: dict[str, str | bool] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Return the part that people look for in a message: hosts and ports, or the socket."""
        return self.path or ",".join(_format_host(*host) for host in self.hosts)

    def to_url(self) -> str:
        """Return the canonical URL, in which Celery's own parsers find nothing to split."""
        options = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in self.options.items()
        }
        credentials = quote(self.username, safe="")
        if self.password:
            credentials += f":{quote(self.password, safe='')}"
        if self.kind is Kind.SOCKET:
            scheme, place = "unix", quote(self.path)
            options |= {"db": str(self.database)} if self.database else {}
        elif self.kind is Kind.SENTINEL:
            scheme, place = "sentinel", f"{self.place}/{self.service}/{self.database}"
            options |= {"ssl": "true"} if self.is_tls else {}
        else:
            scheme = "rediss" if self.is_tls else "redis"
            place = f"{self.place}/{self.database}"
        query = "&".join(f"{name}={quote(value)}" for name, value in options.items())
        return (
            f"{scheme}://{credentials}{'@' if credentials else ''}{place}"
            f"{'?' if query else ''}{query}"
        )


def without_credentials(url: str) -> str:
    """Return the canonical URL without user, passwords and options, to be shown and logged."""
    return replace(parse(url), username="", password="", options={}).to_url()


def parse(url: str) -> RedisAddress:
    """Return the parts of the address, or raise `AddressError`."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in _SCHEMES:
        raise AddressError(
            f"must begin with one of {', '.join(f'{name}://' for name in _SCHEMES)}."
        )
    kind, is_tls = _SCHEMES[scheme.lower()]
    if kind is Kind.SENTINEL and re.search(r";[\w+]*sentinel://", rest):
        raise AddressError(
            f"names Sentinels as Celery does; write them as {_EXAMPLES[kind]}."
        )
    match = _PATTERNS[kind].fullmatch(rest)
    if match is None:
        raise AddressError(
            f"has another form than {_EXAMPLES[kind]}. In user and password write the "
            "characters / ? # @ : % as %2F %3F %23 %40 %3A %25."
        )
    parts = match.groupdict()
    options = _parse_query(parts["query"] or "")
    database = _pop_database(options, parts.get("database"))
    is_tls = _parse_flag("ssl", options.pop("ssl", str(is_tls).lower()))
    if is_tls and kind is Kind.SOCKET:
        raise AddressError("has ssl=true, but a socket has no TLS.")
    username, _, password = (parts["credentials"] or "").partition(":")
    if username and not password:
        raise AddressError(
            "has a user without a password; a password alone is written :password@."
        )
    default_port = DEFAULT_SENTINEL_PORT if kind is Kind.SENTINEL else DEFAULT_PORT
    return RedisAddress(
        kind=kind,
        is_tls=is_tls,
        username=unquote(username),
        password=unquote(password),
        hosts=_parse_hosts(parts.get("hosts"), default_port),
        path=unquote(parts.get("path") or ""),
        service=unquote(parts.get("service") or ""),
        database=database,
        options=_check_options(kind, is_tls, options),
    )


def _parse_hosts(text: str | None, default_port: int) -> tuple[tuple[str, int], ...]:
    if text is None:
        return ()
    hosts = []
    for item in text.split(","):
        host, separator, port = item.rpartition(":")
        if not separator or "]" in port:
            host, port = item, ""
        if int(port or default_port) > MAX_PORT:
            raise AddressError(f"has the port {port}; the highest is {MAX_PORT}.")
        hosts.append((host.strip("[]") or "127.0.0.1", int(port or default_port)))
    return tuple(hosts)


def _format_host(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _parse_query(query: str) -> dict[str, str]:
    pairs = (item.partition("=") for item in query.split("&") if item)
    return {name: unquote(value) for name, _, value in pairs}


def _pop_database(options: dict[str, str], database: str | None) -> int:
    for name in _DATABASE_NAMES:
        database = options.pop(name, database)
    if not re.fullmatch(r"[0-9]*", database or ""):
        raise AddressError(f"has {database!r} as the number of a database.")
    return int(database or 0)


def _check_options(
    kind: Kind, is_tls: bool, options: dict[str, str]
) -> dict[str, str | bool]:
    """Return the options with redis-py's values; refuse those that mean nothing here."""
    checked: dict[str, str | bool] = {}
    for name, value in options.items():
        if name in _TLS_OPTIONS and not is_tls:
            raise AddressError(f"has {name}, which needs {_tls_form(kind)}.")
        if name == "ssl_cert_reqs":
            checked[name] = _parse_cert_reqs(value)
        elif name == "ssl_check_hostname":
            checked[name] = _parse_flag(name, value)
        elif name in _TEXT_OPTIONS | _TLS_TEXT_OPTIONS:
            checked[name] = value
        else:
            known = sorted({*_TEXT_OPTIONS, *_TLS_OPTIONS, *_DATABASE_NAMES, "ssl"})
            raise AddressError(
                f"has the option {name}, which is not read; the options are "
                f"{', '.join(known)}. The service sets its timeouts itself."
            )
    return checked


def _tls_form(kind: Kind) -> str:
    return "ssl=true" if kind is Kind.SENTINEL else "an address with rediss://"


def _parse_cert_reqs(value: str) -> str:
    name = value.lower().removeprefix("cert_")
    if name not in _CERT_REQS:
        raise AddressError(
            f"has ssl_cert_reqs={value}; it may be {', '.join(_CERT_REQS)}, or Celery's "
            "CERT_REQUIRED, CERT_OPTIONAL, CERT_NONE."
        )
    return name


def _parse_flag(name: str, value: str) -> bool:
    if value.lower() not in _TRUE + _FALSE:
        raise AddressError(f"has {name}={value}; it may be true or false.")
    return value.lower() in _TRUE
