"""The query of a request: what an operation does not know there is refused by name."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.utils.translation import gettext as _
from django_filters import CharFilter
from rest_framework.request import Request

from tasks.errors import FieldError, InvalidRequest

View = Callable[..., Any]


def checked(names: Iterable[str]) -> Callable[[View], View]:
    """For a view's method: let it be asked with these names only, and each of them once.

    A misspelt filter would otherwise be answered with what it was to keep out.
    """
    described = frozenset(names)

    def decorate(method: View) -> View:
        @wraps(method)
        def answer(view: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
            _check(request, view, described | _of_list(view) | _of_tokens(request))
            return method(view, request, *args, **kwargs)

        return answer

    return decorate


def _check(request: Request, view: Any, known: frozenset[str]) -> None:
    query = request.query_params
    unknown = [
        FieldError(
            _pointer(name), "unknown_parameter", _("There is no such parameter.")
        )
        for name in sorted(query.keys() - known)
    ]
    repeated = [
        FieldError(_pointer(name), "repeated_parameter", _("Give it once."))
        for name in sorted(query.keys() & known)
        if len(query.getlist(name)) > 1
    ]
    blank = [
        FieldError(_pointer(name), "blank", _("Give it a value, or leave it out."))
        for name in sorted(query.keys() & _never_blank(view))
        if not query[name]
    ]
    if flaws := unknown + repeated + blank:
        raise InvalidRequest(*flaws)


def _of_list(view: Any) -> frozenset[str]:
    """What a list is filtered and paged by."""
    filters = getattr(view, "filterset_class", None)
    paging = getattr(view, "pagination_class", None)
    names = set(filters.base_filters) if filters else set()
    if paging:
        names |= {paging.cursor_query_param, paging.page_size_query_param}
    return frozenset(names)


def _never_blank(view: Any) -> set[str]:
    """The filters that are no text: the library would leave them out without a word."""
    filters = getattr(view, "filterset_class", None)
    return {
        name
        for name, filter in (filters.base_filters if filters else {}).items()
        if not isinstance(filter, CharFilter)
    }


def _of_tokens(request: Request) -> frozenset[str]:
    """Where else than in a header a token may stand."""
    names = (getattr(way, "parameter", None) for way in request.authenticators or ())
    return frozenset(name for name in names if name)


def _pointer(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")
