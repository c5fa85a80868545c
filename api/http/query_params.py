"""Validation of query parameters: unknown, repeated and blank ones are refused."""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

from django.utils.translation import gettext as _
from django_filters import CharFilter
from rest_framework.request import Request

from api.http.request_parts import RequestParts
from tasks.errors import FieldError, InvalidRequest
from tasks.json_pointer import json_pointer

View = Callable[..., Any]
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def validate_query(names: Iterable[str]) -> Callable[[View], View]:
    """Decorate a view's method to accept only these query parameters, each at most once.

    Otherwise a misspelt filter would be ignored, and the response would not be filtered.
    """
    allowed_names = frozenset(names)

    def decorate(method: View) -> View:
        @wraps(method)
        def wrapper(view: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
            _check_query(
                request,
                view,
                allowed_names | _list_parameters(view) | _token_parameters(request),
            )
            return method(view, request, *args, **kwargs)

        return wrapper

    return decorate


def parse_flag(request: RequestParts, name: str) -> bool:
    """Return the value of a parameter that is `true`, `1`, `false` or `0`; False without it."""
    value = request.query_params.get(name, "false")
    if value not in _BOOLEANS:
        detail = _("Give `true` or `false`.")
        raise InvalidRequest(FieldError(json_pointer(name), "invalid", detail))
    return _BOOLEANS[value]


def parse_choice(
    request: Request, name: str, choices: Sequence[str], *, default: str
) -> str:
    """Return the value of a parameter that is one of the choices, in capitals or not."""
    value = request.query_params.get(name, default).lower()
    choice = next((it for it in choices if it.lower() == value), None)
    if choice is None:
        text = _("Give one of: {choices}.").format(choices=", ".join(choices))
        raise InvalidRequest(FieldError(json_pointer(name), "invalid_choice", text))
    return choice


def _check_query(request: Request, view: Any, names: frozenset[str]) -> None:
    query = request.query_params
    unknown = [
        FieldError(
            json_pointer(name), "unknown_field", _("There is no such parameter.")
        )
        for name in sorted(query.keys() - names)
    ]
    duplicates = [
        FieldError(json_pointer(name), "repeated_parameter", _("Send it only once."))
        for name in sorted(query.keys() & names)
        if len(query.getlist(name)) > 1
    ]
    blank = [
        FieldError(json_pointer(name), "blank", _("Give it a value, or omit it."))
        for name in sorted(query.keys() & _nonblank_parameters(view))
        if not query[name]
    ]
    if field_errors := unknown + duplicates + blank:
        raise InvalidRequest(*field_errors)


def _list_parameters(view: Any) -> frozenset[str]:
    """Return the names of the view's filter and pagination parameters."""
    filters = getattr(view, "filterset_class", None)
    paging = getattr(view, "pagination_class", None)
    names = set(filters.base_filters) if filters else set()
    if paging:
        names |= {paging.cursor_query_param, paging.page_size_query_param}
        if total := getattr(paging, "total_query_param", None):
            names.add(total)
    return frozenset(names)


def _nonblank_parameters(view: Any) -> set[str]:
    """Return the names of filters that are not text; the library ignores them if blank."""
    filters = getattr(view, "filterset_class", None)
    return {
        name
        for name, filter in (filters.base_filters if filters else {}).items()
        if not isinstance(filter, CharFilter)
    }


def _token_parameters(request: Request) -> frozenset[str]:
    """Return the names of query parameters that contain a token."""
    names = (
        getattr(authenticator, "parameter", None)
        for authenticator in request.authenticators or ()
    )
    return frozenset(name for name in names if name)
