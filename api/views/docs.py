"""The pages for people: where to begin, and what a problem means."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.views import SpectacularYAMLAPIView
from rest_framework.request import Request

from api.http import query_params
from api.http.negotiation import AnyForm
from api.i18n import languages
from api.openapi import problem_pages
from api.openapi.operations import EnglishGenerator
from api.problems import handler


class OpenapiDocument(SpectacularYAMLAPIView):
    content_negotiation_class = AnyForm
    # The library's would take a version out of the query, for the name of the file.
    get = query_params.checked(["lang"])(SpectacularYAMLAPIView.get)

    def _get_schema_response(self, request: Request) -> HttpResponse:
        """What the library's does, but once for all: a quarter of a second in which no
        other request of the process has its turn."""
        media_type = f"{OpenApiYamlRenderer.media_type}; charset=utf-8"
        named = {"Content-Disposition": 'inline; filename="openapi.yaml"'}
        return HttpResponse(_contract(), content_type=media_type, headers=named)

    def finalize_response(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, *args, **kwargs)
        response["Content-Language"] = "en"  # whatever was accepted
        return response


@cache
def _contract() -> bytes:
    generator: Any = EnglishGenerator
    renderer: Any = OpenApiYamlRenderer
    return bytes(renderer().render(generator().get_schema(request=None, public=True)))


View = Callable[..., HttpResponse]


def to_read(view: View) -> View:
    """For a page that is only looked at; other methods are refused in our form."""

    @csrf_exempt  # else that would refuse them first, in its own
    @wraps(view)
    def guarded(request: HttpRequest, **named: str) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return handler.method_not_allowed(request, "GET", "HEAD")
        return view(request, **named)

    return guarded


@to_read
def home(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/docs")


@to_read
def problem_list(request: HttpRequest) -> HttpResponse:
    context = {
        "problems": problem_pages.problems(),
        "failures": problem_pages.failures(),
    }
    return _page(request, "api/problems.html", context)


@to_read
def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """The page that a problem's `type` leads to."""
    explanation = problem_pages.explain(code)
    if explanation is None:
        raise Http404
    return _page(request, "api/problem.html", {"problem": explanation})


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return render(request, template, {"language": languages.spoken(), **context})
