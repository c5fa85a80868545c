"""The web process behind a proxy with TLS: redirects, HSTS, cookies and trusted headers."""

import http.client
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.stack import Stack

pytestmark = pytest.mark.one_database("the transport does not depend on the database")

PUBLIC_URL = "https://reports.example.org"
HOST = {"Host": "reports.example.org"}
BY_HTTPS = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
BY_HTTP = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "http"}
YEAR_SECONDS = 365 * 24 * 60 * 60

Send = Callable[..., Any]


def send(
    base_url: str, method: str, path: str, headers: dict[str, str], body: str = ""
) -> Any:
    """Send the request without following redirects; return the response with its body."""
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=10)
    connection.request(method, path, body, headers)
    response: Any = connection.getresponse()
    response.body = response.read()
    connection.close()
    return response


def form_headers(form: Any) -> dict[str, str]:
    """Return the headers that a browser sends with the log-in form of the admin."""
    return {
        "Cookie": form.headers["Set-Cookie"].partition(";")[0],
        "Content-Type": "application/x-www-form-urlencoded",
    }


def login_form(form: Any) -> str:
    token = re.search(rb'csrfmiddlewaretoken" value="(\w+)"', form.body)[1].decode()
    return f"csrfmiddlewaretoken={token}&username=admin&password=demo"


@pytest.fixture(scope="module")
def behind_proxy(stack: Stack, tmp_path_factory) -> Iterator[Send]:
    variables = {"PUBLIC_URL": PUBLIC_URL, "TRUSTED_PROXIES": "1"}
    with stack.second_web(tmp_path_factory.mktemp("web"), **variables) as base_url:
        yield partial(send, base_url)


@pytest.fixture(scope="module")
def without_proxy(stack: Stack, tmp_path_factory) -> Iterator[Send]:
    variables = {"PUBLIC_URL": PUBLIC_URL, "TRUSTED_PROXIES": "0"}
    with stack.second_web(tmp_path_factory.mktemp("web"), **variables) as base_url:
        yield partial(send, base_url)


@pytest.mark.guarantee("Plain HTTP is redirected to HTTPS where PUBLIC_URL is HTTPS.")
@pytest.mark.parametrize(
    ("method", "status"), [("GET", 301), ("HEAD", 301), ("POST", 308), ("DELETE", 308)]
)
def test_plain_request_through_proxy_is_redirected(behind_proxy, method, status):
    headers = {"Host": "localhost", **BY_HTTP}

    response = behind_proxy(method, "/tasks?limit=5", headers)

    assert response.status == status
    assert response.headers["Location"] == f"{PUBLIC_URL}/tasks?limit=5"
    assert "Strict-Transport-Security" not in response.headers


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/healthz/"])
def test_plain_probe_through_proxy_is_answered(behind_proxy, path):
    assert behind_proxy("GET", path, {**HOST, **BY_HTTP}).status == 200


def test_plain_request_from_this_host_is_answered(behind_proxy):
    assert behind_proxy("GET", "/reports", {}).status == 401


@pytest.mark.guarantee("Plain HTTP is redirected to HTTPS where PUBLIC_URL is HTTPS.")
def test_https_response_makes_browsers_keep_to_https(behind_proxy):
    response = behind_proxy("GET", "/docs", {**HOST, **BY_HTTPS})

    assert response.status == 200
    assert response.headers["Strict-Transport-Security"] == f"max-age={YEAR_SECONDS}"


def test_https_log_in_to_admin_sets_secure_cookies_only(behind_proxy):
    form = behind_proxy("GET", "/admin/login/", {**HOST, **BY_HTTPS})
    headers = {**form_headers(form), **HOST, **BY_HTTPS, "Origin": PUBLIC_URL}

    response = behind_proxy("POST", "/admin/login/", headers, login_form(form))

    cookies = [
        cookie
        for answer in (form, response)
        for cookie in answer.headers.get_all("Set-Cookie")
    ]
    assert response.status == 302
    assert {cookie.partition("=")[0] for cookie in cookies} == {
        "csrftoken",
        "sessionid",
    }
    assert all("; Secure" in cookie for cookie in cookies)


@pytest.mark.guarantee(
    "The scheme that a proxy reports counts only with TRUSTED_PROXIES."
)
def test_forwarded_scheme_without_trusted_proxy_is_ignored(without_proxy):
    response = without_proxy("GET", "/docs", {**HOST, **BY_HTTPS})

    assert response.status == 301
    assert "Strict-Transport-Security" not in response.headers


# gunicorn itself believes such headers of any client on this host, unless told not to.


@pytest.mark.guarantee(
    "The scheme that a proxy reports counts only with TRUSTED_PROXIES."
)
def test_forwarded_scheme_without_public_url_is_ignored(stack: Stack):
    form = send(stack.base_url, "GET", "/admin/login/", BY_HTTPS)
    headers = {**form_headers(form), **BY_HTTPS, "Origin": stack.base_url}

    response = send(stack.base_url, "POST", "/admin/login/", headers, login_form(form))

    assert (
        response.status == 302
    )  # 403 if the origin had another scheme than the request


def test_path_prefix_that_client_sends_is_ignored(stack: Stack):
    response = send(stack.base_url, "GET", "/admin/", {"Script_Name": "/elsewhere"})

    assert response.headers["Location"] == "/admin/login/?next=/admin/"
