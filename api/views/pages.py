"""The pages for people: what a problem means, and where to begin."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect

from api.problems import PROBLEMS


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/docs")


def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """The page that a problem's `type` leads to."""
    if code not in PROBLEMS:
        raise Http404
    status, title, advice = PROBLEMS[code]
    text = f"{code} ({status})\n\n{title}.\n{advice}\n"
    return HttpResponse(text, content_type="text/plain; charset=utf-8")
