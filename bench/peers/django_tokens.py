"""Authentication of the Django peers by PyJWT: the user is known from the token alone."""

import jwt
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from bench.peers import web_config


class TokenUser:
    is_authenticated = True

    def __init__(self, user_id: int) -> None:
        self.pk = user_id


def read_token(token: str) -> TokenUser | None:
    try:
        claims = jwt.decode(token, web_config.JWT_KEY, [web_config.ALGORITHM])
    except jwt.InvalidTokenError:
        return None
    return TokenUser(int(claims["sub"]))


class JwtAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[TokenUser, None] | None:
        scheme, _space, token = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        user = read_token(token.decode("latin-1"))
        if user is None:
            raise AuthenticationFailed
        return user, None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
