"""One-time links by which users choose a password, and the forced change in the admin."""

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UsernameField
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.html import format_html
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from school.models import User
from school.passwords import password_link_tokens

ALWAYS_ALLOWED = ("password_change", "logout", "jsi18n")
"""Pages of the admin for users who must change their password first."""


class InvitedUserForm(forms.ModelForm):
    """Form that creates a user without a password: a link lets the user choose it."""

    class Meta:
        model = User
        fields = ("username",)
        field_classes = {"username": UsernameField}

    def _post_clean(self) -> None:
        self.instance.set_unusable_password()
        super()._post_clean()  # type: ignore[misc]  # the stubs leave it out


class PasswordLinkAdmin(UserAdmin):
    """Admin of users that makes one-time links, and shows and sets no password."""

    add_form = InvitedUserForm
    add_fieldsets: Any = [(None, {"fields": ["username"]})]

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        """Create a link to choose a password; one's own needs the present one."""
        user = self.get_object(request, unquote(id))
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        if user is None:
            raise Http404
        if user == request.user:
            return HttpResponseRedirect(reverse("admin:password_change"))
        link = ""
        if request.method == "POST" and user.is_active:
            if "end_password" in request.POST:
                user.set_unusable_password()
                user.save()
            link = password_link(request, user)
            self.log_change(request, user, "Created a link to choose a password.")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Link to choose a password"),
            "subtitle": user.get_username(),
            "opts": self.opts,
            "original": user,
            "link": link,
            "hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
        }
        return TemplateResponse(request, "school/password_link.html", context)

    def response_add(
        self, request: HttpRequest, obj: User, post_url_continue: str | None = None
    ) -> HttpResponse:
        text = format_html(
            '<a href="{}">{}</a>',
            reverse("admin:auth_user_password_change", args=[obj.pk]),
            _("Create a link by which the user chooses a password."),
        )
        messages.warning(request, text)
        return super().response_add(request, obj, post_url_continue)


def password_link(request: HttpRequest, user: User) -> str:
    """Return a link that works once; the token is in the query, which no log contains."""
    user_id = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("password_link", args=[user_id])
    path_and_query = f"{path}?token={password_link_tokens.make_token(user, cast(User, request.user))}"
    if settings.PUBLIC_URL:
        return f"{settings.PUBLIC_URL}{path_and_query}"
    return request.build_absolute_uri(path_and_query)


class ForcedPasswordChangeMiddleware:
    """Middleware that shows users who must change their password only the form for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith("/admin/") and _must_change(request):
            return HttpResponseRedirect(reverse("admin:password_change"))
        return self._get_response(request)


def _must_change(request: HttpRequest) -> bool:
    page = request.path_info.removeprefix("/admin/").partition("/")[0]
    if page in ALWAYS_ALLOWED or page == "password-link":
        return False
    return bool(getattr(request.user, "must_change_password", False))
