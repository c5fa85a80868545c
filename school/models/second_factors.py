"""Second factors of users, and their recovery codes."""

from django.db import models
from django.db.models import Q, QuerySet
from django.dispatch import receiver

from school.models.network import Network
from school.models.people import Role, User
from school.signals import second_factor_policy_changed

ROLES = (Role.ADMINISTRATOR, Role.STAFF)
"""Roles of whom a network may demand a second factor."""


class SecondFactor(models.Model):
    """An authenticator app of a user, which shows one-time codes (TOTP, RFC 6238)."""

    user = models.OneToOneField(User, models.CASCADE, related_name="second_factor")
    secret = models.TextField()
    """Encrypted secret that the app and the service share."""
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True)
    """Time of the first correct code; before it the factor does not count."""
    last_step = models.BigIntegerField(default=0)
    """Time step of the last accepted code; no code of this or an earlier step is accepted."""

    def __str__(self) -> str:
        return str(self.user)


class RecoveryCode(models.Model):
    """Hash of a code that replaces one one-time code if the app is lost."""

    second_factor = models.ForeignKey(
        SecondFactor, models.CASCADE, related_name="recovery_codes"
    )
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["second_factor", "digest"], name="recovery_code_once_a_factor"
            )
        ]

    def __str__(self) -> str:
        return str(self.second_factor)


def users_under_policy(network: Network) -> QuerySet[User]:
    """Return the users of whom the network may demand a second factor."""
    is_attached = Q(attachments__network=network) | Q(
        attachments__school__network=network
    )
    is_under_policy = Q(role__in=ROLES) & is_attached | Q(is_superuser=True)
    return User.objects.filter(is_under_policy).distinct()


@receiver(second_factor_policy_changed)
def _bump_access_versions(network: Network, **_: object) -> None:
    """Invalidate the tokens that were issued under the former policy, for polls."""
    for user in users_under_policy(network):
        user.bump_access_version()
