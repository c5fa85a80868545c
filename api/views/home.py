"""View of `/`: links for programs, the documentation for people."""

from typing import Any

from django.conf import settings
from django.http import HttpResponseRedirect
from django.utils.cache import patch_vary_headers
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.http.negotiation import IgnoreAccept
from api.openapi.operations import operation
from api.paths import PATHS
from api.views.auth import PublicView

JSON = "application/json"


class Links(serializers.Serializer[Any]):
    version = serializers.CharField(help_text="Release of the service.")
    links = serializers.DictField(
        child=serializers.CharField(), help_text="Paths by the name of their purpose."
    )


class Home(PublicView):
    content_negotiation_class = IgnoreAccept

    @operation(
        "get_links",
        "Links",
        tag="contract",
        responses={200: Links, 302: None},
    )
    def get(self, request: Request) -> Response | HttpResponseRedirect:
        """Answers links for `Accept: application/json`. Everything else, such as a browser, is
        sent to `/docs`."""
        preferred = request._request.get_preferred_type(["text/html", JSON])
        response = (
            Response({"version": settings.RELEASE, "links": PATHS})
            if preferred == JSON
            else HttpResponseRedirect(PATHS["documentation"])
        )
        patch_vary_headers(response, ["Accept"])
        return response
