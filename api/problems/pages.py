"""Small HTML pages in place of problem documents, for people at a dead link or a wrong address."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _

from api.i18n import languages
from api.problems.registry import MEDIA_TYPE

HTML = "text/html"
_TITLES = {"not_found": _("Page not found"), "link_not_valid": _("The link has ended")}
_SENTENCES = {
    "not_authenticated": _("This file opens in the program where you are logged in, or by a link that you create there."),
    "link_not_valid": _("It was valid for a limited time, or it is incomplete. Create a new one in the program where you found it."),
    "not_found": _("There is nothing at this address, or it is not yours. Check the address, or go back to the program that led you here."),
}  # fmt: skip
"""Sentences for people who have no program in front of them, by code."""


def prefers_page(request: HttpRequest) -> bool:
    """Return whether the request comes from a person's browser."""
    is_reading = request.method in ("GET", "HEAD")
    return is_reading and request.get_preferred_type([MEDIA_TYPE, HTML]) == HTML


def render_page(
    document: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Render the page of a problem document, with these headers of its response."""
    code = document["code"]
    context = {
        "language": languages.current_language(),
        "title": _TITLES.get(code, document["title"]),
        "sentence": _SENTENCES.get(code, document["detail"]),
        "request_id": document["request_id"],
    }
    # Without the request: the page needs neither the user nor the database.
    html = render_to_string("api/dead_end.html", context)
    response = HttpResponse(html, status=document["status"], headers=headers)
    response["Content-Type"] = f"{HTML}; charset=utf-8"
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = (
        "no-referrer"  # the address may contain a link's token
    )
    vary_by_accept(response)
    return response


def vary_by_accept(response: HttpResponse) -> None:
    patch_vary_headers(response, ["Accept"])
