"""Attachments of users to the records that they may see."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from school.models.classes import SchoolClass
from school.models.network import Network, School
from school.models.people import User
from school.models.students import Student


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
