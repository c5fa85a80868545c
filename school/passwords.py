"""Rules for passwords that people choose, and the tokens of one-time links to choose one."""

from typing import Any

from django.contrib.auth.password_validation import MinimumLengthValidator
from django.contrib.auth.tokens import PasswordResetTokenGenerator


class StaffMinimumLengthValidator(MinimumLengthValidator):
    """Validator that demands a longer password of users who may enter the admin."""

    def validate(self, password: str, user: Any = None) -> None:
        if getattr(user, "is_staff", False):
            super().validate(password, user)


class PasswordLinkTokens(PasswordResetTokenGenerator):
    """Tokens that end with their use, with their time and with the user's sessions."""

    key_salt = "school.passwords.PasswordLinkTokens"

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        value = super()._make_hash_value(user, timestamp)
        return f"{value}{user.session_generation}{user.is_active}"


password_link_tokens = PasswordLinkTokens()
