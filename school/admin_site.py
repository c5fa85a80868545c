"""Admin site with a second factor: in the log-in form, and a page to set it up."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, cast

import segno
from django import forms
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from school import second_factor, write_context
from school.models import User
from school.password_pages import OwnPasswordChange
from school.time_zones import zone_words

EXEMPT_VIEWS = {
    "jsi18n",
    "logout",
    "password_change",
    "password_change_done",
    "second_factor",
}
"""Views of users who lack the second factor that their network demands."""
MAX_CODE_LENGTH = 40
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def _code_field(**options: Any) -> forms.CharField:
    attributes = {
        "autocomplete": "one-time-code",
        "autocapitalize": "none",
        "style": "width: 100%; max-width: 24em; box-sizing: border-box",
    }
    options.setdefault("label", gettext_lazy("One-time code or recovery code"))
    widget = forms.TextInput(attributes)
    return forms.CharField(max_length=MAX_CODE_LENGTH, widget=widget, **options)


class LoginForm(AdminAuthenticationForm):
    """Log-in form; a code counts only after the right password."""

    otp = _code_field(
        required=False,
        help_text=gettext_lazy("Leave it empty if you have no second factor."),
    )

    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        if not second_factor.has_factor(user):
            return
        if not second_factor.verify(user, self.cleaned_data.get("otp") or ""):
            message = _("Enter the right one-time code or an unused recovery code.")
            raise ValidationError(message, "otp_not_valid")


class CheckForm(forms.Form):
    """Form of the present password, and of a code where the user has a second factor."""

    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )
    otp = _code_field()

    def __init__(self, *args: Any, user: User, has_factor: bool) -> None:
        super().__init__(*args)
        self._user = user
        if not has_factor:
            del self.fields["otp"]

    def clean(self) -> None:
        if self.errors:
            return
        if not self._user.check_password(self.cleaned_data["password"]):
            self.add_error("password", _("The password is wrong."))
        elif "otp" in self.fields and not second_factor.verify(
            self._user, self.cleaned_data["otp"]
        ):
            self.add_error("otp", _("The code is wrong or was used before."))


class ConfirmForm(forms.Form):
    """Form of the first code of a new second factor."""

    otp = _code_field(label=gettext_lazy("One-time code"))


class SchoolAdminSite(AdminSite):
    login_form = LoginForm
    login_template = "admin/login_with_otp.html"

    def get_urls(self) -> list[Any]:
        page = self.admin_view(self.second_factor)
        return [
            path("second-factor/", page, name="second_factor"),
            *super().get_urls(),
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        zone = zone_words(timezone.localtime())
        return {**super().each_context(request), "time_zone": zone}

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Lead users to the page of the second factor while they lack a demanded one.

        Whatever a view writes is attributed to the user.
        """
        guarded = _require_second_factor(_attribute_writes(view))
        return super().admin_view(guarded, cacheable)

    def password_change(
        self, request: HttpRequest, extra_context: Any = None
    ) -> TemplateResponse:
        context = {**self.each_context(request), **(extra_context or {})}
        view = OwnPasswordChange.as_view(extra_context=context)
        return cast(TemplateResponse, view(request))

    def second_factor(self, request: HttpRequest) -> HttpResponse:
        """Show the state of the user's second factor, and change it."""
        user = cast(User, request.user)
        has_factor = second_factor.has_factor(user)
        action = request.POST.get("action", "")
        context: dict[str, Any] = {
            **self.each_context(request),
            "title": _("Second factor"),
            "has_factor": has_factor,
            "is_demanded": second_factor.is_missing(user),
            "form": CheckForm(user=user, has_factor=has_factor),
        }
        is_right = False
        if request.method == "POST" and action == "confirm":
            is_right = _confirm(request, user, context)
        elif request.method == "POST":
            form = CheckForm(request.POST, user=user, has_factor=has_factor)
            is_right = form.is_valid()
            context["form"] = form
            if is_right:
                is_right = _change(user, action, context)
        context["code_count"] = second_factor.count_recovery_codes(user)
        is_refused = request.method == "POST" and not is_right
        response = TemplateResponse(
            request,
            "admin/second_factor.html",
            context,
            status=HTTPStatus.BAD_REQUEST if is_refused else HTTPStatus.OK,
        )
        response.is_otp_attempt_right = is_right  # type: ignore[attr-defined]  # resets the limit
        return response


def _confirm(request: HttpRequest, user: User, context: dict[str, Any]) -> bool:
    form = ConfirmForm(request.POST)
    try:
        codes = form.is_valid() and second_factor.confirm(
            user, form.cleaned_data["otp"]
        )
    except second_factor.NotStarted:
        return False
    if not codes:
        # The secret is not shown again: whoever is at the keyboard need not know it.
        form.add_error("otp", _("The code is wrong or was used before."))
        context["confirm_form"] = form
        return False
    update_session_auth_hash(request, user)  # this session goes on
    context.update(recovery_codes=codes, has_factor=True, is_demanded=False)
    context["form"] = CheckForm(user=user, has_factor=True)
    return True


def _change(user: User, action: str, context: dict[str, Any]) -> bool:
    """Do what the user chose after the password and the code were checked."""
    if context["has_factor"] and action == "renew":
        context["recovery_codes"] = second_factor.renew_recovery_codes(user)
    elif context["has_factor"] and action == "remove":
        second_factor.remove(user)
        context.update(has_factor=False, is_demanded=second_factor.is_missing(user))
    elif not context["has_factor"] and action == "start":
        try:
            enrolment = second_factor.start(user)
        except second_factor.SecondFactorExists:  # confirmed in another window
            return False
        context.update(enrolment=enrolment, qr_code=_qr_code(enrolment.uri))
        context["confirm_form"] = ConfirmForm()
    else:
        return False
    context["form"] = CheckForm(user=user, has_factor=context["has_factor"])
    return True


def _qr_code(text: str) -> str:
    svg = segno.make(text, error="m").svg_inline(scale=5, light="white", svgclass=None)
    return mark_safe(svg)  # noqa: S308  (drawn by the library, contains no text)


def _attribute_writes(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def attributed(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method in SAFE_METHODS or not request.user.is_authenticated:
            return view(request, *args, **kwargs)
        with write_context.acting(request.user):
            return view(request, *args, **kwargs)

    return attributed


def _require_second_factor(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        match = request.resolver_match
        is_exempt = match is not None and match.url_name in EXEMPT_VIEWS
        if not is_exempt and second_factor.is_missing(cast(User, request.user)):
            return HttpResponseRedirect(reverse("admin:second_factor"))
        return view(request, *args, **kwargs)

    return guarded
