"""Reasons why a database cannot be used, each with its remedy, from the errors of the drivers."""

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Diagnosis:
    reason: str
    remedy: str
    is_permanent: bool = False
    """True if it lasts until somebody changes the address, a setting or a right."""
    is_outage: bool = False
    """True if the database does not answer now, and may do so later."""

    @property
    def kind(self) -> str:
        """Return the remedy, since a reason may have numbers that differ each time."""
        return self.remedy

    def __str__(self) -> str:
        return f"{self.reason} {self.remedy}"


@dataclass(frozen=True)
class _Rule:
    pattern: str
    """Regular expression for the message, ignoring case."""
    remedy: str
    is_permanent: bool = False
    reason: str = ""
    """Text in place of the message."""


# The first match counts. Messages of libpq, PostgreSQL, PgBouncer, the pool and SQLite; they
# have no other code, since libpq does not pass on that of a refused connection.
_RULES = (
    _Rule(
        "unsupported startup parameter",
        "A pooler such as PgBouncer takes no such parameter: leave it out of DATABASE_URL, "
        "and set it for the user instead: ALTER ROLE ... SET name = value.",
        True,
    ),
    _Rule(
        "statement pooling mode",
        "The service needs transactions: set pool_mode = transaction or session in PgBouncer.",
        True,
    ),
    _Rule(
        "query_wait_timeout",
        "The pooler had no free connection: raise default_pool_size in PgBouncer, or lower "
        "DATABASE_POOL.",
    ),
    _Rule(
        "too many clients|too many connections|connection slots|no more connections allowed",
        "Raise max_connections of PostgreSQL or max_client_conn of PgBouncer, or lower "
        "DATABASE_POOL.",
    ),
    _Rule(
        "server login (has been failing|failed)|cannot connect to server",
        "The pooler answers, but cannot log in to PostgreSQL: see the pooler's log.",
    ),
    _Rule(
        "system is (starting up|shutting down|in recovery)|not yet accepting connections",
        "PostgreSQL starts or stops; if this lasts, its log says why.",
    ),
    _Rule(
        r"no pg_hba\.conf entry|pg_hba\.conf rejects",
        "Let this user in from this host in pg_hba.conf; if the reason says 'no "
        "encryption', try ?sslmode=require in DATABASE_URL.",
        True,
    ),
    _Rule(
        'database ".*" does not exist|no such database',
        "Create the database, or correct the name at the end of DATABASE_URL.",
        True,
    ),
    _Rule(
        'authentication failed|no password supplied|no such user|role ".*" does not exist'
        "|auth failed|not permitted to log in",
        'Correct user and password in DATABASE_URL (write %25 for "%" in them).',
        True,
    ),
    _Rule(
        "permission denied for database",
        "GRANT CONNECT ON DATABASE ... TO the user.",
        True,
    ),
    _Rule(
        "permission denied for (table|schema|sequence)",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ... TO the user, and "
        "USAGE on the schema and its sequences.",
        True,
    ),
    _Rule(
        "read-only transaction",
        "The server is a standby, or its provider or a role has made it read only: let "
        "DATABASE_URL name the primary, or all hosts and ?target_session_attrs=read-write.",
    ),
    _Rule(
        "server does not support SSL",
        "Switch TLS on in the server, or leave sslmode out of DATABASE_URL.",
        True,
    ),
    _Rule("SSL required", "Add ?sslmode=require to DATABASE_URL.", True),
    _Rule("weak sslmode", "Write sslmode=verify-full in DATABASE_URL.", True),
    _Rule(
        "channel binding",
        "Leave channel_binding out of DATABASE_URL, or let the server offer SCRAM over TLS.",
        True,
    ),
    _Rule(
        "certificate|sslrootcert|private key file|no start line|signature failure",
        "Name the file of the authority that signed the server's certificate in DATABASE_URL "
        "(?sslrootcert=/path/ca.pem; sslrootcert=system for a public authority), and the host "
        "as the certificate names it.",
        True,
    ),
    _Rule(
        r"(invalid|bad) (\w+ )?value|invalid connection option|invalid integer|invalid port"
        "|unrecognized configuration parameter|definition of service"
        "|invalid command-line argument|permission denied to set"
        "|authentication method requirement",
        "Correct this parameter in DATABASE_URL.",
        True,
    ),
    _Rule(
        "translate host name|name or service not known|name resolution|no address associated",
        "Correct the host in DATABASE_URL, or the name server.",
    ),
    _Rule(
        "connection refused|no such file or directory",
        "Start PostgreSQL, or correct host and port in DATABASE_URL.",
    ),
    _Rule(
        "connection timeout|timeout expired.*connect|no route to host|unreachable|timed out",
        "Let this host through the firewall, or correct host and port in DATABASE_URL.",
    ),
    _Rule(
        "session is (read-only|not read-only|not in hot standby)",
        "No host of DATABASE_URL is what target_session_attrs asks for.",
    ),
    _Rule(
        "wait timeout expired",
        "It is frozen, overloaded or locked (pg_stat_activity), or a pooler had no free "
        "connection (SHOW POOLS).",
        reason="The database has not answered in time.",
    ),
    _Rule(
        "couldn't get a connection",
        "All connections of this process are in use: raise DATABASE_POOL, or see which "
        "statements take long (pg_stat_activity).",
    ),
    _Rule(
        "closed the connection|terminating connection|connection is (lost|closed|bad)|EOF"
        "|connection reset|broken pipe|connection already closed|could not receive data",
        "PostgreSQL or a pooler has ended the connection: the log of the server says why.",
    ),
    _Rule(
        "unable to open database file|not a database|malformed",
        "Let DATABASE_URL (or VAR_DIR) name a SQLite file that this user may open, in a "
        "folder that exists; restore a damaged file from its backup.",
        True,
    ),
    _Rule(
        "readonly database",
        "Let this user write the SQLite file and its folder.",
        True,
    ),
    _Rule(
        "disk is full|no space left",
        "Make room on the disk of the database.",
    ),
    _Rule(
        "database is locked",
        "Another process has kept the lock of the SQLite file: end it, or use PostgreSQL.",
    ),
    _Rule("disk i/o error", "The disk of the SQLite file fails: see the system's log."),
)
_UNKNOWN = _Rule("", "The log of the database may say more.")


def diagnose(error: Exception) -> Diagnosis:
    """Return the diagnosis of an error that a driver raised; it shows no password."""
    reason = " ".join(str(error).split()) or type(error).__name__
    rule = next((r for r in _RULES if re.search(r.pattern, reason, re.I)), _UNKNOWN)
    return Diagnosis(
        rule.reason or _sentence(reason),
        rule.remedy,
        is_permanent=rule.is_permanent,
        is_outage=not rule.is_permanent,
    )


def describe_address(config: dict[str, Any]) -> str:
    """Return the address of a Django database without password and options."""
    if config["ENGINE"].endswith("sqlite3"):
        return f"sqlite:///{config['NAME']}"
    host, port = config["HOST"] or "(default host)", config["PORT"]
    return f"postgresql://{config['USER']}@{host}{f':{port}' if port else ''}/{config['NAME']}"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
