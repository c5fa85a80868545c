"""Rules for passwords that people choose."""

import unicodedata
from typing import Any

from django.contrib.auth.password_validation import MinimumLengthValidator
from django.core.exceptions import ValidationError
from django.utils.translation import ngettext


class StaffMinimumLengthValidator(MinimumLengthValidator):
    """Validator that demands a longer password of users who may enter the admin."""

    def validate(self, password: str, user: Any = None) -> None:
        if getattr(user, "is_staff", False):
            super().validate(password, user)


class DistinctCharactersValidator:
    """Validator that refuses passwords made of few characters, such as blanks or `aaaaaaaa`."""

    def __init__(self, min_count: int = 4) -> None:
        self.min_count = min_count

    def validate(self, password: str, user: Any = None) -> None:
        characters = set(unicodedata.normalize("NFKC", password).casefold())
        if sum(not character.isspace() for character in characters) < self.min_count:
            raise ValidationError(self.get_help_text(), code="password_too_uniform")

    def get_help_text(self) -> str:
        text = ngettext(
            "The password must contain at least {count} different character, not counting spaces.",
            "The password must contain at least {count} different characters, not counting spaces.",
            self.min_count,
        )
        return text.format(count=self.min_count)
