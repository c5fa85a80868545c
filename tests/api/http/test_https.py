import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from api.http.https import HttpsRedirectMiddleware


@pytest.fixture(autouse=True)
def https_settings(settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.PUBLIC_URL = "https://example.org/reports"


def get_status(address: str, **headers: str) -> int:
    request = RequestFactory().get("/tasks", REMOTE_ADDR=address, headers=headers)
    return HttpsRedirectMiddleware(lambda _: HttpResponse())(request).status_code


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]
)
def test_direct_request_of_loopback_address_is_answered(address):
    assert get_status(address) == 200


@pytest.mark.parametrize(
    "address", ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", ""]
)
def test_direct_request_of_other_address_is_redirected(address):
    assert get_status(address) == 301


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "Forwarded",
        "Via",
        "X-Real-IP",
    ],
)
def test_request_of_proxy_on_loopback_is_redirected(header):
    assert get_status("127.0.0.1", **{header: "x"}) == 301


def test_redirect_keeps_prefix_of_public_url():
    request = RequestFactory().get("/tasks?limit=5", REMOTE_ADDR="192.0.2.1")

    response = HttpsRedirectMiddleware(lambda _: HttpResponse())(request)

    assert response["Location"] == "https://example.org/reports/tasks?limit=5"
