from datetime import timedelta

import pytest
from django.core.checks import run_checks

BLACKLIST = "rest_framework_simplejwt.token_blacklist"


def check_ids() -> list[str]:
    return [message.id for message in run_checks() if message.id.startswith("api.")]


def test_checks_of_default_settings_pass():
    assert check_ids() == []


@pytest.mark.guarantee("Unsafe token settings prevent the start.")
@pytest.mark.parametrize(
    ("jwt", "id"),
    [
        ({"SIGNING_KEY": "x" * 31}, "api.E002"),
        ({"REFRESH_TOKEN_LIFETIME": timedelta(days=15)}, "api.E004"),
        ({"ROTATE_REFRESH_TOKENS": False}, "api.E005"),
        ({"BLACKLIST_AFTER_ROTATION": False}, "api.E005"),
        ({"CHECK_REVOKE_TOKEN": True}, "api.E006"),
        ({"ACCESS_TOKEN_LIFETIME": timedelta(hours=25)}, "api.W001"),
    ],
)
def test_check_of_unsafe_token_setting_fails(settings, jwt, id):
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, **jwt}

    assert check_ids() == [id]


def test_check_without_token_blacklist_fails(settings):
    settings.INSTALLED_APPS = [a for a in settings.INSTALLED_APPS if a != BLACKLIST]

    assert check_ids() == ["api.E001"]


def test_check_of_shared_signing_key_fails(settings):
    settings.SECRET_KEY = settings.SIMPLE_JWT["SIGNING_KEY"]

    assert check_ids() == ["api.E003"]


def test_check_without_token_cleanup_fails(settings):
    settings.HOUSEKEEPING_COMMANDS = ["clearsessions"]

    assert check_ids() == ["api.E007"]


@pytest.mark.parametrize("name", ["LOGIN_ATTEMPTS_PER_IP", "LOGIN_FAILURES_PER_USER"])
def test_check_of_zero_login_attempts_fails(settings, name):
    setattr(settings, name, 0)

    assert check_ids() == ["api.E008"]


def test_check_of_long_token_lifetime_in_debug_passes(settings):
    lifetime = {"ACCESS_TOKEN_LIFETIME": timedelta(hours=25)}
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, **lifetime}
    settings.DEBUG = True

    assert check_ids() == []
