"""Changes to a user's rights, and their reversal."""

from school.models import Attachment, Role

ATTACHMENTS_ELSEWHERE = {
    "superuser": {"network_id": 2},
    "administrator": {"network_id": 2},
    "secretary": {"school_id": 3},
    "teacher": {"school_class_id": 4},
    "guardian": {"student_id": 40},
}
"""Targets that a task about class 1 does not read."""

REVERTED_CHANGES = {
    "role_and_back": "role_changed",
    "attached_again": "detached",
    "enabled_again": "disabled",
}
"""The change that precedes each of these, which revert it completely."""


def attach(user, **target):
    Attachment.objects.create(user=user, **target)


def detach(user):
    """Remove the right by which the user sees class 1."""
    attachment = Attachment.objects.filter(user=user).order_by("pk").first()
    if attachment is None:
        user.is_superuser = False
        user.save()
    else:
        attachment.delete()


def change_role(user, **target):
    user.role = Role.STAFF if user.role != Role.STAFF else Role.ADMINISTRATOR
    user.save()
    if target:
        attach(user, **target)


def set_active(user, value):
    user.is_active = value
    user.save()


def apply_change(kind, user):
    """Apply one kind of change to the user's rights."""
    role, attachment = (
        user.role,
        Attachment.objects.filter(user=user).order_by("pk").first(),
    )
    if kind == "role_changed":
        change_role(user)
    elif kind == "role_and_school":  # the new role sees class 1, too
        is_staff = user.role != Role.STAFF
        change_role(user, **({"school_id": 1} if is_staff else {"network_id": 1}))
    elif kind == "detached":
        detach(user)
    elif kind == "disabled":
        set_active(user, False)
    elif kind == "attached_elsewhere":
        attach(user, **ATTACHMENTS_ELSEWHERE[user.username])
    elif kind == "detached_elsewhere":
        attach(user, **ATTACHMENTS_ELSEWHERE[user.username])
        Attachment.objects.filter(user=user).order_by("-pk")[0].delete()
    else:
        apply_change(REVERTED_CHANGES[kind], user)
        restore_rights(user, role, attachment)


def restore_rights(user, role, attachment):
    """Give the role and the attachment back to the user."""
    user.role, user.is_active = role, True
    user.is_superuser = user.username == "superuser"
    user.save()
    if attachment and not Attachment.objects.filter(pk=attachment.pk).exists():
        attachment.pk = None
        attachment.save(force_insert=True)
