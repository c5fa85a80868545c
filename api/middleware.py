"""What every answer of the API has, whichever view makes it."""

from collections.abc import Callable

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

Answer = Callable[[HttpRequest], HttpResponseBase]


class RequestIdMiddleware:
    """Answers with the id under which the request stands in the logs."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        request_id = structlog.contextvars.get_contextvars().get("request_id")
        if request_id:
            response["X-Request-ID"] = request_id
        return response


class TrailingSlashMiddleware:
    """Lets every address be asked with a slash at its end too, POST included."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if path != "/" and path.endswith("/") and not path.startswith("/admin/"):
            request.path_info = path.rstrip("/")
        return self._get_response(request)
