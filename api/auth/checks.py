"""System checks of the token and login settings."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

MIN_KEY_BYTES = 32
REFRESH_TOKEN_LIFETIME = timedelta(days=14)
MAX_ACCESS_TOKEN_LIFETIME = timedelta(hours=24)


@register
def check_tokens(**_: Any) -> list[CheckMessage]:
    return [*_errors(settings.SIMPLE_JWT), *_warnings(settings.SIMPLE_JWT)]


def _errors(jwt: dict[str, Any]) -> Iterator[Error]:
    for id, is_ok, message in _requirements(jwt):
        if not is_ok:
            yield Error(message, id=id)


def _requirements(jwt: dict[str, Any]) -> Iterator[tuple[str, bool, str]]:
    key, apps = jwt["SIGNING_KEY"], settings.INSTALLED_APPS
    # Without it the library silently accepts used refresh tokens.
    has_blacklist = "rest_framework_simplejwt.token_blacklist" in apps
    yield (
        "api.E001",
        has_blacklist,
        "Refresh tokens can only be revoked with token_blacklist in INSTALLED_APPS.",
    )
    is_long = len(key.encode()) >= MIN_KEY_BYTES
    yield "api.E002", is_long, f"JWT_SIGNING_KEY needs {MIN_KEY_BYTES} bytes or more."
    is_own = key != settings.SECRET_KEY
    yield "api.E003", is_own, "JWT_SIGNING_KEY and SECRET_KEY must differ."
    is_14_days = jwt["REFRESH_TOKEN_LIFETIME"] == REFRESH_TOKEN_LIFETIME
    yield "api.E004", is_14_days, "REFRESH_TOKEN_LIFETIME must be 14 days."
    rotates = jwt["ROTATE_REFRESH_TOKENS"] and jwt["BLACKLIST_AFTER_ROTATION"]
    yield (
        "api.E005",
        rotates,
        "Refresh tokens must be rotated and blacklisted after their use.",
    )
    # It puts a digest of the password hash into every token.
    is_hash_free = not jwt.get("CHECK_REVOKE_TOKEN")
    yield "api.E006", is_hash_free, "CHECK_REVOKE_TOKEN must be off."
    is_flushed = "flushexpiredtokens" in settings.HOUSEKEEPING_COMMANDS
    yield (
        "api.E007",
        is_flushed,
        "HOUSEKEEPING_COMMANDS must contain flushexpiredtokens.",
    )
    allows_logins = (
        settings.LOGIN_ATTEMPTS_PER_IP > 0 and settings.LOGIN_FAILURES_PER_USER > 0
    )
    yield (
        "api.E008",
        allows_logins,
        "LOGIN_ATTEMPTS_PER_IP and LOGIN_FAILURES_PER_USER must be positive.",
    )


def _warnings(jwt: dict[str, Any]) -> Iterator[Warning]:
    if jwt["ACCESS_TOKEN_LIFETIME"] > MAX_ACCESS_TOKEN_LIFETIME and not settings.DEBUG:
        yield Warning(
            "Access tokens live longer than a day and cannot be revoked.",
            hint="Lower ACCESS_TOKEN_MINUTES; clients can refresh their tokens.",
            id="api.W001",
        )
