"""Problems with Redis: an error of a client becomes a reason and a remedy in plain words."""

import os
import re
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from school.runtime.redis_address import FILE_OPTIONS, Kind, RedisAddress, parse

CLOSED = "closed"
MIN_VERSION = (6, 2)
"""Celery's transport needs `ZRANGE ... BYSCORE`."""


@dataclass(frozen=True)
class Problem:
    """Reason for which Redis cannot be used; `kind` is equal for equal reasons."""

    kind: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason} {self.remedy}"


_CLIENT = re.compile(r"<redis\.client\.Redis.*?,host=([^,]+),port=(\d+).*?\)>\)>\)>")
"""Form in which redis-py names a Sentinel in its errors."""


def explain(error: Exception, url: str) -> Problem:
    """Return the problem behind an error of a client of this address."""
    address, text = parse(url), _CLIENT.sub(r"\1:\2", str(error))
    if is_refused_command(error):
        command = re.search(r"'([\w|]+)' command", text)
        return refused_commands(url, [command[1] if command else "@all"])
    for pattern, explanation in _EXPLANATIONS:
        if re.search(pattern, text, re.IGNORECASE):
            problem = explanation(address)
            return Problem(problem.kind, f"{problem.reason} ({text})", problem.remedy)
    # The text may have numbers that differ each time, such as ports.
    return Problem(
        f"{type(error).__name__}: {re.sub('[0-9]+', 'n', text)[:200]}",
        f"Redis at {address.place} fails: {text}",
        "Look into its log, and compare REDIS_URL with docs/operations.md.",
    )


def is_refused_command(error: Exception) -> bool:
    return bool(re.search(r"permissions? to run|can't run this command", str(error)))


def refused_commands(url: str, commands: Sequence[str]) -> Problem:
    user = parse(url).username or "default"
    rights = " ".join(f"+{name}" for name in commands)
    return Problem(
        f"commands {rights}",
        f"The Redis user {user} may not run {', '.join(commands)}.",
        f"Run ACL SETUSER {user} {rights}; docs/operations.md lists all commands.",
    )


def cluster(place: str) -> Problem:
    return Problem(
        "cluster",
        f"The server at {place} is part of a Redis Cluster, which Celery cannot use.",
        "Use a server without cluster mode, or Sentinel.",
    )


def replica(place: str) -> Problem:
    return Problem(
        "replica",
        f"The server at {place} is a replica and takes no writes.",
        "Write the address of the primary in REDIS_URL, or use Sentinel.",
    )


def _authentication(address: RedisAddress) -> Problem:
    user = address.username or "default"
    return Problem(
        "authentication",
        f"Redis at {address.place} does not accept the password of the user {user}.",
        "Correct user and password in REDIS_URL (redis://user:password@host, or "
        "redis://:password@host for the user default).",
    )


def _no_password(address: RedisAddress) -> Problem:
    if address.kind is Kind.SENTINEL:
        remedy = (
            "Write the password in REDIS_URL; that of the Sentinels themselves is "
            "?sentinel_password=..."
        )
    else:
        remedy = "Write it in REDIS_URL: redis://:password@host, or user:password@."
    reason = f"Redis at {address.place} wants a password, and REDIS_URL has none."
    return Problem("no password", reason, remedy)


def _no_primary(address: RedisAddress) -> Problem:
    return Problem(
        "no primary",
        f"None of the Sentinels {address.place} names a primary of the service "
        f"{address.service}.",
        "Check that they run, that the service has this name there (SENTINEL MASTERS), and "
        "that ?sentinel_password= is right if they want one.",
    )


def _untrusted(address: RedisAddress) -> Problem:
    ca = address.options.get("ssl_ca_certs") or ssl.get_default_verify_paths().cafile
    return Problem(
        "certificate",
        f"The certificate of {address.place} is not signed by an authority in "
        f"{ca or 'the store of the system (the file SSL_CERT_FILE does not exist)'}.",
        "Add ?ssl_ca_certs=/path/of/the/authority.pem to REDIS_URL, or set SSL_CERT_FILE.",
    )


def _file(address: RedisAddress) -> Problem:
    missing = [
        f"{name}={address.options[name]}"
        for name in FILE_OPTIONS
        if name in address.options and not os.path.exists(str(address.options[name]))
    ]
    if missing:
        return Problem(
            "file",
            f"REDIS_URL has {', '.join(missing)}, which does not exist.",
            "Correct the path; in a container the file has to be mounted.",
        )
    return Problem(
        "socket",
        f"There is no socket {address.place}.",
        "Start Redis with `unixsocket` at this path, or correct REDIS_URL.",
    )


def _simple(kind: str, reason: str, remedy: str) -> Callable[[RedisAddress], Problem]:
    return lambda address: Problem(kind, reason.format(place=address.place), remedy)


_EXPLANATIONS: list[tuple[str, Callable[[RedisAddress], Problem]]] = [
    ("WRONGPASS|invalid username-password|invalid password", _authentication),
    ("called without any password configured", _simple("needless password",
        "Redis at {place} has no password, and REDIS_URL has one.",
        "Leave it out of REDIS_URL, or set `requirepass` in Redis.")),
    ("NOAUTH|HELLO must be called|Authentication required", _no_password),
    ("No master found|SENTINEL", _no_primary),
    ("access a key|access one of the keys|access the .* key", _simple("keys",
        "The Redis user may not use the keys of the service.", "Run ACL SETUSER <user> ~*.")),
    ("access a channel|access one of the channels|access the .* channel", _simple("channels",
        "The Redis user may not use the channels of the service.",
        "Run ACL SETUSER <user> &*.")),
    ("mismatch, certificate", _simple("certificate name",
        "The certificate of {place} is for another name.",
        "Write in REDIS_URL the name that the certificate is for, or add "
        "?ssl_check_hostname=false.")),
    ("certificate has expired", _simple("certificate expired",
        "The certificate of {place} has expired.", "Renew it.")),
    ("certificate is not yet valid", _simple("certificate not yet valid",
        "The certificate of {place} is not valid yet.",
        "Set the clock of this host right, or issue the certificate anew.")),
    ("CERTIFICATE_VERIFY_FAILED", _untrusted),
    ("WRONG_VERSION_NUMBER|record layer failure|UNEXPECTED_EOF", _simple("no TLS",
        "The server at {place} does not speak TLS.", "Write redis:// in place of rediss://.")),
    ("SSL|TLSV1", _simple("TLS", "No TLS connection to {place} comes about.",
        "Check the certificates in REDIS_URL; a server may want ?ssl_certfile= and "
        "?ssl_keyfile= from its clients.")),
    ("Permission denied", _simple("permission",
        "This process may not open {place}.",
        "Add its user to the group of Redis, and set `unixsocketperm 770` there.")),
    ("No such file", _file),
    ("Name or service not known|name resolution|No address associated|Error -[235]",
        _simple("name", "The host name in {place} is not known.",
        "Correct it in REDIS_URL, or check the DNS of this host.")),
    ("refused", _simple("refused", "No server listens at {place}.",
        "Start Redis, or correct host and port in REDIS_URL.")),
    ("No route|unreachable", _simple("route", "The network does not reach {place}.",
        "Check the network and its firewall, or correct REDIS_URL.")),
    ("Timeout|timed out", _simple("timeout", "The server at {place} does not answer in time.",
        "Check that it runs, that a firewall lets this host through, and that it speaks TLS "
        "if and only if REDIS_URL has rediss://.")),
    ("Protocol error|got \"|reset by peer|Connection closed|closed by server", _simple(CLOSED,
        "What listens at {place} ends the connection, or is no Redis.",
        "Check that it is up; if it speaks TLS, write rediss:// in place of redis://.")),
    ("LOADING", _simple("loading", "Redis at {place} is loading its data.", "Wait.")),
    ("max number of clients", _simple("clients",
        "Redis at {place} has as many clients as it takes.", "Raise its `maxclients`.")),
    ("DB index|SELECT is not allowed|value is out of range", _simple("database",
        "Redis at {place} has no database of the number in REDIS_URL.",
        "Write a lower number, or none.")),
    ("OOM|used memory", _simple("memory", "The memory of Redis at {place} is full.",
        "Raise its `maxmemory`, and set `maxmemory-policy volatile-lru`.")),
    ("MISCONF|stop-writes", _simple("disk", "Redis at {place} cannot write its file.",
        "Look into its log; its disk may be full.")),
    ("MOVED|CROSSSLOT|CLUSTERDOWN", lambda address: cluster(address.place)),
    ("read.?only replica|is a replica|READONLY", lambda address: replica(address.place)),
    ("unknown command", _simple("unknown command",
        "Redis at {place} lacks a command: it is too old, or the command is renamed there.",
        f"Use version {'.'.join(map(str, MIN_VERSION))} or newer, without `rename-command`.")),
]  # fmt: skip
