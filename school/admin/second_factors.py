"""Action that resets the second factor of users who lost it."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from school import second_factor
from school.models import User


@admin.action(
    description=gettext_lazy("Reset the second factor"), permissions=["change"]
)
def reset_second_factor(
    model_admin: admin.ModelAdmin, request: HttpRequest, users: QuerySet[User]
) -> None:
    """Delete the second factors and end all sessions of the users."""
    for user in users:
        second_factor.reset(user)
        model_admin.log_change(request, user, "Reset the second factor.")
    model_admin.message_user(
        request, _("The second factor was reset."), messages.SUCCESS
    )
