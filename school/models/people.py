"""Users and roles."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models, transaction
from django.db.models import Case, F, Q, When
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy

from school.hash_slots import HasherBusy
from school.models.sortable import SortableByName
from school.signals import access_changed


class Role(models.TextChoices):
    ADMINISTRATOR = "administrator", gettext_lazy("Administrator")
    STAFF = "staff", gettext_lazy("Staff")
    TEACHER = "teacher", gettext_lazy("Teacher")
    GUARDIAN = "guardian", gettext_lazy("Guardian")


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


class User(SortableByName, AbstractUser):
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

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self._stored_values: dict[str, Any] = {}
        """Values by field name, as the database had them when this object last saw it."""

    @classmethod
    def from_db(cls, *args: Any, **options: Any) -> "User":
        user = super().from_db(*args, **options)
        user._remember_values()
        return user

    def refresh_from_db(
        self, using: Any = None, fields: Any = None, from_queryset: Any = None
    ) -> None:
        super().refresh_from_db(using, fields, from_queryset)
        self._remember_values(fields)

    def save(
        self, *, update_fields: Iterable[str] | None = None, **options: Any
    ) -> None:
        """Save the fields that were changed in this object, or `update_fields`.

        The others may be out of date: saving a new password, which takes long to hash,
        must not enable a user who was disabled meanwhile. The counters never decrease.
        """
        stored = User.objects.filter(pk=self.pk).values(*ACCESS_FIELDS | SESSION_FIELDS)
        if update_fields is None and not self._state.adding:
            update_fields = self._changed_fields() - {"id", *_COUNTERS}
        names = None if update_fields is None else set(update_fields)
        with transaction.atomic():
            # Locked, so that a concurrent save cannot hide the change of this one.
            before = stored.select_for_update(no_key=True).first()
            super().save(update_fields=names, **options)
            self._remember_values(names)
            after = stored.first()
            if before and after and _differ(before, after, SESSION_FIELDS):
                self.end_sessions()
            elif after != before:
                self.bump_access_version()

    def sort_name(self) -> str:
        return self.get_full_name()

    def bump_access_version(self) -> None:
        """Raise the access version, which invalidates cached documents."""
        self._raise_counters(["access_version"])

    def end_sessions(self) -> None:
        """End all sessions of the API and of the admin, and refuse all access tokens."""
        self._raise_counters(_COUNTERS)

    def _remember_values(self, field_names: Collection[str] | None = None) -> None:
        """Remember the values of these fields, or of all, as those of the database."""
        for field in self._meta.concrete_fields:
            # A deferred field has no value in the dictionary, and must not be loaded.
            is_loaded = field.attname in self.__dict__
            if is_loaded and (field_names is None or field.name in field_names):
                self._stored_values[field.name] = self.__dict__[field.attname]

    def _changed_fields(self) -> set[str]:
        """Return the names of the fields whose values differ from the remembered ones."""
        unknown = object()
        return {
            field.name
            for field in self._meta.concrete_fields
            if field.attname in self.__dict__
            and self.__dict__[field.attname]
            != self._stored_values.get(field.name, unknown)
        }

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
