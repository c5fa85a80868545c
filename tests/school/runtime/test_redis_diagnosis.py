"""Sentences about each thing that may be wrong with a Redis server."""

import re
import socket
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from school.runtime.embedded_redis import free_port
from school.runtime.redis_diagnosis import CONNECTION_COMMANDS, TRIALS, diagnose
from school.runtime.redis_problems import explain
from tests.support.redis_servers import (
    Certificates,
    SentinelGroup,
    start_server,
    tls_proxy,
)

RIGHTS = " ".join(f"+{name}" for name in (*CONNECTION_COMMANDS, *TRIALS))
USERS = [
    "user default on >secret ~* &* +@all",
    "user lim on >lim ~* &* +@all -@dangerous",
    f"user least on >least ~* &* -@all {RIGHTS}",
    "user unable on >unable ~* &* +@all -xadd -evalsha",
    "user deaf on >deaf ~* resetchannels +@all",
    "user keyless on >keyless ~other:* &* +@all",
]
PROBLEMS = {
    "redis://127.0.0.1:{port}": ("wants a password", "redis://:password@host"),
    "redis://:wrong@127.0.0.1:{port}": ("does not accept the password of the user default", "REDIS_URL"),
    "redis://nobody:wrong@127.0.0.1:{port}": ("password of the user nobody", "REDIS_URL"),
    "redis://:secret@127.0.0.1:{port}/99": ("has no database of the number", "lower number"),
    "redis://unable:unable@127.0.0.1:{port}": ("The Redis user unable may not run xadd, evalsha", "ACL SETUSER unable +xadd +evalsha"),
    "redis://deaf:deaf@127.0.0.1:{port}": ("may not use the channels", "&*"),
    "redis://keyless:keyless@127.0.0.1:{port}": ("may not use the keys", "~*"),
    "redis://127.0.0.1:{closed}": ("No server listens at 127.0.0.1:{closed}", "Start Redis"),
    "redis://name.invalid": ("The host name in name.invalid:6379 is not known", "DNS"),
    "unix:///nonexistent/redis.sock": ("There is no socket /nonexistent/redis.sock", "`unixsocket`"),
    "rediss://:secret@localhost:{tls_port}": ("is not signed by an authority in", "ssl_ca_certs"),
    "rediss://:secret@127.0.0.1:{tls_port}?ssl_ca_certs={authority}": ("is for another name", "ssl_check_hostname"),
    "rediss://localhost:{tls_port}?ssl_ca_certs=/nonexistent": ("has ssl_ca_certs=/nonexistent, which does not exist", "mounted"),
    "redis://127.0.0.1:{tls_port}": ("ends the connection", "rediss://"),
    "redis://127.0.0.1:{sentinel_port}": ("is a Sentinel", "sentinel://"),
    "sentinel://127.0.0.1:{sentinel_port}/other": ("names a primary of the service other", "SENTINEL MASTERS"),
    "sentinel://127.0.0.1:{port}/service": ("None of the Sentinels 127.0.0.1:{port} names a primary", "?sentinel_password="),
    "redis://127.0.0.1:{replica_port}": ("is a replica and takes no writes", "Sentinel"),
    "redis://127.0.0.1:{full_port}": ("The memory of Redis", "maxmemory"),
    "redis://u:p@127.0.0.1:{full_port}": ("password of the user u", "REDIS_URL"),
    "redis://127.0.0.1:{cluster_port}": ("part of a Redis Cluster", "Sentinel"),
    "redis://127.0.0.1:{renamed_port}": ("lacks a command", "rename-command"),
    "redis://127.0.0.1:{silent_port}": ("does not answer in time", "firewall"),
}  # fmt: skip


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack, socket.create_server(("127.0.0.1", 0)) as silent:
        start = stack.enter_context
        port = start(start_server(folder / "server", *USERS))
        certificates = Certificates(folder / "certificates")
        group = start(SentinelGroup(folder / "group"))
        yield {
            "port": port,
            "closed": free_port(),
            "tls_port": start(tls_proxy(port, certificates)),
            "authority": certificates.authority,
            "sentinel_port": group.sentinel_port,
            "sentinel_url": group.url(),
            "replica_port": group.ports[1],
            "full_port": start(start_server(folder / "full", "maxmemory 1mb")),
            "cluster_port": start(start_server(folder / "cluster", "cluster-enabled yes", f"cluster-port {free_port()}")),
            "renamed_port": start(start_server(folder / "renamed", 'rename-command XADD ""')),
            "silent_port": silent.getsockname()[1],
        }  # fmt: skip


@pytest.mark.guarantee(
    "What is wrong with Redis is logged in a sentence that says how to mend it."
)
@pytest.mark.parametrize("url", PROBLEMS)
def test_problem_is_named_with_its_remedy_and_without_password(url, places):
    problem = diagnose(url.format(**places))

    reason, remedy = (text.format(**places) for text in PROBLEMS[url])
    assert reason in problem.reason
    assert remedy in problem.remedy
    assert "secret" not in str(problem)


def test_missing_file_of_ssl_cert_file_is_named(places, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent/ca.pem")

    problem = diagnose("rediss://:secret@localhost:{tls_port}".format(**places))

    assert "(the file SSL_CERT_FILE does not exist)" in problem.reason


def test_certificate_of_tomorrow_is_named(tmp_path):
    days = (timedelta(days=1), timedelta(days=2))
    certificates = Certificates(tmp_path / "certificates", validity=days)
    with (
        start_server(tmp_path / "server") as port,
        tls_proxy(port, certificates) as tls_port,
    ):
        ca = certificates.authority
        problem = diagnose(f"rediss://localhost:{tls_port}?ssl_ca_certs={ca}")

    assert problem.reason.startswith(
        f"The certificate of localhost:{tls_port} is not valid yet."
    )


@pytest.mark.parametrize(
    "url",
    [
        "redis://:secret@127.0.0.1:{port}",
        "redis://lim:lim@127.0.0.1:{port}",
        "redis://least:least@127.0.0.1:{port}/1",
        "rediss://:secret@localhost:{tls_port}?ssl_ca_certs={authority}",
        "{sentinel_url}",
    ],
)
def test_usable_server_has_no_problem(url, places):
    assert diagnose(url.format(**places)) is None


def test_documented_rights_are_those_that_are_tried():
    page = (Path(__file__).parents[3] / "docs/operations.md").read_text()
    [rights] = re.findall(
        r"ACL SETUSER reports .* -@all ((?:(?:\\|\+[\w|]+)\s+)+)", page
    )

    commands = {word[1:] for word in rights.split() if word != "\\"}
    assert commands == {*CONNECTION_COMMANDS, *TRIALS}


@pytest.mark.parametrize("number", ["5.0.14", "6.0.16", "6.1"])
def test_old_version_is_named(number, places, monkeypatch):
    monkeypatch.setattr(
        "school.runtime.redis_diagnosis._read_hello", lambda client: {"version": number}
    )

    problem = diagnose("redis://:secret@127.0.0.1:{port}".format(**places))

    assert f"is Redis {number}" in problem.reason
    assert "6.2 or newer" in problem.remedy


def test_unknown_errors_differ_by_their_text_but_not_by_numbers():
    first, second, other = (
        explain(ValueError(text), "redis://host")
        for text in ("odd at port 12", "odd at port 345", "strange")
    )

    assert first.kind == second.kind != other.kind
    assert first.reason == "Redis at host:6379 fails: odd at port 12"
