"""Pages on which users choose a password: their own change, and the page of a one-time link."""

from typing import Any

from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.hashers import make_password
from django.contrib.auth.views import (
    INTERNAL_RESET_SESSION_TOKEN,
    PasswordChangeView,
    PasswordResetConfirmView,
)
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView

from school.models import User
from school.passwords import PasswordConflict, password_link_tokens, store_password


class OwnPasswordForm(AdminPasswordChangeForm):
    """Form of the own change, with the rules of `POST /auth/password`."""

    def clean_new_password1(self) -> str:
        new: str = self.cleaned_data["new_password1"]
        if new == self.cleaned_data.get("old_password"):
            text = _("The new password must differ from the present one.")
            raise ValidationError(text, code="password_unchanged")
        return new

    def save(self, commit: bool = True) -> User:
        """Store the password; raise `PasswordConflict`."""
        old_hash = self.user.password
        self.user = store_password(
            self.user,
            make_password(self.cleaned_data["new_password1"]),
            is_current=lambda stored: stored.password == old_hash,
        )
        return self.user


class OwnPasswordChange(PasswordChangeView):
    form_class = OwnPasswordForm
    success_url = reverse_lazy("admin:password_change_done")

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            return super().form_valid(form)
        except PasswordConflict:
            text = _("Your user was changed meanwhile. Please try again.")
            form.add_error(None, text)
            return self.form_invalid(form)


class LinkPasswordForm(SetPasswordForm):  # type: ignore[type-arg]  # no generic at run time
    """Form of a one-time link; the view gives it the link's token."""

    token = ""

    def save(self, commit: bool = True) -> User:
        """Store the password; raise `PasswordConflict` if the token has been used."""
        return store_password(
            self.user,
            make_password(self.cleaned_data["new_password1"]),
            is_current=lambda stored: password_link_tokens.check_token(
                stored, self.token
            ),
        )


class ChoosePassword(PasswordResetConfirmView):
    """Page of a one-time link, on which the user chooses a password."""

    form_class = LinkPasswordForm
    token_generator = password_link_tokens
    success_url = reverse_lazy("password_chosen")

    def dispatch(self, request: HttpRequest, uidb64: str) -> HttpResponseBase:
        # Without a token the view takes the one that it has moved into the session.
        token = request.GET.get("token") or self.reset_url_token
        return super().dispatch(request, uidb64=uidb64, token=token)

    def get_user(self, uidb64: str) -> Any:
        user = super().get_user(uidb64)
        return user if user is not None and user.is_active else None

    def form_valid(self, form: Any) -> HttpResponse:
        form.token = self.request.session[INTERNAL_RESET_SESSION_TOKEN]
        try:
            return super().form_valid(form)
        except PasswordConflict:
            self.validlink = False
            return self.render_to_response(self.get_context_data())


class PasswordChosen(TemplateView):
    template_name = "school/password_chosen.html"
    extra_context = {"title": gettext_lazy("Password chosen")}
