"""What is raised below, as problem documents (RFC 9457): the one place that decides."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, JsonResponse
from drf_standardized_errors.formatter import ExceptionFormatter, flatten_errors
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework import exceptions
from rest_framework.response import Response

from api.problems.registry import MEDIA_TYPE, PROBLEMS, Problem, problem
from tasks.errors import (
    FieldError,
    IdempotencyKeyConflict,
    InactiveUser,
    InvalidRequest,
    LimitExceeded,
    ResultExpired,
    ResultUnavailable,
    RoleNotAllowed,
    TaskFinished,
    TaskNotFinished,
    TaskNotFound,
    TaskPurged,
)

DATABASE_AWAY = (OperationalError, InterfaceError)
RETRY_SECONDS = 2

# As whoever comes without a token is told by the authentication itself.
WHO_ARE_YOU = {"WWW-Authenticate": 'Bearer realm="api"'}

_OF_EXCEPTION: dict[type[Exception], str] = {
    RoleNotAllowed: "not_for_your_role",
    IdempotencyKeyConflict: "idempotency_key_reused",
    TaskNotFound: "not_found",
    TaskPurged: "purged",
    TaskFinished: "too_late",
    TaskNotFinished: "not_ended",
    ResultUnavailable: "no_result",
    ResultExpired: "result_expired",
    **dict.fromkeys(DATABASE_AWAY, "unavailable"),
}


class ProblemHandler(ExceptionHandler):
    """Turns what the lower layers raise into problems."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if isinstance(exc, InvalidRequest):
            return Problem("invalid_request", flaws=exc.field_errors)
        if isinstance(exc, SuspiciousOperation):  # a thousand parameters, for instance
            return Problem("invalid_request")
        if isinstance(exc, LimitExceeded):
            waiting = asdict(exc.load)
            wait = waiting.pop("retry_after")
            return Problem(exc.code, wait=wait, waiting=waiting)
        if isinstance(exc, InactiveUser):
            return Problem("token_not_valid", headers=WHO_ARE_YOU)
        for kind, code in _OF_EXCEPTION.items():
            if isinstance(exc, kind):
                wait = RETRY_SECONDS if code == "unavailable" else None
                # What a database says of itself is not the client's.
                return Problem(code, "" if wait else str(exc), wait=wait)
        converted: Exception = super().convert_known_exceptions(exc)
        return converted

    def get_response(self, exc: exceptions.APIException, data: Any) -> Response:
        response: Response = super().get_response(exc, data)
        response.content_type = MEDIA_TYPE
        for name, value in getattr(exc, "headers", {}).items():
            response[name] = value
        return response


class ProblemFormatter(ExceptionFormatter):
    """Renders any exception of DRF or of ours as a problem document."""

    def run(self) -> dict[str, Any]:
        document = problem(self._code(), self._path(), self._detail())
        if flaws := self._flaws():
            document["errors"] = [asdict(flaw) for flaw in flaws]
        return document | getattr(self.exc, "members", {})

    def _path(self) -> str:
        request = self.context["request"]
        return request.path if request else ""

    def _code(self) -> str:
        if isinstance(self.exc, exceptions.ValidationError):
            return "invalid_request"
        detail: Any = self.exc.detail
        code = detail.get("code") if isinstance(detail, dict) else detail.code
        if code in PROBLEMS:
            return str(code)
        default = str(self.exc.default_code)
        return default if default in PROBLEMS else "error"

    def _detail(self) -> str:
        if isinstance(self.exc, exceptions.ValidationError):
            return str(PROBLEMS["invalid_request"][2])
        detail = self.exc.detail
        return str(detail.get("detail", "") if isinstance(detail, dict) else detail)

    def _flaws(self) -> Sequence[FieldError]:
        if isinstance(self.exc, exceptions.ValidationError):
            return [
                FieldError(_pointer(error.attr), error.code, error.detail)
                for error in flatten_errors(self.exc.detail)
            ]
        return getattr(self.exc, "flaws", ())


def bad_request(request: HttpRequest, exception: Exception) -> JsonResponse:
    return _outside_views(request, "invalid_request")


def route_not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    return _outside_views(request, "not_found")


def server_error(request: HttpRequest) -> JsonResponse:
    if not isinstance(sys.exc_info()[1], DATABASE_AWAY):
        return _outside_views(request, "error")
    response = _outside_views(request, "unavailable")
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


def throttled(request: HttpRequest, wait: int) -> JsonResponse:
    response = _outside_views(request, "throttled")
    response["Retry-After"] = str(wait)
    return response


def method_not_allowed(request: HttpRequest, *allowed: str) -> JsonResponse:
    response = _outside_views(request, "method_not_allowed")
    response["Allow"] = ", ".join(allowed)
    return response


def _outside_views(request: HttpRequest, code: str) -> JsonResponse:
    body = problem(code, request.path)
    return JsonResponse(body, status=body["status"], content_type=MEDIA_TYPE)


def _pointer(attribute: str | None) -> str:
    """A JSON Pointer to the member; the whole body where no member is meant."""
    if attribute is None or attribute == "non_field_errors":
        return ""
    return f"/{attribute}"
