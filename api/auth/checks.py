"""System checks of the token and login settings."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

MIN_KEY_BYTES = 32
REFRESH_TOKEN_LIFETIME = timedelta(days=14)
MAX_ACCESS_TOKEN_LIFETIME = timedelta(hours=24)


@register(Tags.security)
def check_tokens(**_: Any) -> list[CheckMessage]:
    return [*_errors(), *_warnings()]


def _errors() -> Iterator[Error]:
    for id, is_ok, message in _requirements():
        if not is_ok:
            yield Error(message, id=id)


def _requirements() -> Iterator[tuple[str, bool, str]]:
    keys = {settings.JWT_SIGNING_KEY, *settings.JWT_FALLBACK_KEYS}
    are_long = all(len(key.encode()) >= MIN_KEY_BYTES for key in keys)
    yield (
        "api.E002",
        are_long,
        f"JWT_SIGNING_KEY and JWT_FALLBACK_KEYS need {MIN_KEY_BYTES} bytes or more each.",
    )
    are_own = keys.isdisjoint({settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS})
    yield "api.E003", are_own, "JWT_SIGNING_KEY and SECRET_KEY must differ."
    is_14_days = settings.REFRESH_TOKEN_LIFETIME == REFRESH_TOKEN_LIFETIME
    yield "api.E004", is_14_days, "REFRESH_TOKEN_LIFETIME must be 14 days."
    allows_logins = (
        settings.LOGIN_ATTEMPTS_PER_IP > 0 and settings.LOGIN_FAILURES_PER_USER > 0
    )
    yield (
        "api.E008",
        allows_logins,
        "LOGIN_ATTEMPTS_PER_IP and LOGIN_FAILURES_PER_USER must be positive.",
    )
    allows_sessions = timedelta(0) < settings.SESSION_MAX_LIFETIME
    yield "api.E009", allows_sessions, "SESSION_MAX_DAYS must be positive."


def _warnings() -> Iterator[Warning]:
    is_long = settings.ACCESS_TOKEN_LIFETIME > MAX_ACCESS_TOKEN_LIFETIME
    if is_long and not settings.DEBUG:
        yield Warning(
            "Access tokens live longer than a day, and a log-out does not end them.",
            hint="Lower ACCESS_TOKEN_MINUTES; clients can refresh their tokens.",
            id="api.W001",
        )
