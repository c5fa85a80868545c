"""HTML pages about problems, and `security.txt`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from api.i18n import languages
from api.openapi import problem_pages
from api.problems import handler

SECURITY_TXT_LIFETIME = timedelta(days=180)
"""Readers must not use the file for longer; RFC 9116 recommends less than a year."""


View = Callable[..., HttpResponse]


def read_only(view: View) -> View:
    """Allow only GET and HEAD; refuse other methods with a problem document."""

    @csrf_exempt  # otherwise the CSRF check refuses them first, with an HTML page
    @wraps(view)
    def wrapper(request: HttpRequest, **kwargs: str) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return handler.method_not_allowed(request, "GET", "HEAD")
        return view(request, **kwargs)

    return wrapper


@read_only
def security_txt(request: HttpRequest) -> HttpResponse:
    """Return the address for reports of vulnerabilities, in the format of RFC 9116."""
    if not settings.SECURITY_CONTACT:
        raise Http404
    expiry = datetime.now(UTC).replace(microsecond=0) + SECURITY_TXT_LIFETIME
    fields = [
        *(("Contact", contact) for contact in settings.SECURITY_CONTACT),
        ("Expires", expiry.isoformat().replace("+00:00", "Z")),
        ("Preferred-Languages", "pt, en"),
    ]
    if settings.IS_HTTPS:
        fields.append(("Canonical", f"{settings.PUBLIC_URL}{request.path_info}"))
    text = "".join(f"{name}: {value}\n" for name, value in fields)
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@read_only
def problem_list(request: HttpRequest) -> HttpResponse:
    context = {
        "problems": problem_pages.list_problems(),
        "failures": problem_pages.list_failures(),
    }
    return _page(request, "api/problems.html", context)


@read_only
def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """Render the page that the `type` of a problem links to."""
    page = problem_pages.find_page(code)
    if page is None:
        raise Http404
    return _page(request, "api/problem.html", {"problem": page})


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return render(
        request, template, {"language": languages.current_language(), **context}
    )
