"""Permissions of users who owe nothing: a new password, or the second factor they must have."""

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission

from school import second_factor
from school.models import User
from tasks.errors import PasswordChangeRequired, SecondFactorRequired

if TYPE_CHECKING:  # DRF imports this module while it defines APIView
    from rest_framework.request import Request
    from rest_framework.views import APIView


class HasChosenPassword(BasePermission):
    """Permission of users who need not change their password first.

    It takes no query: a poll knows only the user's id, and checks the row itself.
    """

    def has_permission(self, request: "Request", view: "APIView") -> bool:
        if getattr(request.user, "must_change_password", False):
            raise PasswordChangeRequired
        return True


class HasDemandedSecondFactor(BasePermission):
    """Permission of users who have a second factor, or of whom no network demands one.

    Polls know only the token: their reader checks it.
    """

    def has_permission(self, request: "Request", view: "APIView") -> bool:
        user = request.user
        if isinstance(user, User) and second_factor.is_missing(user):
            raise SecondFactorRequired
        return True
