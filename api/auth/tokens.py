"""Access and refresh tokens: signed JSON Web Tokens (HS256) and their claims."""

import hashlib
import time
import uuid
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeVar

import jwt
from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field

from api.problems.registry import BEARER_CHALLENGE, Problem
from school import second_factor
from school.models import User

ALGORITHM = "HS256"
LEEWAY = timedelta(seconds=30)
"""Difference between the clocks of two hosts that is tolerated."""
MAX_TOKEN_LENGTH = 2048

Count = Annotated[int, Field(ge=0, lt=2**63)]
Id = Annotated[uuid.UUID, Field(strict=False)]


class Claims(BaseModel):
    """Claims of both kinds of token, checked strictly: `"5"` is not 5."""

    model_config = ConfigDict(strict=True, frozen=True)

    jti: Id
    iat: Count
    exp: Count
    user_id: Count
    generation: Count
    """The user's `session_generation`."""


class AccessClaims(Claims):
    token_type: Literal["access"]
    access_version: Count
    """The user's `access_version`, for polls."""
    is_restricted: bool
    """True if the user lacked a demanded second factor; polls then always read the row."""

    @property
    def is_expired(self) -> bool:
        return self.exp + LEEWAY.total_seconds() <= time.time()


class RefreshClaims(Claims):
    token_type: Literal["refresh"]
    session_id: Id


C = TypeVar("C", bound=Claims)


def access_token_for(user: User) -> str:
    """Sign an access token with the versions that the user's object has."""
    now = int(time.time())
    claims = AccessClaims(
        token_type="access",  # noqa: S106  (no password)
        jti=uuid.uuid4(),
        iat=now,
        exp=now + int(settings.ACCESS_TOKEN_LIFETIME.total_seconds()),
        user_id=user.pk,
        generation=user.session_generation,
        access_version=user.access_version,
        is_restricted=second_factor.is_missing(user),
    )
    return sign(claims, signing_key_id())


def sign(claims: Claims, key_id: str) -> str:
    """Sign the claims; the same claims and key always give the same bytes.

    Raises `Problem` if the key is not in use any more.
    """
    key = _keys_by_id(_keys()).get(key_id)
    if key is None:
        raise not_valid()
    payload = claims.model_dump(mode="json")
    return jwt.encode(payload, key, ALGORITHM, headers={"kid": key_id})


def verify_access(token: str) -> AccessClaims:
    """Return the claims of a valid access token; raises `Problem`.

    A client repeats the same token: its signature is verified once and cached, and its
    expiry is checked each time.
    """
    claims = _verify_access_signature(token, _keys())
    if claims.is_expired:
        raise not_valid()
    return claims


def verify_refresh(token: str) -> RefreshClaims:
    """Return the claims of a refresh token that has not expired; raises `Problem`."""
    return _verify(token, _keys(), RefreshClaims)


def not_valid() -> Problem:
    return Problem("token_not_valid", headers=BEARER_CHALLENGE)


def signing_key_id() -> str:
    """Return the id of the key that signs new tokens."""
    return next(iter(_keys_by_id(_keys())))


@lru_cache(maxsize=4096)
def _verify_access_signature(token: str, keys: tuple[str, ...]) -> AccessClaims:
    return _verify(token, keys, AccessClaims)


def _verify(token: str, keys: tuple[str, ...], claims_class: type[C]) -> C:
    if len(token) > MAX_TOKEN_LENGTH:
        raise not_valid()
    try:
        key_id = jwt.get_unverified_header(token)["kid"]
        payload: dict[str, Any] = jwt.decode(
            token, _keys_by_id(keys)[key_id], [ALGORITHM], leeway=LEEWAY
        )
        return claims_class(**payload)
    # The last four: claims of a wrong type or size, by whoever has a key.
    except (
        jwt.InvalidTokenError,
        KeyError,
        TypeError,
        ValueError,
        OverflowError,
        RecursionError,
    ):
        raise not_valid() from None


def _keys() -> tuple[str, ...]:
    return settings.JWT_SIGNING_KEY, *settings.JWT_FALLBACK_KEYS


@lru_cache(maxsize=8)
def _keys_by_id(keys: tuple[str, ...]) -> dict[str, str]:
    """Return the keys by their id (`kid`), the signing key first."""
    return {
        hashlib.blake2b(key.encode(), digest_size=8).hexdigest(): key for key in keys
    }
