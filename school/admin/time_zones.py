"""Time zone of the admin's pages, which is that of what the viewer sees."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from school import record_access
from school.access import visible_schools
from school.admin.base import viewer_of
from school.models import Network, User
from school.time_zones import shared_zone


class AdminTimeZoneMiddleware:
    """Middleware that shows and reads times in the time zone of the viewer's schools."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if (
            not request.path_info.startswith("/admin/")
            or not request.user.is_authenticated
        ):
            return self._get_response(request)
        with timezone.override(viewer_zone(viewer_of(request))):
            return self._get_response(request)


def viewer_zone(viewer: User) -> ZoneInfo:
    """Return the zone of the viewer's schools, or of the networks while they have none."""
    schools = visible_schools(viewer).order_by()
    networks = record_access.visible_records(viewer, Network)
    places = list(schools.values_list("time_zone", "network__time_zone").distinct())
    return shared_zone(
        places or [("", zone) for zone in networks.values_list("time_zone", flat=True)]
    )
