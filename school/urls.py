"""URL configuration: the admin, and the API at all other paths."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

admin.autodiscover()
urlpatterns = [
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
    path("", include("api.urls")),
]

handler400 = "api.problems.handler.bad_request"
handler404 = "api.problems.handler.route_not_found"
handler500 = "api.problems.handler.server_error"
