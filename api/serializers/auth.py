"""Serializers of the request bodies of `/auth`, and of the answers of `/auth/otp`."""

from typing import Any

from rest_framework import serializers

from api.serializers.strict import StrictCharField, StrictSerializer
from school.models import User

MAX_CODE_LENGTH = 40
"""Length of a recovery code with some spaces."""


class LoginSerializer(StrictSerializer):
    username = StrictCharField()
    # A password may begin or end with a space.
    password = StrictCharField(trim_whitespace=False)
    otp = StrictCharField(
        required=False,
        max_length=MAX_CODE_LENGTH,
        help_text="One-time code or recovery code, if the user has a second factor.",
    )

    def validate_username(self, username: str) -> str:
        """Normalise the name as the admin's log-in form does."""
        return User.normalize_username(username)


class PasswordGrantSerializer(LoginSerializer):
    """Form of the password grant of OAuth 2.0 (RFC 6749, section 4.3)."""

    grant_type = serializers.ChoiceField(["password"])
    scope = StrictCharField(required=False, allow_blank=True, help_text="Ignored.")
    client_id = StrictCharField(required=False, allow_blank=True, help_text="Ignored.")
    client_secret = StrictCharField(
        required=False, allow_blank=True, help_text="Ignored."
    )


class ChangePasswordSerializer(StrictSerializer):
    current = StrictCharField(trim_whitespace=False)
    new = StrictCharField(trim_whitespace=False)


class RefreshTokenSerializer(StrictSerializer):
    refresh = StrictCharField()


class PasswordSerializer(StrictSerializer):
    password = StrictCharField(trim_whitespace=False)


class OtpSerializer(StrictSerializer):
    otp = StrictCharField(max_length=MAX_CODE_LENGTH)


class PasswordAndOtpSerializer(StrictSerializer):
    password = StrictCharField(trim_whitespace=False)
    otp = StrictCharField(
        max_length=MAX_CODE_LENGTH, help_text="One-time code or recovery code."
    )


class TokenPair(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()
    expires_in = serializers.IntegerField(
        help_text="Seconds until the access token expires."
    )
    refresh_expires_in = serializers.IntegerField(
        help_text="Seconds until the refresh token expires."
    )
    access_token = serializers.CharField(
        help_text="The same as `access`: its name in OAuth 2.0 (RFC 6749)."
    )
    token_type = serializers.ChoiceField(["Bearer"])


class Enrolment(serializers.Serializer[Any]):
    secret = serializers.CharField(help_text="Secret in Base32, to type into an app.")
    uri = serializers.CharField(help_text="`otpauth:` URI, to show as a QR code.")


class RecoveryCodes(serializers.Serializer[Any]):
    recovery_codes = serializers.ListField(
        child=serializers.CharField(), help_text="Shown only now; each works once."
    )


class ConfirmedOtp(RecoveryCodes, TokenPair):
    """Recovery codes, and the tokens of a new session."""
