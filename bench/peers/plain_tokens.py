"""Authentication by PyJWT with the user's row, as libraries for DRF do it."""

from typing import Any

from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from bench.peers.django_tokens import JwtAuthentication
from school.models import User


class RowAuthentication(JwtAuthentication):
    def authenticate(self, request: Request) -> Any:
        known = super().authenticate(request)
        if known is None:
            return None
        user = User.objects.filter(pk=known[0].pk, is_active=True).first()
        if user is None:
            raise AuthenticationFailed
        return user, None
