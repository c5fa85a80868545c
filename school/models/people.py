"""Users, roles and attachments."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models, transaction
from django.db.models import Case, F, Q, When
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.utils.crypto import salted_hmac

from school.hash_slots import HasherBusy
from school.models.classes import SchoolClass
from school.models.network import Network, School
from school.models.students import Student
from school.signals import access_changed


class Role(models.TextChoices):
    ADMINISTRATOR = "administrator"
    STAFF = "staff"
    TEACHER = "teacher"
    GUARDIAN = "guardian"


class UserQuerySet(models.QuerySet["User"]):
    def update(self, **values: Any) -> int:
        """Update the users; end the sessions of those whose password or `is_active` changes.

        `bulk_update` calls this too.
        """
        changes = [~Q((name, values[name])) for name in SESSION_FIELDS & values.keys()]
        if not changes:
            return super().update(**values)
        is_changed = reduce(or_, changes)
        user_ids = list(self.filter(is_changed).values_list("pk", flat=True))
        increment = Case(When(is_changed, then=1), default=0)
        increments = {name: F(name) + increment for name in _COUNTERS}
        with transaction.atomic():
            transaction.on_commit(lambda: _announce_access_change(user_ids))
            return super().update(**{**increments, **values})


class SchoolUserManager(UserManager["User"]):
    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def create_superuser(self, username: str, **fields: Any) -> "User":  # type: ignore[override]
        """Create a superuser, by default with the administrator role."""
        fields.setdefault("role", Role.ADMINISTRATOR)
        return super().create_superuser(username, **fields)


class User(AbstractUser):
    """A user who requests reports; superusers see every network."""

    role = models.CharField(max_length=13, choices=Role, default=Role.GUARDIAN)
    access_version = models.IntegerField(default=0, editable=False)
    """Version raised by `bump_access_version` when what the user may see may have changed."""
    session_generation = models.IntegerField(default=0, editable=False)
    """Number raised by `end_sessions`; sessions and tokens of an earlier one are refused."""
    must_change_password = models.BooleanField(
        default=False,
        help_text="Until the user has chosen a password, nothing else is available.",
    )

    objects = SchoolUserManager()  # type: ignore[misc]  # Django declares it so

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(role__in=["administrator", "staff", "teacher", "guardian"]),
                name="user_role_is_known",
            )
        ]

    def save(
        self, *, update_fields: Iterable[str] | None = None, **options: Any
    ) -> None:
        stored = User.objects.filter(pk=self.pk).values(*ACCESS_FIELDS | SESSION_FIELDS)
        if update_fields is None and not self._state.adding:
            # Skip the counters: this object may be out of date, and they must never
            # decrease.
            field_names = {field.name for field in self._meta.concrete_fields}
            update_fields = field_names - {"id", *_COUNTERS}
        with transaction.atomic():
            # Locked, so that a concurrent save cannot hide the change of this one.
            before = stored.select_for_update(no_key=True).first()
            super().save(update_fields=update_fields, **options)
            after = stored.first()
            if before and after and _differ(before, after, SESSION_FIELDS):
                self.end_sessions()
            elif after != before:
                self.bump_access_version()

    def bump_access_version(self) -> None:
        """Raise the access version, which invalidates cached documents."""
        self._raise_counters(["access_version"])

    def end_sessions(self) -> None:
        """End all sessions of the API and of the admin, and refuse all access tokens."""
        self._raise_counters(_COUNTERS)

    def _raise_counters(self, names: Collection[str]) -> None:
        increments = {name: F(name) + 1 for name in names}
        User.objects.filter(pk=self.pk).update(**increments)
        self.refresh_from_db(fields=names)
        transaction.on_commit(lambda: access_changed.send(sender=User, user=self))

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(raw_password)
        self.must_change_password = False

    def check_password(self, raw_password: str | None) -> bool:
        """Check the password; store its hash again if the hasher asks for that.

        Django stores it by `save`, which would end the user's sessions. A password that
        was changed meanwhile is not overwritten. While the hasher is busy, the next log-in
        stores the hash.
        """
        old_hash = self.password

        def upgrade_hash(password: str) -> None:
            with suppress(HasherBusy):
                self.password = make_password(password)
            stored = User._base_manager.filter(pk=self.pk, password=old_hash)
            stored.update(password=self.password)

        return check_password(raw_password, old_hash, upgrade_hash)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what a session of the admin must contain to go on."""
        state = f"{self.session_generation}:{self.password}"
        return salted_hmac(
            "school.models.User.session", state, secret=secret, algorithm="sha256"
        ).hexdigest()


ACCESS_FIELDS = {"role", "is_active", "is_superuser", "must_change_password"}
SESSION_FIELDS = {"password", "is_active"}
"""Fields whose change ends the user's sessions."""
_COUNTERS = ("session_generation", "access_version")


def _differ(one: Mapping[str, Any], other: Mapping[str, Any], names: set[str]) -> bool:
    return any(one[name] != other[name] for name in names)


def _announce_access_change(user_ids: Collection[int]) -> None:
    for user in User.objects.filter(pk__in=user_ids):
        access_changed.send(sender=User, user=user)


class Attachment(models.Model):
    """Link from a user to one network, school, class or student."""

    user = models.ForeignKey(User, models.CASCADE, related_name="attachments")
    network = models.ForeignKey(Network, models.CASCADE, null=True, blank=True)
    school = models.ForeignKey(School, models.CASCADE, null=True, blank=True)
    school_class = models.ForeignKey(SchoolClass, models.CASCADE, null=True, blank=True)
    student = models.ForeignKey(Student, models.CASCADE, null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(
                        network__isnull=False,
                        school=None,
                        school_class=None,
                        student=None,
                    )
                    | Q(
                        network=None,
                        school__isnull=False,
                        school_class=None,
                        student=None,
                    )
                    | Q(
                        network=None,
                        school=None,
                        school_class__isnull=False,
                        student=None,
                    )
                    | Q(
                        network=None,
                        school=None,
                        school_class=None,
                        student__isnull=False,
                    )
                ),
                name="attachment_has_one_target",
            ),
            *(
                models.UniqueConstraint(
                    fields=["user", target], name=f"attachment_{target}_once_a_user"
                )
                for target in ("network", "school", "school_class", "student")
            ),
        ]

    def __str__(self) -> str:
        target = self.network or self.school or self.school_class or self.student
        return f"{self.user}: {target}"

    def save(self, **options: Any) -> None:
        previous_users = User.objects.filter(attachments=self.pk).exclude(
            pk=self.user_id
        )
        detached_users = list(previous_users) if self.pk else []
        super().save(**options)
        for user in detached_users:
            user.bump_access_version()


@receiver([post_save, post_delete], sender=Attachment)
def _bump_user_access_version(instance: Attachment, **_: Any) -> None:
    """Bump the version; the signal also covers cascades, which do not call `delete`."""
    user = User.objects.filter(pk=instance.user_id).first()
    if user is not None:
        user.bump_access_version()
