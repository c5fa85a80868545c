"""URL configuration: the admin, and the API at all other paths."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from school.admin.autocomplete import autocomplete
from school.admin.base import unregister_unscoped
from school.password_pages import ChoosePassword, PasswordChosen

admin.autodiscover()
unregister_unscoped(admin.site)
urlpatterns = [
    path("admin", RedirectView.as_view(url="/admin/")),
    # Before Django's own, which takes the searched words from the URL.
    path("admin/autocomplete/", admin.site.admin_view(autocomplete)),
    path(
        "admin/password-link/chosen/", PasswordChosen.as_view(), name="password_chosen"
    ),
    path(
        "admin/password-link/<str:uidb64>/",
        ChoosePassword.as_view(),
        name="password_link",
    ),
    path("admin/", admin.site.urls),
    path("", include("api.urls")),
]

handler400 = "api.problems.handler.bad_request"
handler404 = "api.problems.handler.route_not_found"
handler500 = "api.problems.handler.server_error"
