"""Sessions of the API: start at log-in, rotate the refresh token, end."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from api.auth import tokens
from api.auth.tokens import RefreshClaims
from school.models import RefreshToken, Session, User

REPLAY_WINDOW = timedelta(seconds=60)
"""Time in which a used refresh token still gives its successor: an answer may get lost."""


@dataclass(frozen=True)
class TokenPair:
    """Tokens of a session; `access_token` and `token_type` are the names of OAuth 2.0."""

    access: str
    refresh: str
    expires_in: int
    """Seconds until the access token expires."""
    refresh_expires_in: int
    """Seconds until the refresh token expires."""
    access_token: str
    token_type: str = "Bearer"  # noqa: S105  (no password)


def start(user: User) -> TokenPair:
    """Start a session of a user who has logged in."""
    now = _now()
    with transaction.atomic():
        session = Session.objects.create(
            user=user,
            generation=user.session_generation,
            started_at=now,
            expires_at=now + settings.SESSION_MAX_LIFETIME,
        )
        token = _create_token(session, now)
    return _sign_pair(session, token)


def rotate(refresh_token: str) -> TokenPair:
    """Replace a refresh token with its only successor, and sign a new access token.

    Concurrent and repeated calls get the same successor for a minute; a later one ends the
    session, because one of two parties that hold the token is a thief. Raises `Problem`.
    """
    claims = tokens.verify_refresh(refresh_token)
    with transaction.atomic():
        session = _lock_session(claims)
        if session is not None and _is_live(session):
            successor = _find_or_create_successor(session, claims.jti)
        else:
            successor = None
    if session is None or successor is None:
        raise tokens.not_valid()
    return _sign_pair(session, successor)


def end(refresh_token: str) -> None:
    """End the session of any of its unexpired refresh tokens; raises `Problem`."""
    claims = tokens.verify_refresh(refresh_token)
    _end(claims.session_id, Session.EndReason.LOGGED_OUT)


def _lock_session(claims: RefreshClaims) -> Session | None:
    """Lock the session, which serialises refresh, reuse and log-out."""
    return (
        Session.objects.select_related("user")
        .select_for_update(no_key=True, of=("self",))
        .filter(pk=claims.session_id, user=claims.user_id, generation=claims.generation)
        .first()
    )


def _is_live(session: Session) -> bool:
    user = session.user
    return (
        session.ended_at is None
        and timezone.now() < session.expires_at
        and user.is_active
        and user.session_generation == session.generation
    )


def _find_or_create_successor(session: Session, jti: uuid.UUID) -> RefreshToken | None:
    """Return the token's successor in a locked session; None if its reuse ended that."""
    now = _now()
    replay_since = now - REPLAY_WINDOW
    token = session.refresh_tokens.filter(jti=jti).first()
    if token is None or (token.rotated_at and token.rotated_at < replay_since):
        _end(session.pk, Session.EndReason.TOKEN_REUSED)
        return None
    if token.successor_jti is not None:
        return session.refresh_tokens.get(jti=token.successor_jti)
    # Older ones need no row: a token without one has been used.
    session.refresh_tokens.filter(rotated_at__lt=replay_since).delete()
    token.rotated_at, token.successor_jti = now, uuid.uuid4()
    token.save(update_fields=["rotated_at", "successor_jti"])
    return _create_token(session, now, jti=token.successor_jti)


def _end(session_id: uuid.UUID, reason: Session.EndReason) -> None:
    # The UPDATE waits for a refresh that has locked the session.
    live = Session.objects.filter(pk=session_id, ended_at=None)
    live.update(ended_at=timezone.now(), end_reason=reason)


def _create_token(
    session: Session, now: datetime, *, jti: uuid.UUID | None = None
) -> RefreshToken:
    return RefreshToken.objects.create(
        jti=jti or uuid.uuid4(),
        session=session,
        key_id=tokens.signing_key_id(),
        issued_at=now,
        expires_at=min(now + settings.REFRESH_TOKEN_LIFETIME, session.expires_at),
    )


def _sign_pair(session: Session, token: RefreshToken) -> TokenPair:
    claims = RefreshClaims(
        token_type="refresh",  # noqa: S106  (no password)
        jti=token.jti,
        iat=int(token.issued_at.timestamp()),
        exp=int(token.expires_at.timestamp()),
        user_id=session.user_id,
        generation=session.generation,
        session_id=session.pk,
    )
    access = tokens.access_token_for(session.user)
    return TokenPair(
        access=access,
        refresh=tokens.sign(claims, token.key_id),
        expires_in=int(settings.ACCESS_TOKEN_LIFETIME.total_seconds()),
        refresh_expires_in=max(0, int((token.expires_at - _now()).total_seconds())),
        access_token=access,
    )


def _now() -> datetime:
    """Return the time in whole seconds, as tokens contain it."""
    return timezone.now().replace(microsecond=0)
