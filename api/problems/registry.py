"""Registry of problem codes: the status, title, sentence and advice of each."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import structlog
from django.core.exceptions import SuspiciousOperation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException

from api.problems import details
from tasks.errors import FieldError

MEDIA_TYPE = "application/problem+json"
BEARER_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="api"'}
"""Header of each 401: the authentication scheme to use."""


class ProblemType(NamedTuple):
    status: int
    title: Promise
    detail: Promise
    """Sentence for the person in front of the program."""
    advice: Promise
    """Sentence for the programmer."""


# Each code has a page, /problems/<code>.
PROBLEMS = {
    "invalid_request": ProblemType(400, _("The request is not valid"), _("Some of the request is not valid."), _("Correct the members that `errors` points to.")),
    "malformed_request": ProblemType(400, _("Malformed HTTP request"), _("The program sent a request that cannot be understood."), _("Send a request that conforms to RFC 9112.")),
    "parse_error": ProblemType(400, _("The body cannot be read"), _("The program sent a request that cannot be read."), _("Send one JSON object in UTF-8.")),
    "invalid_idempotency_key": ProblemType(400, _("The idempotency key is not valid"), _("The program sent a request that is not valid."), _("Send 1 to 255 visible ASCII characters, bare or in double quotes.")),
    "not_authenticated": ProblemType(401, _("Authentication required"), _("Log in to go on."), _("Send `Authorization: Bearer <access token>`.")),
    "authentication_failed": ProblemType(401, _("Login failed"), _("The user name or the password is wrong."), _("Check the user name and the password.")),
    "otp_required": ProblemType(401, _("One-time code required"), _("Enter the code of your authenticator app, or a recovery code."), _("Send the code of your authenticator app, or a recovery code, as `otp`.")),
    "otp_not_valid": ProblemType(401, _("The one-time code is not valid"), _("The code is not valid. Each works once: wait for the next one, or enter a recovery code."), _("Each code works once: wait for the next one, or send a recovery code.")),
    "token_not_valid": ProblemType(401, _("The token is not valid"), _("Your session has ended: log in again."), _("Refresh it at `/auth/token/refresh`, or log in again.")),
    "permission_denied": ProblemType(403, _("Not allowed"), _("Your user may not do this."), _("Send the token of a user who may: `GET /me` says whose token this is.")),
    "not_for_your_role": ProblemType(403, _("Not available to your role"), _("This report is not available to your role."), _("`GET /reports` lists the reports available to you.")),
    "second_factor_required": ProblemType(403, _("Second factor required"), _("Your network demands a second factor: set up an authenticator app first."), _("Your network demands a second factor: set it up with `POST /auth/otp`.")),
    "password_change_required": ProblemType(403, _("Choose a new password"), _("Choose a new password first."), _("Send it with `POST /auth/password`. Until then only `/me` and `/auth` are available.")),
    "link_not_valid": ProblemType(403, _("The link is not valid"), _("The link is not valid any more: ask for a new one."), _("Request a new one with `POST /tasks/<id>/result/link`.")),
    "not_found": ProblemType(404, _("Not found"), _("It does not exist, or it is not yours."), _("Check the path and the ids in it. An id that the user of the token may not see gives the same answer as one that does not exist.")),
    "method_not_allowed": ProblemType(405, _("Method not allowed"), _("The program sent a request that this address does not know."), _("`Allow` lists the methods of this URL.")),
    "not_acceptable": ProblemType(406, _("Not acceptable"), _("The program asked for a kind of answer that this address does not give."), _("This URL returns a single media type: allow it in `Accept`.")),
    "body_too_slow": ProblemType(408, _("The body did not arrive in time"), _("The request did not arrive in time: try again over a faster connection."), _("Send the request again, over a faster connection.")),
    "task_finished": ProblemType(409, _("The task has finished"), _("The report has finished, and cannot be canceled any more."), _("Only a task that is not final can be canceled.")),
    "task_not_finished": ProblemType(409, _("The task has not finished"), _("The report has not finished: cancel it, or wait until it has, then delete it."), _("Cancel it or wait until it has finished, then delete it.")),
    "no_result": ProblemType(409, _("There is no result"), _("There is no file: the report has not finished, or it ended without one."), _("Read the task: it has not finished, or it finished without a result.")),
    "result_expired": ProblemType(410, _("The result has expired"), _("The file was deleted: request the report again."), _("Request the report again.")),
    "purged": ProblemType(410, _("The task was deleted"), _("The report was deleted: request it again."), _("Request the report again.")),
    "request_erased": ProblemType(410, _("The request was erased"), _("What was asked for was deleted when its time was over: request the report anew."), _("Send the parameters with `POST /reports`.")),
    "precondition_failed": ProblemType(412, _("The file has changed"), _("The file has changed: download it again."), _("Fetch it without `If-Match`; its `ETag` identifies the current file.")),
    "body_too_large": ProblemType(413, _("The body is too large"), _("The request is too large."), _("A request is at most 64 KiB, a form of the administration at most 1 MiB.")),
    "uri_too_long": ProblemType(414, _("The URL is too long"), _("The address is too long."), _("Send long values in the body.")),
    "unsupported_content_encoding": ProblemType(415, _("The body is compressed"), _("The program sent a request that cannot be read."), _("Send it uncompressed, without `Content-Encoding`.")),
    "unsupported_media_type": ProblemType(415, _("Unsupported media type"), _("The program sent a request that cannot be read."), _("Send `application/json`.")),
    "range_not_satisfiable": ProblemType(416, _("Range not satisfiable"), _("The program asked for a part that the file does not have: download it again."), _("`Content-Range` gives the size of the file.")),
    "idempotency_key_reused": ProblemType(422, _("The idempotency key was used for another request"), _("The program sent two different requests under one name."), _("Send a new key with a new request, and repeat a key only with the same body.")),
    "throttled": ProblemType(429, _("Too many requests"), _("Too many attempts: wait a little, then try again."), _("Wait for `Retry-After` seconds.")),
    "too_many_active": ProblemType(429, _("Too many of your reports are active"), _("You have as many reports in progress as you may: wait for one to finish."), _("`load` gives the numbers. Wait until some have finished, or cancel some.")),
    "too_many_results": ProblemType(429, _("Your results take too much space"), _("Your results take too much space: download some, or delete them."), _("`storage` gives the numbers. Download your results or delete them: downloaded results make room by themselves.")),
    "queue_full": ProblemType(429, _("The queue is full"), _("Many reports are waiting: try again later."), _("`load` gives the numbers. Try again after `Retry-After` seconds.")),
    "too_many_submits": ProblemType(429, _("Too many of your requests arrive at once"), _("Too many of your requests arrive at once: try again in a moment."), _("Send fewer at the same time, and repeat this one after `Retry-After` seconds.")),
    "headers_too_large": ProblemType(431, _("The headers are too large"), _("The program sent a request that is too large."), _("Send at most a hundred headers, and at most 8 KiB in each.")),
    "internal_error": ProblemType(500, _("Internal error"), _("Something went wrong here. If it happens again, tell your support the number of the request."), _("Report it with the `request_id`.")),
    "disk_nearly_full": ProblemType(503, _("The disk for results is nearly full"), _("There is little space for new results: try again later. Existing results can still be downloaded."), _("Try again later; existing results can still be downloaded.")),
    "unavailable": ProblemType(503, _("Temporarily unavailable"), _("The service cannot answer now: try again in a moment."), _("Try again after `Retry-After` seconds.")),
}  # fmt: skip


class Problem(APIException):
    """Exception that becomes a problem document; `members` are added to the document."""

    def __init__(
        self,
        code: str,
        developer_detail: str = "",
        *,
        field_errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        self.status_code = PROBLEMS[code].status
        super().__init__(developer_detail or str(PROBLEMS[code].advice), code)
        self.field_errors = field_errors
        self.members = members
        self.headers = headers or {}
        self.wait = retry_after  # seconds; the handler sends it as `Retry-After`


class BodyRefused(Problem, SuspiciousOperation):
    """Problem of a body that exceeds a limit or is cut off, raised while it is read.

    Django answers a `SuspiciousOperation` with its handler of bad requests, wherever it is
    raised; the REST framework answers a `Problem`.
    """

    def __init__(self, code: str, developer_detail: str = "") -> None:
        super().__init__(code, developer_detail)
        self.code = code


def problem_document(
    code: str,
    instance: str,
    developer_detail: str = "",
    *,
    retry_after: int | None = None,
    members: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Build the document of a problem (RFC 9457) in the active language."""
    problem = PROBLEMS[code]
    return {
        "type": f"/problems/{code}",
        "title": str(problem.title),
        "status": problem.status,
        "detail": details.detail_of_members(code, retry_after, members or {})
        or str(problem.detail),
        "developer_detail": developer_detail or str(problem.advice),
        "instance": instance,
        "code": code,
        "request_id": structlog.contextvars.get_contextvars().get("request_id", ""),
        **(members or {}),
    }
