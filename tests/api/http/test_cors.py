import pytest
from django.core.exceptions import ImproperlyConfigured

from api.http import cors


@pytest.mark.parametrize(
    "origin",
    [
        "https://school.example", "http://localhost:5173", "http://127.0.0.1:8000",
        "https://[::1]:8443", "https://xn--escola-4va.example",
    ],
)  # fmt: skip
def test_origin_in_browser_form_is_accepted(origin):
    assert cors.validate_origins("NAME", [origin]) == [origin]


@pytest.mark.guarantee("Only pages of configured origins may call the API.")
@pytest.mark.parametrize(
    "origin",
    [
        "*", "null", "school.example", "https://school.example/", "https://School.example",
        "https://school.example:443", "https://school.example/page", "https://*.example",
        "ftp://school.example", "https://", "http://[::1", "http://localhost:port",
        "https://user@school.example",
    ],
)  # fmt: skip
def test_origin_in_other_form_is_refused_by_name(origin):
    with pytest.raises(ImproperlyConfigured, match="NAME must list origins"):
        cors.validate_origins("NAME", ["https://fine.example", origin])
