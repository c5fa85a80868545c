"""What can happen to somebody's rights, and what undoes it."""

from school.models import Attachment, Role

ELSEWHERE = {
    "superuser": {"network_id": 2},
    "administrator": {"network_id": 2},
    "secretary": {"school_id": 3},
    "teacher": {"school_class_id": 4},
    "guardian": {"student_id": 40},
}
"""Where a task about class 1 shows nothing of."""

BEFORE = {
    "role_and_back": "role_changed",
    "attached_again": "detached",
    "enabled_again": "disabled",
}
"""What goes before these, which give all of it back."""


def attach(user, **target):
    Attachment.objects.create(user=user, **target)


def detach(user):
    """Take away by what the user sees class 1."""
    first = Attachment.objects.filter(user=user).order_by("pk").first()
    if first is None:
        user.is_superuser = False
        user.save()
    else:
        first.delete()


def change_role(user, **target):
    user.role = Role.STAFF if user.role != Role.STAFF else Role.ADMINISTRATOR
    user.save()
    if target:
        attach(user, **target)


def set_active(user, value):
    user.is_active = value
    user.save()


def change(how, user):
    """Let that happen to the user's rights."""
    role, held = user.role, Attachment.objects.filter(user=user).order_by("pk").first()
    if how == "role_changed":
        change_role(user)
    elif how == "role_and_school":  # by which the user sees class 1 as before
        is_staff = user.role != Role.STAFF
        change_role(user, **({"school_id": 1} if is_staff else {"network_id": 1}))
    elif how == "detached":
        detach(user)
    elif how == "disabled":
        set_active(user, False)
    elif how == "attached_elsewhere":
        attach(user, **ELSEWHERE[user.username])
    elif how == "detached_elsewhere":
        attach(user, **ELSEWHERE[user.username])
        Attachment.objects.filter(user=user).order_by("-pk")[0].delete()
    else:
        change(BEFORE[how], user)
        give_back(user, role, held)


def give_back(user, role, held):
    """Make the user again who had that role and that attachment."""
    user.role, user.is_active = role, True
    user.is_superuser = user.username == "superuser"
    user.save()
    if held and not Attachment.objects.filter(pk=held.pk).exists():
        held.pk = None
        held.save(force_insert=True)
