"""Second factor: set up, verify and remove one-time codes and recovery codes."""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyotp
import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from school.models import Network, RecoveryCode, SecondFactor, User
from school.models.second_factors import ROLES

log = structlog.get_logger(__name__)

ISSUER = "School reports"
STEP_SECONDS = 30
STEPS = (0, -1, 1)
"""Accepted time steps: the present one and its neighbours, since clocks differ."""
RECOVERY_CODE_COUNT = 10
RECOVERY_CODE_BYTES = 10


class SecondFactorExists(Exception):
    """The user has a second factor already."""


class NotStarted(Exception):
    """The user has no second factor that waits for its first code."""


@dataclass(frozen=True)
class Enrolment:
    """Secret of a new second factor, shown once."""

    secret: str
    uri: str
    """`otpauth:` URI, which apps read from a QR code."""


def start(user: User) -> Enrolment:
    """Store a new secret, which counts once `confirm` has got a code of it.

    It replaces the secret of an enrolment that was abandoned. Raises `SecondFactorExists`.
    """
    secret = pyotp.random_base32()
    stored = {"secret": _encrypt(secret), "last_step": 0}
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if not _of(user, is_confirmed=False).update(**stored):
            if _of(user).exists():
                raise SecondFactorExists
            SecondFactor.objects.create(user=user, **stored)
    uri = pyotp.TOTP(secret, name=user.username, issuer=ISSUER).provisioning_uri()
    return Enrolment(secret, uri)


def confirm(user: User, code: str) -> list[str] | None:
    """Make the new factor count; return its recovery codes, or None if the code is wrong.

    It ends all sessions of the user: the password alone began them. Raises `NotStarted`.
    """
    factor = _of(user, is_confirmed=False).first()
    if factor is None:
        raise NotStarted
    with transaction.atomic():
        if not _use_one_time_code(factor, code, confirmed_at=timezone.now()):
            return None
        codes = _replace_recovery_codes(factor)
        user.end_sessions()
    log.info("second_factor_confirmed", user_id=user.pk)
    return codes


def has_factor(user: User) -> bool:
    """Return whether the user has a confirmed second factor."""
    return _of(user).exists()


def verify(user: User, code: str) -> bool:
    """Use up a one-time code or a recovery code; False if it is wrong or was used before."""
    factor = _of(user).first()
    if factor is None:
        return False
    return _use_one_time_code(factor, code) or _use_recovery_code(factor, code)


def renew_recovery_codes(user: User) -> list[str]:
    """Replace all recovery codes; the user must have a second factor."""
    with transaction.atomic():
        return _replace_recovery_codes(_of(user).select_for_update().get())


def count_recovery_codes(user: User) -> int:
    """Return the number of recovery codes that the user has not used."""
    unused = RecoveryCode.objects.filter(used_at=None)
    return unused.filter(second_factor__user=user).count()


def remove(user: User) -> None:
    """Delete the user's second factor; new tokens are needed if a network demands one."""
    with transaction.atomic():
        SecondFactor.objects.filter(user=user).delete()
        user.bump_access_version()
    log.info("second_factor_removed", user_id=user.pk)


def reset(user: User) -> None:
    """Delete the second factor of somebody who lost it, and end all sessions of the user."""
    with transaction.atomic():
        SecondFactor.objects.filter(user=user).delete()
        user.end_sessions()
    log.info("second_factor_reset", user_id=user.pk)


def is_missing(user: User) -> bool:
    """Return whether a network demands a second factor of the user, who has none.

    That nothing is missing is remembered for a minute, as long as the user's access version
    stays: whatever newly demands a factor, or removes one, raises it.
    """
    if not (user.is_superuser or user.role in ROLES):
        return False
    minute = int(time.time() // 60)
    try:
        check_requirement(user.pk, user.access_version, minute)
    except FactorMissing:
        return True
    return False


class FactorMissing(Exception):
    """The user lacks a demanded second factor."""


@lru_cache(maxsize=4096)
def check_requirement(user_id: int, access_version: int, minute: int) -> None:
    """Raise `FactorMissing`, which the cache does not remember."""
    if User.objects.filter(_lacks_factor(), pk=user_id).exists():
        raise FactorMissing


def _lacks_factor() -> Any:
    demanding = Network.objects.filter(requires_second_factor=True)
    is_attached = Q(attachment__user=OuterRef("pk")) | Q(
        schools__attachment__user=OuterRef("pk")
    )
    is_demanded = Q(role__in=ROLES) & Exists(demanding.filter(is_attached)) | Q(
        is_superuser=True
    ) & Exists(demanding)
    has_one = SecondFactor.objects.filter(
        user=OuterRef("pk"), confirmed_at__isnull=False
    )
    return is_demanded & ~Exists(has_one)


def _of(user: User, *, is_confirmed: bool = True) -> QuerySet[SecondFactor]:
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=not is_confirmed)


def _use_one_time_code(factor: SecondFactor, code: str, **values: Any) -> bool:
    secret, code = _decrypt(factor.secret), code.replace(" ", "")
    if secret is None or not (code.isascii() and code.isdigit()):
        return False
    now, hotp = int(time.time()) // STEP_SECONDS, pyotp.HOTP(secret)
    for step in (now + difference for difference in STEPS):
        if secrets.compare_digest(hotp.at(step), code):
            if not _is_encrypted_with_present_key(factor.secret):
                values["secret"] = _encrypt(secret)
            # The guard lets one of several concurrent uses pass, and only of this secret.
            unused = SecondFactor.objects.filter(
                pk=factor.pk,
                secret=factor.secret,
                confirmed_at=factor.confirmed_at,
                last_step__lt=step,
            )
            return unused.update(last_step=step, **values) == 1
    return False


def _use_recovery_code(factor: SecondFactor, code: str) -> bool:
    unused = RecoveryCode.objects.filter(
        second_factor=factor, digest=_digest(code), used_at=None
    )
    is_used = unused.update(used_at=timezone.now()) == 1
    if is_used:
        log.info("recovery_code_used", user_id=factor.user_id)
    return is_used


def _replace_recovery_codes(factor: SecondFactor) -> list[str]:
    codes = [_new_recovery_code() for _ in range(RECOVERY_CODE_COUNT)]
    factor.recovery_codes.all().delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(second_factor=factor, digest=_digest(code)) for code in codes
    )
    return codes


def _new_recovery_code() -> str:
    text = base64.b32encode(secrets.token_bytes(RECOVERY_CODE_BYTES)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _digest(code: str) -> str:
    """Return the hash of a recovery code; its 80 random bits need no slow hash."""
    normalized = code.replace("-", "").replace(" ", "").lower()
    return hashlib.sha256(normalized.encode()).hexdigest()


def _encrypt(secret: str) -> str:
    return _ciphers(_keys())[0].encrypt(secret.encode()).decode()


def _decrypt(encrypted: str) -> str | None:
    """Return the secret; None if its key is neither the present one nor a fallback."""
    try:
        return MultiFernet(_ciphers(_keys())).decrypt(encrypted).decode()
    except InvalidToken:
        return None


def _is_encrypted_with_present_key(encrypted: str) -> bool:
    try:
        _ciphers(_keys())[0].decrypt(encrypted)
    except InvalidToken:
        return False
    return True


def _keys() -> tuple[str, ...]:
    return settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS


@lru_cache(maxsize=8)
def _ciphers(keys: tuple[str, ...]) -> list[Fernet]:
    """Return a cipher per key, the present one first."""

    def derive(key: str) -> bytes:
        hkdf = HKDF(SHA256(), length=32, salt=None, info=b"school.second_factor")
        return base64.urlsafe_b64encode(hkdf.derive(key.encode()))

    return [Fernet(derive(key)) for key in keys]
