"""Exception handler: converts every exception to a problem document (RFC 9457)."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse
from drf_standardized_errors.formatter import ExceptionFormatter, flatten_errors
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework import exceptions
from rest_framework.response import Response

from api.problems import pages
from api.problems.registry import (
    BEARER_CHALLENGE,
    MEDIA_TYPE,
    PROBLEMS,
    BodyRefused,
    Problem,
    problem_document,
)
from school.db.outage import DATABASE_ERRORS, outage
from school.hash_slots import HasherBusy
from tasks.errors import (
    DiskNearlyFull,
    FieldError,
    IdempotencyKeyConflict,
    InactiveUser,
    InvalidRequest,
    LimitExceeded,
    PasswordChangeRequired,
    RequestErased,
    ResultExpired,
    ResultUnavailable,
    RoleNotAllowed,
    SecondFactorRequired,
    TaskFinished,
    TaskNotFinished,
    TaskNotFound,
    TaskPurged,
)

RETRY_AFTER_SECONDS = 2
_RETRY_AFTER_BY_CODE = {"unavailable": RETRY_AFTER_SECONDS, "disk_nearly_full": 60}

_CODE_BY_EXCEPTION: dict[type[Exception], str] = {
    PasswordChangeRequired: "password_change_required",
    RoleNotAllowed: "not_for_your_role",
    SecondFactorRequired: "second_factor_required",
    IdempotencyKeyConflict: "idempotency_key_reused",
    TaskNotFound: "not_found",
    TaskPurged: "purged",
    RequestErased: "request_erased",
    TaskFinished: "task_finished",
    TaskNotFinished: "task_not_finished",
    ResultUnavailable: "no_result",
    ResultExpired: "result_expired",
    DiskNearlyFull: "disk_nearly_full",
    HasherBusy: "unavailable",
    **dict.fromkeys(DATABASE_ERRORS, "unavailable"),
}


class ProblemHandler(ExceptionHandler):
    """Exception handler that converts exceptions of the lower layers to problems."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if isinstance(exc, InvalidRequest):
            return Problem("invalid_request", field_errors=exc.field_errors)
        if isinstance(exc, BodyRefused):
            return exc
        if isinstance(exc, SuspiciousOperation):  # too many parameters, for example
            return Problem("invalid_request")
        if isinstance(exc, LimitExceeded):
            return Problem(exc.code, retry_after=exc.retry_after, **exc.members)
        if isinstance(exc, InactiveUser):
            return Problem("token_not_valid", headers=BEARER_CHALLENGE)
        for exception_type, code in _CODE_BY_EXCEPTION.items():
            if isinstance(exc, exception_type):
                retry_after = _RETRY_AFTER_BY_CODE.get(code)
                # Messages of the database are not shown to the client.
                return Problem(
                    code,
                    "" if retry_after else str(exc),
                    retry_after=retry_after,
                    **getattr(exc, "members", {}),
                )
        result: Exception = super().convert_known_exceptions(exc)
        return result

    def get_response(self, exc: exceptions.APIException, data: Any) -> Response:
        response: Response = super().get_response(exc, data)
        response.content_type = MEDIA_TYPE
        for name, value in getattr(exc, "headers", {}).items():
            response[name] = value
        return response

    def report_exception(
        self, exc: exceptions.APIException, response: Response
    ) -> None:
        """Report server errors, except those that say nothing new.

        These are refusals while the service is busy or its disk full, and errors of a database
        that is away, whose outage is logged once. The line of the request has its status.
        """
        is_known = outage.is_open and isinstance(self.exc, DATABASE_ERRORS)
        if not is_known and not isinstance(self.exc, DiskNearlyFull | HasherBusy):
            super().report_exception(exc, response)


class ProblemFormatter(ExceptionFormatter):
    """Formatter that renders exceptions of DRF and of the service as problem documents."""

    def run(self) -> dict[str, Any]:
        document = problem_document(
            self._code(),
            self._path(),
            self._developer_detail(),
            retry_after=getattr(self.exc, "wait", None),
            members=getattr(self.exc, "members", None),
        )
        if field_errors := self._field_errors():
            document["errors"] = [asdict(field_error) for field_error in field_errors]
        return document

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
        return default if default in PROBLEMS else "internal_error"

    def _developer_detail(self) -> str:
        if isinstance(self.exc, exceptions.ValidationError | exceptions.Throttled):
            return ""  # the library's text repeats `errors` and `Retry-After`
        if self.exc.detail == getattr(self.exc, "default_detail", None):
            return ""  # the library's text says less than the advice of the code
        detail = self.exc.detail
        return str(detail.get("detail", "") if isinstance(detail, dict) else detail)

    def _field_errors(self) -> Sequence[FieldError]:
        if isinstance(self.exc, exceptions.ValidationError):
            return [
                FieldError(_pointer(error.attr), error.code, error.detail)
                for error in flatten_errors(self.exc.detail)
            ]
        return getattr(self.exc, "field_errors", ())


def bad_request(request: HttpRequest, exception: Exception) -> JsonResponse:
    if isinstance(exception, BodyRefused):
        return problem_response(request, exception.code, str(exception.detail))
    return problem_response(request, "invalid_request")


def route_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if pages.prefers_page(request):
        return pages.render_page(problem_document("not_found", request.path))
    response = problem_response(request, "not_found")
    pages.vary_by_accept(response)
    return response


def server_error(request: HttpRequest) -> JsonResponse:
    if not isinstance(sys.exc_info()[1], DATABASE_ERRORS):
        return problem_response(request, "internal_error")
    return unavailable(request)


def unavailable(request: HttpRequest) -> JsonResponse:
    response = problem_response(request, "unavailable")
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def too_many_requests(request: HttpRequest, retry_after: int) -> JsonResponse:
    response = problem_response(request, "throttled", retry_after=retry_after)
    response["Retry-After"] = str(retry_after)
    return response


def method_not_allowed(request: HttpRequest, *methods: str) -> JsonResponse:
    response = problem_response(request, "method_not_allowed")
    response["Allow"] = ", ".join(methods)
    return response


def problem_response(
    request: HttpRequest,
    code: str,
    developer_detail: str = "",
    *,
    retry_after: int | None = None,
) -> JsonResponse:
    body = problem_document(
        code, request.path, developer_detail, retry_after=retry_after
    )
    return JsonResponse(body, status=body["status"], content_type=MEDIA_TYPE)


def _pointer(attribute: str | None) -> str:
    """Return a JSON Pointer to the member; empty (the whole body) if there is none."""
    if attribute is None or attribute == "non_field_errors":
        return ""
    return f"/{attribute}"
