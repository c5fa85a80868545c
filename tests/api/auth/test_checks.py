from datetime import timedelta

import pytest
from django.core.checks import run_checks


def check_ids() -> list[str]:
    return [message.id for message in run_checks() if message.id.startswith("api.")]


def test_checks_of_default_settings_pass():
    assert check_ids() == []


@pytest.mark.guarantee("Unsafe token settings prevent the start.")
@pytest.mark.parametrize(
    ("name", "value", "id"),
    [
        ("JWT_SIGNING_KEY", "x" * 31, "api.E002"),
        ("JWT_FALLBACK_KEYS", ["x" * 32, "x" * 31], "api.E002"),
        ("REFRESH_TOKEN_LIFETIME", timedelta(days=15), "api.E004"),
        ("SESSION_MAX_LIFETIME", timedelta(0), "api.E009"),
        ("ACCESS_TOKEN_LIFETIME", timedelta(hours=25), "api.W001"),
    ],
)
def test_check_of_unsafe_token_setting_fails(settings, name, value, id):
    setattr(settings, name, value)

    assert check_ids() == [id]


@pytest.mark.parametrize(
    ("name", "as_value"),
    [
        ("SECRET_KEY", str),
        ("SECRET_KEY_FALLBACKS", lambda key: [key]),
    ],
)
def test_check_of_shared_signing_key_fails(settings, name, as_value):
    setattr(settings, name, as_value(settings.JWT_SIGNING_KEY))

    assert check_ids() == ["api.E003"]


def test_check_of_fallback_key_equal_to_secret_key_fails(settings):
    settings.JWT_FALLBACK_KEYS = [settings.SECRET_KEY]

    assert check_ids() == ["api.E003"]


@pytest.mark.parametrize("name", ["LOGIN_ATTEMPTS_PER_IP", "LOGIN_FAILURES_PER_USER"])
def test_check_of_zero_login_attempts_fails(settings, name):
    setattr(settings, name, 0)

    assert check_ids() == ["api.E008"]


def test_check_of_long_token_lifetime_in_debug_passes(settings):
    settings.ACCESS_TOKEN_LIFETIME = timedelta(hours=25)
    settings.DEBUG = True

    assert check_ids() == []
