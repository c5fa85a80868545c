"""Authenticator app of the tests."""

import time

import pyotp

from school import second_factor
from school.models import SecondFactor, User


def code_of(secret: str, *, seconds: int = 0) -> str:
    """Return the code that the app shows now, or some seconds later."""
    return pyotp.TOTP(secret).at(int(time.time()) + seconds)


def enrol(user: User) -> tuple[str, list[str]]:
    """Give the user a second factor, and return its secret and recovery codes."""
    secret = second_factor.start(user).secret
    codes = second_factor.confirm(user, code_of(secret))
    assert codes
    # A new code comes only after half a minute: let the present one work once more.
    SecondFactor.objects.filter(user=user).update(last_step=0)
    return secret, codes
