"""Changes of grades, and the closing and reopening of school years, written by triggers."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from school.models.classes import SchoolClass, Subject
from school.models.network import SchoolYear
from school.models.students import Enrolment, Student


class AuditEntry(models.Model):
    """Row that only triggers write: the time, the actor and the reason of a write."""

    at = models.DateTimeField(_("when"))
    user_id = models.BigIntegerField(null=True)
    """Id of the user; no foreign key, so that the entry outlives the account."""
    username = models.CharField(_("who"), max_length=150, blank=True)
    """Name of the user at that time; blank if the write came from outside the admin."""
    reason = models.CharField(_("why"), max_length=250, blank=True)
    """Reason; without one and without a user, the process or database user that wrote."""

    class Meta:
        abstract = True


class GradeChange(AuditEntry):
    """A grade as it was before and after one write.

    The student is a foreign key, so that the history ends with the student. The other
    records may be deleted; their ids stay.
    """

    class Action(models.TextChoices):
        ADDED = "added", _("added")
        CHANGED = "changed", _("changed")
        DELETED = "deleted", _("deleted")

    action = models.CharField(_("action"), max_length=7, choices=Action)
    student = models.ForeignKey(
        Student,
        models.CASCADE,
        null=True,
        related_name="grade_changes",
        verbose_name=_("student"),
    )
    enrolment = models.ForeignKey(
        Enrolment, models.DO_NOTHING, null=True, related_name="+",
        db_constraint=False, db_index=False, verbose_name=_("enrolment"),
    )  # fmt: skip
    school_class = models.ForeignKey(
        SchoolClass, models.DO_NOTHING, null=True, related_name="+",
        db_constraint=False, verbose_name=_("class"),
    )  # fmt: skip
    subject = models.ForeignKey(
        Subject, models.DO_NOTHING, null=True, related_name="+",
        db_constraint=False, db_index=False, verbose_name=_("subject"),
    )  # fmt: skip
    term = models.SmallIntegerField(_("term"), null=True)
    """Term number; null for the final recovery exam."""
    old_tenths = models.SmallIntegerField(null=True)
    new_tenths = models.SmallIntegerField(null=True)
    old_recovery_tenths = models.SmallIntegerField(null=True)
    new_recovery_tenths = models.SmallIntegerField(null=True)
    old_concept = models.CharField(max_length=20, blank=True, default="", db_default="")
    new_concept = models.CharField(max_length=20, blank=True, default="", db_default="")

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("grade change")
        verbose_name_plural = _("grade changes")
        indexes = [models.Index(fields=["at"], name="grade_change_at")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}: {self.get_action_display()}"


class SchoolYearEvent(AuditEntry):
    """The closing or reopening of a school year, or the erasure of a student from it."""

    class Kind(models.TextChoices):
        CLOSED = "closed", _("closed")
        REOPENED = "reopened", _("reopened")
        ERASED = "erased", _("a student was erased")

    school_year = models.ForeignKey(SchoolYear, models.CASCADE, related_name="events")
    kind = models.CharField(_("event"), max_length=8, choices=Kind)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("event")
        verbose_name_plural = _("closing and reopening")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}: {self.get_kind_display()}"
