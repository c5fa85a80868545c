"""Users, roles and attachments."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from school.models.classes import SchoolClass
from school.models.network import Network, School
from school.models.students import Student
from school.signals import access_changed


class Role(models.TextChoices):
    ADMINISTRATOR = "administrator"
    STAFF = "staff"
    TEACHER = "teacher"
    GUARDIAN = "guardian"


class SchoolUserManager(UserManager["User"]):
    def create_superuser(self, username: str, **fields: Any) -> "User":  # type: ignore[override]
        """Create a superuser, by default with the administrator role."""
        fields.setdefault("role", Role.ADMINISTRATOR)
        return super().create_superuser(username, **fields)


class User(AbstractUser):
    """A user who requests reports; superusers see every network."""

    role = models.CharField(max_length=13, choices=Role, default=Role.GUARDIAN)
    access_version = models.IntegerField(default=0, editable=False)
    """Version raised by `bump_access_version` when what the user may see may have changed."""

    _ACCESS_FIELDS = ("role", "is_active", "is_superuser")

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
        access_values = User.objects.filter(pk=self.pk).values_list(
            *self._ACCESS_FIELDS
        )
        before = access_values.first()
        if update_fields is None and not self._state.adding:
            # Skip the access version: this object may be out of date, and the version must
            # never decrease.
            field_names = {field.name for field in self._meta.concrete_fields}
            update_fields = field_names - {"id", "access_version"}
        super().save(update_fields=update_fields, **options)
        if access_values.first() != before:
            self.bump_access_version()

    def bump_access_version(self) -> None:
        """Raise the access version, which invalidates earlier tokens and cached documents."""
        User.objects.filter(pk=self.pk).update(access_version=F("access_version") + 1)
        self.refresh_from_db(fields=["access_version"])
        transaction.on_commit(lambda: access_changed.send(sender=User, user=self))


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
