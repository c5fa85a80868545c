"""Action that resets the second factor of users who lost it."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext

from school import second_factor
from school.models import User


@admin.action(
    description=gettext_lazy("Reset the second factor"), permissions=["change"]
)
def reset_second_factor(
    model_admin: admin.ModelAdmin, request: HttpRequest, users: QuerySet[User]
) -> None:
    """Delete the second factors and end all sessions of the users.

    One's own needs the password and a code, which the page of the second factor asks for.
    """
    others = users.exclude(username=request.user.get_username())
    if not request.user.is_superuser:
        others = others.exclude(is_superuser=True)
    resets = list(others)
    for user in resets:
        second_factor.reset(user)
        model_admin.log_change(request, user, "Reset the second factor.")
    text = ngettext(
        "The second factor of {count} user was reset.",
        "The second factors of {count} users were reset.",
        len(resets),
    )
    model_admin.message_user(request, text.format(count=len(resets)), messages.SUCCESS)
