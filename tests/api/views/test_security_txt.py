"""The contact for security reports (RFC 9116) and the policies of HTML pages."""

from datetime import UTC, datetime, timedelta

import pytest

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("these pages read no database"),
]
PATH = "/.well-known/security.txt"


def test_security_txt_names_contacts_and_future_expiry(client, settings):
    settings.SECURITY_CONTACT = ["mailto:security@example.org", "tel:+55-92-1"]
    settings.PUBLIC_URL, settings.IS_HTTPS = "https://reports.example.org", True

    answer = client.get(PATH)

    fields = [line.split(": ") for line in answer.content.decode().splitlines()]
    expiry = datetime.fromisoformat(dict(fields)["Expires"])
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert [value for name, value in fields if name == "Contact"] == (
        settings.SECURITY_CONTACT
    )
    assert timedelta(0) < expiry - datetime.now(UTC) < timedelta(days=365)
    assert dict(fields)["Canonical"] == f"https://reports.example.org{PATH}"
    assert dict(fields)["Preferred-Languages"] == "pt, en"


def test_security_txt_over_plain_http_has_no_canonical_address(client, settings):
    settings.SECURITY_CONTACT = ["mailto:security@example.org"]

    assert "Canonical" not in client.get(PATH).content.decode()


def test_security_txt_without_contact_is_404(client):
    assert client.get(PATH).status_code == 404


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/problems", "/admin/login/"])
def test_html_page_has_restrictive_policies(client, path):
    answer = client.get(path)

    directives = [part.strip() for part in answer["Content-Security-Policy"].split(";")]
    assert {
        "base-uri 'none'",
        "default-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    } <= set(directives)
    assert "camera=()" in answer["Permissions-Policy"].split(", ")
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
