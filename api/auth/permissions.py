"""Permission of users who have the second factor that their network demands."""

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission

from school import second_factor
from school.models import User
from tasks.errors import SecondFactorRequired

if TYPE_CHECKING:  # DRF imports this module while it defines APIView
    from rest_framework.request import Request
    from rest_framework.views import APIView


class HasDemandedSecondFactor(BasePermission):
    """Permission of users who have a second factor, or of whom no network demands one.

    The query that loads the user tells it. Polls know only the token: their reader checks it.
    """

    def has_permission(self, request: "Request", view: "APIView") -> bool:
        user = request.user
        if isinstance(user, User) and second_factor.is_missing(user):
            raise SecondFactorRequired
        return True
