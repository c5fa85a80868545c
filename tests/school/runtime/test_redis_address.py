import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from school.runtime.redis_address import (
    AddressError,
    Kind,
    RedisAddress,
    parse,
    without_credentials,
)

CHARACTERS = string.printable + "ãé€ß😀"
PARSED = {
    "redis://host": RedisAddress(Kind.TCP, hosts=(("host", 6379),)),
    "redis://:6380/2": RedisAddress(Kind.TCP, hosts=(("127.0.0.1", 6380),), database=2),
    "redis://user:secret@[::1]:1/3": RedisAddress(
        Kind.TCP, username="user", password="secret", hosts=(("::1", 1),), database=3
    ),
    "valkeys://:p@host?ssl_cert_reqs=CERT_NONE&ssl_check_hostname=false": RedisAddress(
        Kind.TCP, is_tls=True, password="p", hosts=(("host", 6379),),
        options={"ssl_cert_reqs": "none", "ssl_check_hostname": False},
    ),
    "rediss://host/?ssl_cert_reqs=required&ssl_ca_certs=/a@b/ca%20x.pem": RedisAddress(
        Kind.TCP, is_tls=True, hosts=(("host", 6379),),
        options={"ssl_cert_reqs": "required", "ssl_ca_certs": "/a@b/ca x.pem"},
    ),
    "unix:///run/redis.sock?db=1": RedisAddress(Kind.SOCKET, path="/run/redis.sock", database=1),
    "redis+socket://user:p@/run/a@b.sock?virtual_host=2": RedisAddress(
        Kind.SOCKET, username="user", password="p", path="/run/a@b.sock", database=2
    ),
    "sentinel://:p@a:1,[::1],b/service": RedisAddress(
        Kind.SENTINEL, password="p", hosts=(("a", 1), ("::1", 26379), ("b", 26379)),
        service="service",
    ),
    "rediss+sentinel://a/service/4?sentinel_password=q%26": RedisAddress(
        Kind.SENTINEL, is_tls=True, hosts=(("a", 26379),), service="service", database=4,
        options={"sentinel_password": "q&"},
    ),
}  # fmt: skip
REFUSED = {
    "": "must begin with one of redis://",
    "http://host": "must begin with one of redis://",
    '"redis://host"': "must begin with one of redis://",
    "redis://127:0.0.1:6379/0": "has another form than redis://user:password@host:6379/0",
    "redis://host/zero": "has another form than redis://",
    "redis://a,b": "has another form than redis://",
    "redis://host:65536": "has the port 65536; the highest is 65535",
    "unix://run/redis.sock": "has another form than unix:///run/redis/redis.sock",
    "unix:///run/redis.sock?ssl=true": "a socket has no TLS",
    "sentinel://a:26379": "has another form than sentinel://",
    "sentinel://a:26379;sentinel://b:26379/service": "names Sentinels as Celery does; write them as",
    "sentinel://:secret@a;sentinel://:secret@b/s": "names Sentinels as Celery does; write them as",
    "redis://host?db=one": "has 'one' as the number of a database",
    "redis://host?ssl_cert_reqs=none": "needs an address with rediss://",
    "sentinel://a/s?ssl_ca_certs=/a": "needs ssl=true",
    "rediss://host?ssl_cert_reqs=never": "it may be required, optional, none",
    "rediss://host?ssl_check_hostname=maybe": "it may be true or false",
    "redis://host?socket_timeout=9": "has the option socket_timeout, which is not read",
    "redis://secret@host": "a password alone is written :password@",
}
PLACES = {
    "redis": "host:1/2", "rediss": "[::1]:1/2?ssl_ca_certs=/a@b", "unix": "/run/r.sock?db=1",
    "sentinel": "a:1,b:2/service/3",
}  # fmt: skip


@pytest.mark.parametrize("url", PARSED)
def test_address_is_parsed_and_written(url):
    assert parse(url) == PARSED[url]
    assert parse(PARSED[url].to_url()) == PARSED[url]


@pytest.mark.parametrize("url", REFUSED)
def test_unusable_address_is_refused_with_reason_and_without_password(url):
    with pytest.raises(AddressError) as refusal:
        parse(url)

    assert REFUSED[url] in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("scheme", PLACES)
@given(st.text(CHARACTERS, min_size=1), st.text(CHARACTERS, min_size=1))
def test_credentials_may_have_any_character(scheme, username, password):
    address = parse(f"{scheme}://{PLACES[scheme]}")
    expected = RedisAddress(
        **{**vars(address), "username": username, "password": password}
    )

    assert parse(expected.to_url()) == expected
    shown = without_credentials(expected.to_url())
    assert parse(shown) == RedisAddress(**{**vars(address), "options": {}})


@pytest.mark.parametrize("scheme", PLACES)
@pytest.mark.parametrize(
    "password", ["a/b", "a@b", "a?b", "a#b", "a:b", "50%", "[", ",;+& "]
)
def test_password_need_not_be_encoded(scheme, password):
    assert parse(f"{scheme}://user:{password}@{PLACES[scheme]}").password == password


def test_canonical_url_has_nothing_that_celery_splits():
    url = parse("redis+socket://a;b:c+d,e@/run/r.sock").to_url()

    assert url.startswith("unix://")
    assert not set(";+") & set(url)
