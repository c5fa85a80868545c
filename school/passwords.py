"""Passwords that users choose: how they are stored, and the tokens of one-time links."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction

from school import record_access
from school.models import User

SEPARATOR = "."


class PasswordConflict(Exception):
    """The user was changed while the new password was being hashed."""


def store_password(
    user: User, password_hash: str, *, is_current: Callable[[User], bool]
) -> User:
    """Store the hash of a password that the user chose, and return the stored user.

    Hashing takes long: `is_current` gets the locked row and returns whether the choice
    still counts. Raises `PasswordConflict`.
    """
    with transaction.atomic():
        locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if not locked.is_active or not is_current(locked):
            raise PasswordConflict
        locked.password = password_hash
        locked.must_change_password = False
        locked.save(update_fields=["password", "must_change_password"])
    return locked


class PasswordLinkTokens:
    """Tokens that speak for the user who made them.

    A token ends with its use, with its time, with the sessions of its user, and as soon as
    its maker could make it no more: a link to a teacher must not open the account of the
    administrator that the teacher has become.
    """

    def make_token(self, user: User, maker: User) -> str:
        return f"{maker.pk}{SEPARATOR}{_Tokens(maker).make_token(user)}"

    def check_token(self, user: User | None, token: str | None) -> bool:
        maker_id, _, rest = (token or "").partition(SEPARATOR)
        if user is None or not (maker_id.isascii() and maker_id.isdigit()):
            return False
        maker = User.objects.filter(pk=int(maker_id)).first()
        return (
            maker is not None
            and _Tokens(maker).check_token(user, rest)
            and may_make_link(maker, user)
        )


def may_make_link(maker: User, user: User) -> bool:
    """Return whether the maker may let the user choose a password by a link."""
    return (
        maker.is_active
        and maker.is_staff
        and maker.has_perm("school.change_user")
        and record_access.may_change(maker, User)
        and record_access.visible_users(maker).filter(pk=user.pk).exists()
    )


class _Tokens(PasswordResetTokenGenerator):
    def __init__(self, maker: User) -> None:
        super().__init__()
        self.key_salt = f"school.passwords.{maker.pk}"

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        value = super()._make_hash_value(user, timestamp)
        return f"{value}{user.session_generation}{user.is_active}"


password_link_tokens = PasswordLinkTokens()
