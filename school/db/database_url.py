"""Address of the database, as in `DATABASE_URL`: what psql connects to with it, Django does too."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import environ
import psycopg
from psycopg.conninfo import conninfo_to_dict

EXAMPLES = "sqlite:///path or postgresql://user:password@host/name"
_POSTGRESQL_SCHEMES = {"postgresql", "postgres", "pgsql", "psql"}
# A password that was pasted as it is, with characters that end it in a URL.
_PASTED_PASSWORD = re.compile(r"(?P<user>[^:@/?]*):(?P<password>.*)@(?P<rest>[^@]*)")
_SERVER_PARAMETER = re.compile(r"(?:-c\s*|--)([\w.-]+)=((?:\\.|[^\\\s])*)")
_UNSAFE = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9%._~!$&'()*+,;=:-]")


class InvalidDatabaseUrl(ValueError):
    """The URL names no database; the message never shows the password."""


def parse_database_url(url: str) -> dict[str, Any]:
    """Return the Django database of the URL, with the options that stand in it.

    libpq itself parses a PostgreSQL URL, so that several hosts, sockets, services and all of
    its parameters mean what they mean elsewhere.
    """
    scheme, separator, rest = url.partition("://")
    if scheme == "sqlite" and separator:
        return _sqlite(url)
    if scheme not in _POSTGRESQL_SCHEMES or not separator:
        raise InvalidDatabaseUrl(f"must be {EXAMPLES}.")
    parameters = _parse(rest)
    if not {"dbname", "service"} & parameters.keys():
        raise InvalidDatabaseUrl(f"names no database: write {EXAMPLES}.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parameters.pop("dbname", ""),
        "USER": parameters.pop("user", ""),
        "PASSWORD": parameters.pop("password", ""),
        "HOST": parameters.pop("host", ""),
        "PORT": parameters.pop("port", ""),
        "OPTIONS": parameters,
    }


def _sqlite(url: str) -> dict[str, Any]:
    config = dict(environ.Env.db_url_config(url))
    if config.get("OPTIONS"):
        raise InvalidDatabaseUrl(
            "has parameters, which the URL of a SQLite file lacks."
        )
    if config["NAME"] in ("", ":memory:"):
        # Each process would have a database of its own.
        raise InvalidDatabaseUrl("names no file: write sqlite:///path.")
    return config


def _parse(rest: str) -> dict[str, str]:
    """Return the parameters of a URL without its scheme."""
    try:
        return _parse_strictly(rest)
    except InvalidDatabaseUrl:
        pasted = _PASTED_PASSWORD.fullmatch(rest)
        if pasted is None:
            raise
        password = _UNSAFE.sub(lambda m: quote(m[0], safe=""), pasted["password"])
        return _parse_strictly(f"{pasted['user']}:{password}@{pasted['rest']}")


def _parse_strictly(rest: str) -> dict[str, str]:
    try:
        found = conninfo_to_dict(f"postgresql://{_quote_values(rest)}")
    except psycopg.ProgrammingError as error:
        raise InvalidDatabaseUrl(_describe(str(error))) from None
    parameters = {name: str(value) for name, value in found.items()}
    if "@" in parameters.get("host", "") or "@" in parameters.get("dbname", ""):
        raise InvalidDatabaseUrl(
            "has an '@' in the host or in the name: write %40 for it in the password."
        )
    if not re.fullmatch(r"[0-9,]*", parameters.get("port", "")):
        raise InvalidDatabaseUrl("has a port that is no number.")
    return parameters


def _quote_values(rest: str) -> str:
    """Quote "=" in the parameters' values, as in `?options=-c%20search_path=x`."""
    head, mark, query = rest.rpartition("?")
    pairs = [pair.partition("=") for pair in query.split("&")]
    quoted = [name + sign + value.replace("=", "%3D") for name, sign, value in pairs]
    return f"{head}?{'&'.join(quoted)}" if mark else rest


def _describe(message: str) -> str:
    """Return what libpq found wrong; of its quotes only the name of a parameter is shown."""
    if unknown := re.search(r'query parameter: "(\w+)"', message):
        return (
            f"has the parameter {unknown[1]!r}, which libpq does not know or which has no "
            "value: leave it out."
        )
    return (
        'is no URL that libpq can read: write %25 for "%" in user and password, and [...] '
        "around an IPv6 address."
    )


def session_parameters(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters of the server that the address sets: `-c name=value` in `options`."""
    found = _SERVER_PARAMETER.findall(str(options.get("options", "")))
    return {
        name.replace("-", "_").lower(): re.sub(r"\\(.)", r"\1", value)
        for name, value in found
    }
