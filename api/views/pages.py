"""The pages for people: where to begin, and what a problem means."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from drf_spectacular.views import SpectacularYAMLAPIView
from rest_framework.request import Request

from api import explained, languages
from api.renderers import AnyForm


class OpenapiDocument(SpectacularYAMLAPIView):
    content_negotiation_class = AnyForm

    def finalize_response(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, *args, **kwargs)
        response["Content-Language"] = "en"  # whatever was accepted
        return response


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/docs")


def problem_list(request: HttpRequest) -> HttpResponse:
    context = {"problems": explained.problems(), "failures": explained.failures()}
    return _page(request, "api/problems.html", context)


def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """The page that a problem's `type` leads to."""
    explanation = explained.explain(code)
    if explanation is None:
        raise Http404
    return _page(request, "api/problem.html", {"problem": explanation})


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return render(request, template, {"language": languages.spoken(), **context})
