"""Clients of real servers: by TCP, TLS, sockets, users and Sentinel."""

import subprocess
import sys
import time

import pytest
import redis

from school.runtime.redis_connections import connection_options
from tests.support.redis_servers import (
    Certificates,
    SentinelGroup,
    start_server,
    tls_proxy,
    wait_until,
)

PASSWORD = "p@/s:;+#?%&ã"
ENCODED = "p%40%2Fs%3A%3B%2B%23%3F%25%26%C3%A3"
DATABASE_NUMBER = 3


def connect(url: str) -> redis.Redis:
    options = connection_options(url, timeout=1, connect_timeout=1)
    return redis.Redis.from_pool(redis.ConnectionPool(**options))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="module")
def port(folder):
    lines = [f'requirepass "{PASSWORD}"', f"unixsocket {folder}/redis.sock"]
    with start_server(
        folder / "server", *lines, "user lim on >lim ~* &* +@all"
    ) as value:
        yield value


@pytest.fixture(scope="module")
def certificates(folder):
    return Certificates(folder / "certificates")


@pytest.fixture(scope="module")
def tls_port(port, certificates):
    with tls_proxy(port, certificates) as value:
        yield value


@pytest.mark.parametrize("password", [PASSWORD, ENCODED])
@pytest.mark.parametrize(
    "form",
    [
        "redis://:{password}@127.0.0.1:{port}/3",
        "redis://default:{password}@localhost:{port}?db=3",
        "unix://:{password}@{folder}/redis.sock?db=3",
        "redis+socket://:{password}@{folder}/redis.sock?virtual_host=3",
        "rediss://:{password}@localhost:{tls_port}/3?ssl_ca_certs={authority}",
        "rediss://:{password}@127.0.0.1:{tls_port}/3?ssl_ca_certs={authority}&ssl_check_hostname=false",
        "rediss://:{password}@127.0.0.1:{tls_port}/3?ssl_cert_reqs=none",
        "rediss://:{password}@127.0.0.1:{tls_port}/3?ssl_cert_reqs=CERT_NONE",
        "rediss://:{password}@localhost:{tls_port}/3?ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs={authority}",
    ],
)
def test_each_form_reaches_the_database(
    form, password, folder, port, tls_port, certificates
):
    url = form.format(
        password=password, folder=folder, port=port, tls_port=tls_port,
        authority=certificates.authority,
    )  # fmt: skip
    with connect(url) as client:
        client.set("written by", url)

    with redis.Redis(port=port, password=PASSWORD, db=DATABASE_NUMBER) as reader:
        assert reader.get("written by").decode() == url


@pytest.mark.guarantee(
    "The certificate of Redis is checked unless the address says otherwise."
)
@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("localhost:{port}", "unable to get local issuer|self-signed"),
        ("127.0.0.1:{port}/0?ssl_ca_certs={authority}", "IP address mismatch"),
    ],
)
def test_wrong_certificate_is_refused(place, reason, tls_port, certificates):
    place = place.format(port=tls_port, authority=certificates.authority)

    with (
        pytest.raises(redis.ConnectionError, match=reason),
        connect(f"rediss://{place}") as client,
    ):
        client.ping()


@pytest.mark.parametrize("is_trusted", [True, False])
def test_ssl_cert_file_is_the_store(is_trusted, tls_port, certificates, tmp_path):
    """OpenSSL reads the variable once, so another process has to."""
    code = f"""
import redis
from school.runtime.redis_connections import connection_options
options = connection_options("rediss://:{ENCODED}@localhost:{tls_port}", timeout=5, connect_timeout=5)
with redis.Redis.from_pool(redis.ConnectionPool(**options)) as client:
    print(client.ping())
"""
    store = certificates.authority if is_trusted else Certificates(tmp_path).authority
    process = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": "/usr/bin:/bin", "SSL_CERT_FILE": str(store)},
        capture_output=True,
        text=True,
    )

    assert (process.stdout.strip() == "True") == is_trusted
    assert ("CERTIFICATE_VERIFY_FAILED" in process.stderr) != is_trusted


def test_client_of_sentinel_follows_the_primary(tmp_path):
    with (
        SentinelGroup(tmp_path, password="secret") as group,
        connect(group.url(":secret@", "?db=3")) as client,
    ):
        client.set("key", 1)
        wait_until(lambda: client.wait(1, 100) == 1)  # the replica has it

        group.fail_over()

        assert wait_for_answer(lambda: client.get("key")) == b"1"
        assert client.connection_pool.get_connection().port == group.ports[1]


def test_replica_counts_as_broken_connection(tmp_path):
    with (
        SentinelGroup(tmp_path) as group,
        connect(f"redis://127.0.0.1:{group.ports[0]}") as client,
    ):
        client.set("key", 1)
        client.replicaof("127.0.0.1", group.ports[1])

        with pytest.raises(redis.ConnectionError, match="The server is a replica"):
            client.set("key", 2)

        with pytest.raises(redis.ConnectionError, match="The server is a replica"):
            client.ping()  # by a new connection


def wait_for_answer(call):
    deadline = time.monotonic() + 10
    while True:
        try:
            return call()
        except redis.ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
