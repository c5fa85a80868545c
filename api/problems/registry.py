"""The problems the API knows: for each code its status, title and advice."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException

from tasks.errors import FieldError

MEDIA_TYPE = "application/problem+json"

# code: (status, title, what it means and what to do). The page of each is /problems/<code>.
PROBLEMS = {
    "invalid_request": (400, _("The request is not valid"), _("Correct the members that `errors` points to.")),
    "malformed_request": (400, _("The request is not HTTP"), _("Send a request as RFC 9112 has it.")),
    "parse_error": (400, _("The body is not readable"), _("Send one JSON object in UTF-8.")),
    "invalid_idempotency_key": (400, _("The idempotency key is not valid"), _("Send 1 to 255 visible ASCII characters, bare or in double quotes.")),
    "not_authenticated": (401, _("Who are you?"), _("Send `Authorization: Bearer <access token>`.")),
    "authentication_failed": (401, _("The log-in failed"), _("Check the user name and the password.")),
    "token_not_valid": (401, _("The token is not valid"), _("Refresh it at `/auth/token/refresh`, or log in again.")),
    "permission_denied": (403, _("Not allowed"), _("Your user may not do this.")),
    "not_for_your_role": (403, _("Not offered to your role"), _("`GET /reports` lists the reports offered to you.")),
    "link_not_valid": (403, _("The link is not valid"), _("Ask for a new one: `POST /tasks/<id>/result/link`.")),
    "not_found": (404, _("Not found"), _("It does not exist, or it is not yours.")),
    "method_not_allowed": (405, _("Method not allowed"), _("`Allow` lists the methods of this address.")),
    "not_acceptable": (406, _("Not to be had in that form"), _("This address answers in the media type that `detail` names: let `Accept` allow it.")),
    "task_finished": (409, _("The task has ended"), _("Only a task that is not final can be canceled.")),
    "task_not_finished": (409, _("The task has not ended"), _("Cancel it, or wait for its end; then delete it.")),
    "no_result": (409, _("There is no result"), _("Read the task: it is unfinished, or it ended without one.")),
    "result_expired": (410, _("The result has expired"), _("Ask for the report again.")),
    "purged": (410, _("The task was erased"), _("Ask for the report again.")),
    "precondition_failed": (412, _("The file is another one"), _("Fetch it without `If-Match`; its `ETag` says which one it is.")),
    "body_too_large": (413, _("The body is too large"), _("A request is at most 64 KiB.")),
    "uri_too_long": (414, _("The address is too long"), _("Send what is long in the body.")),
    "unsupported_content_encoding": (415, _("The body is compressed"), _("Send it as it is, without `Content-Encoding`.")),
    "unsupported_media_type": (415, _("Unsupported media type"), _("Send `application/json`.")),
    "range_not_satisfiable": (416, _("The file has no such bytes"), _("`Content-Range` says how many it has.")),
    "idempotency_key_reused": (422, _("The idempotency key stands for another request"), _("Send a new key with a new request, and the same body with the same key.")),
    "throttled": (429, _("Too many requests"), _("Wait for as long as `Retry-After` says.")),
    "too_many_active": (429, _("Too many of your reports are under way"), _("`load` says how many. Wait until some are made, or cancel some.")),
    "queue_full": (429, _("Too many reports wait"), _("`load` says how many. Ask again after `Retry-After` seconds.")),
    "headers_too_large": (431, _("The headers are too large"), _("Send at most a hundred headers, and at most 8 KiB in each.")),
    "internal_error": (500, _("A fault of ours"), _("Report it with the `request_id`.")),
    "unavailable": (503, _("Not available at the moment"), _("Try again after `Retry-After` seconds.")),
}  # fmt: skip


class Problem(APIException):
    """An error of ours on its way to the client; `members` are added to the document."""

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
        self.wait = retry_after  # seconds, which the handler makes `Retry-After`


def problem_document(code: str, instance: str, detail: str = "") -> dict[str, Any]:
    """The document of that problem (RFC 9457), in the request's language."""
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
