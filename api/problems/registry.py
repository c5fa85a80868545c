"""Registry of problem codes: the status, title and advice of each."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from django.core.exceptions import SuspiciousOperation
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException

from tasks.errors import FieldError

MEDIA_TYPE = "application/problem+json"
BEARER_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="api"'}
"""Header of each 401: the authentication scheme to use."""

# Each code has a status, a title and advice. Its page is /problems/<code>.
PROBLEMS = {
    "invalid_request": (400, _("The request is not valid"), _("Correct the members that `errors` points to.")),
    "malformed_request": (400, _("Malformed HTTP request"), _("Send a request that conforms to RFC 9112.")),
    "parse_error": (400, _("The body cannot be read"), _("Send one JSON object in UTF-8.")),
    "invalid_idempotency_key": (400, _("The idempotency key is not valid"), _("Send 1 to 255 visible ASCII characters, bare or in double quotes.")),
    "not_authenticated": (401, _("Authentication required"), _("Send `Authorization: Bearer <access token>`.")),
    "authentication_failed": (401, _("Login failed"), _("Check the user name and the password.")),
    "otp_required": (401, _("One-time code required"), _("Send the code of your authenticator app, or a recovery code, as `otp`.")),
    "otp_not_valid": (401, _("The one-time code is not valid"), _("Each code works once: wait for the next one, or send a recovery code.")),
    "token_not_valid": (401, _("The token is not valid"), _("Refresh it at `/auth/token/refresh`, or log in again.")),
    "permission_denied": (403, _("Not allowed"), _("Your user may not do this.")),
    "not_for_your_role": (403, _("Not available to your role"), _("`GET /reports` lists the reports available to you.")),
    "second_factor_required": (403, _("Second factor required"), _("Your network demands a second factor: set it up with `POST /auth/otp`.")),
    "password_change_required": (403, _("Choose a new password"), _("Send it with `POST /auth/password`. Until then only `/me` and `/auth` are available.")),
    "link_not_valid": (403, _("The link is not valid"), _("Request a new one with `POST /tasks/<id>/result/link`.")),
    "not_found": (404, _("Not found"), _("It does not exist, or it is not yours.")),
    "method_not_allowed": (405, _("Method not allowed"), _("`Allow` lists the methods of this URL.")),
    "not_acceptable": (406, _("Not acceptable"), _("This URL returns only the media type that `detail` names: allow it in `Accept`.")),
    "body_too_slow": (408, _("The body did not arrive in time"), _("Send the request again, over a faster connection.")),
    "task_finished": (409, _("The task has finished"), _("Only a task that is not final can be canceled.")),
    "task_not_finished": (409, _("The task has not finished"), _("Cancel it or wait until it has finished, then delete it.")),
    "no_result": (409, _("There is no result"), _("Read the task: it has not finished, or it finished without a result.")),
    "result_expired": (410, _("The result has expired"), _("Request the report again.")),
    "purged": (410, _("The task was deleted"), _("Request the report again.")),
    "precondition_failed": (412, _("The file has changed"), _("Fetch it without `If-Match`; its `ETag` identifies the current file.")),
    "body_too_large": (413, _("The body is too large"), _("A request is at most 64 KiB, a form of the administration at most 1 MiB.")),
    "uri_too_long": (414, _("The URL is too long"), _("Send long values in the body.")),
    "unsupported_content_encoding": (415, _("The body is compressed"), _("Send it uncompressed, without `Content-Encoding`.")),
    "unsupported_media_type": (415, _("Unsupported media type"), _("Send `application/json`.")),
    "range_not_satisfiable": (416, _("Range not satisfiable"), _("`Content-Range` gives the size of the file.")),
    "idempotency_key_reused": (422, _("The idempotency key was used for another request"), _("Send a new key with a new request, and repeat a key only with the same body.")),
    "throttled": (429, _("Too many requests"), _("Wait for `Retry-After` seconds.")),
    "too_many_active": (429, _("Too many of your reports are active"), _("`load` gives the numbers. Wait until some have finished, or cancel some.")),
    "too_many_results": (429, _("Your results take too much space"), _("`storage` gives the numbers. Download your results or delete them: downloaded results make room by themselves.")),
    "queue_full": (429, _("The queue is full"), _("`load` gives the numbers. Try again after `Retry-After` seconds.")),
    "too_many_submits": (429, _("Too many of your requests arrive at once"), _("Send fewer at the same time, and repeat this one after `Retry-After` seconds.")),
    "headers_too_large": (431, _("The headers are too large"), _("Send at most a hundred headers, and at most 8 KiB in each.")),
    "internal_error": (500, _("Internal error"), _("Report it with the `request_id`.")),
    "disk_nearly_full": (503, _("The disk for results is nearly full"), _("Try again later; existing results can still be downloaded.")),
    "unavailable": (503, _("Temporarily unavailable"), _("Try again after `Retry-After` seconds.")),
}  # fmt: skip


class Problem(APIException):
    """Exception that becomes a problem document; `members` are added to the document."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        field_errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        self.status_code, _title, advice = PROBLEMS[code]
        super().__init__(detail or advice, code)
        self.field_errors = field_errors
        self.members = members
        self.headers = headers or {}
        self.wait = retry_after  # seconds; the handler sends it as `Retry-After`


class BodyRefused(Problem, SuspiciousOperation):
    """Problem of a body that exceeds a limit or is cut off, raised while it is read.

    Django answers a `SuspiciousOperation` with its handler of bad requests, wherever it is
    raised; the REST framework answers a `Problem`.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code


def problem_document(code: str, instance: str, detail: str = "") -> dict[str, Any]:
    """Build the document of a problem (RFC 9457) in the active language."""
    status, title, advice = PROBLEMS[code]
    return {
        "type": f"/problems/{code}",
        "title": str(title),
        "status": status,
        "detail": detail or str(advice),
        "instance": instance,
        "code": code,
        "request_id": structlog.contextvars.get_contextvars().get("request_id", ""),
    }
