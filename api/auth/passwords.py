"""Change of a user's own password."""

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from api.auth import sessions
from api.auth.sessions import TokenPair
from school.models import User
from school.passwords import PasswordConflict, store_password
from tasks.errors import FieldError, InvalidRequest


def wrong_current_password() -> InvalidRequest:
    text = _("This is not your present password.")
    return InvalidRequest(FieldError("/current", "password_incorrect", text))


def replace_password(user: User, current: str, new: str) -> TokenPair:
    """Store the new password, end all sessions and start a new one.

    `current` has been checked against `user`. Raises `InvalidRequest`.
    """
    _check_new(user, current, new)
    password_hash = make_password(new)  # outside the transaction: it may wait
    try:
        with transaction.atomic():
            stored = store_password(
                user,
                password_hash,
                is_current=lambda stored: stored.password == user.password,
            )
            return sessions.start(stored)
    except PasswordConflict:
        raise wrong_current_password() from None


def _check_new(user: User, current: str, new: str) -> None:
    try:
        validate_password(new, user)
        problems = []
    except ValidationError as error:
        problems = [
            FieldError("/new", each.code or "invalid", each.messages[0])
            for each in error.error_list
        ]
    if new == current:
        text = _("The new password must differ from the present one.")
        problems.append(FieldError("/new", "password_unchanged", text))
    if problems:
        raise InvalidRequest(*problems)
