"""Description of each operation in the OpenAPI document: responses, headers and parameters."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from django.utils.translation import override
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)

from api.auth.permissions import HasDemandedSecondFactor
from api.http import query_params
from api.http.submissions import IDEMPOTENCY_KEY_PATTERN
from api.openapi.translation import translate_document
from api.problems.registry import MEDIA_TYPE, PROBLEMS
from api.serializers.problems import problem_serializer
from api.serializers.strict import StrictSerializer

NON_NEGATIVE_INTEGER = {"type": "integer", "minimum": 0}
STRING = {"type": "string"}

# Each header has its description, its schema and an example.
HEADERS: dict[str, tuple[str, dict[str, Any], str | int]] = {
    "Location": ("URL of the task.", {**STRING, "format": "uri-reference"}, "/tasks/01a20946-63d7-7452-9ebd-6b7659a55ab6"),
    "Retry-After": ("Whole seconds to wait before the next request; absent if the task is final.", {**NON_NEGATIVE_INTEGER, "minimum": 1}, 2),
    "Idempotency-Replayed": ("`true` if the key was used before.", {**STRING, "const": "true"}, "true"),
    "RateLimit-Policy": ("The limits that count here: `q` in `w` seconds, or at the same time (draft-ietf-httpapi-ratelimit-headers).", STRING, '"active-reports";q=200;qu="concurrent-requests"'),
    "RateLimit": ("What is left of each: `r`, and the seconds `t` until there is more.", STRING, '"active-reports";r=198'),
    "Link": ("Links to the next and previous page, equal to `next` and `previous` in the body (RFC 8288).", STRING, '</tasks?cursor=cD0w>; rel="next"'),
    "Preference-Applied": ("The granted wait, if `Prefer` requested one.", STRING, "wait=20"),
    "ETag": ("Version of the response; for a file its SHA-256, weak if compressed.", STRING, '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"'),
    "Content-Disposition": ("File name, in ASCII and in full.", STRING, 'attachment; filename="Acoes 2026-11-25.csv"; filename*=UTF-8\'\'A%C3%A7%C3%B5es%202026-11-25.csv'),
    "Content-Length": ("Size of the body in bytes; absent if compressed.", NON_NEGATIVE_INTEGER, 52311),
    "Content-Encoding": ("`gzip` if the client accepts it and it makes the body smaller.", {**STRING, "const": "gzip"}, "gzip"),
    "Content-Range": ("The returned bytes, and the size of the file.", STRING, "bytes 1000-52310/52311"),
    "Accept-Ranges": ("`bytes`; `none` if the response is compressed.", {**STRING, "enum": ["bytes", "none"]}, "bytes"),
    "Last-Modified": ("Time at which the file was generated.", STRING, "Wed, 25 Nov 2026 19:42:00 GMT"),
    "Cache-Control": ("The response is private and must not be stored.", STRING, "private, no-store"),
    "Referrer-Policy": ("The URL must not be sent to other sites.", STRING, "no-referrer"),
    "Vary": ("Request headers that the response depends on.", STRING, "Accept-Encoding"),
}  # fmt: skip
# Headers that depend only on the status, so that no operation lists them.
COMMON_HEADER = "X-Request-ID"
HEADER_BY_STATUS = {"401": "WWW-Authenticate", "405": "Allow"}
SHARED_HEADERS: dict[str, tuple[str, str]] = {
    "X-Request-ID": ("Id of the request in the server's log: the client's own if it can be logged, else a generated one.", "7d0f4a52-1c3e-4b6f-9a57-2f1f0c1f7b11"),
    "WWW-Authenticate": ("The authentication scheme to use.", 'Bearer realm="api"'),
    "Allow": ("The allowed methods.", "GET, POST, HEAD, OPTIONS"),
}  # fmt: skip
RATE_LIMIT = ["RateLimit-Policy", "RateLimit"]
"""Response headers of an operation that has a limit."""
OPTIONAL_HEADERS = {
    "Retry-After",  # absent if the task is final
    "Idempotency-Replayed",
    "RateLimit-Policy", "RateLimit",  # absent if another limit refuses, or none was counted
    "Link",
    "Preference-Applied",
    "Content-Encoding", "Content-Length",  # one if compressed, the other if not
}  # fmt: skip
"""Response headers that may be absent."""
WAIT = OpenApiParameter(
    "wait",
    {"type": "integer", "minimum": 0, "maximum": 999_999},
    OpenApiParameter.QUERY,
    description="Seconds to wait, like `Prefer: wait=N`, for clients that cannot set headers.",
)
PROGRESS = OpenApiParameter(
    "progress",
    {"type": "boolean", "default": False},
    OpenApiParameter.QUERY,
    description="`true` or `1`: a wait also ends after two seconds with new progress, and not "
    "only after ten.",
)
PREFER = OpenApiParameter(
    "Prefer",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="`wait=N`: wait up to N seconds for a change, at most 25.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="`ETag` of the client's copy of the document.",
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": f"^({IDEMPOTENCY_KEY_PATTERN.pattern})$"},
    OpenApiParameter.HEADER,
    description="Any text, up to 255 characters. If you repeat the request within a day "
    "with the same key and body, the response is the same task in its current state.",
)
SUBMISSION_HEADERS = {
    200: ["ETag", "Location", "Preference-Applied", "Idempotency-Replayed", *RATE_LIMIT],
    202: ["ETag", "Location", "Retry-After", "Preference-Applied", "Idempotency-Replayed", *RATE_LIMIT],
    429: ["Retry-After", *RATE_LIMIT],
}  # fmt: skip
"""Response headers of an operation that submits a report, by status."""
COMMON_STATUSES = (400, 405, 406, 413, 414, 431, 500)
"""Statuses of the problems that any operation may return."""
RETRYABLE = (429, 503)
"""Statuses of temporary problems, which have `Retry-After`."""


def operation(  # noqa: PLR0913  (each is one part of the description)
    operation_id: str,
    summary: str,
    *,
    tag: str,
    body: Any = None,
    responses: Mapping[Any, Any],
    headers: Mapping[int, Sequence[str]] | None = None,
    parameters: Sequence[OpenApiParameter] = (),
    problems: Sequence[int] = (),
) -> Callable[[Any], Any]:
    """Decorate a view's method with its description, and validate the query of each request.

    The method's docstring becomes the description in the OpenAPI document: it is the only
    docstring that is published.
    """
    all_responses = {**responses}
    if 401 in problems and tag != "auth":
        problems = [*problems, 403]  # until the user has chosen a password
    retry_headers = {
        status: ["Retry-After"] for status in RETRYABLE if status in problems
    }
    for status in sorted({*problems, *COMMON_STATUSES}):
        all_responses[(status, MEDIA_TYPE)] = problem_response(status)
    query_names = [p.name for p in parameters if p.location == OpenApiParameter.QUERY]
    validate = query_params.validate_query(query_names)
    add_schema = partial(
        extend_schema,
        operation_id=operation_id,
        summary=summary,
        tags=[tag],
        request=body,
        responses=all_responses,
        parameters=[
            *parameters,
            *(
                _header(name, status)
                for status, names in {**retry_headers, **(headers or {})}.items()
                for name in names
            ),
        ],
    )
    return lambda method: add_schema(description=inspect.getdoc(method))(
        validate(method)
    )


def problem_response(status: int) -> OpenApiResponse:
    """Describe the response of a problem status, with links to its codes."""
    codes = [code for code, problem in PROBLEMS.items() if problem[0] == status]
    pages = ", ".join(f"[{code}](/problems/{code})" for code in codes)
    return OpenApiResponse(problem_serializer(status), description=f"`code`: {pages}.")


class DocumentGenerator(SchemaGenerator):
    """Generator of the document in one language, by default in English."""

    def __init__(self, *args: Any, language: str = "en", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        self._language = language

    def get_schema(self, *args: Any, **kwargs: Any) -> Any:
        with override(self._language):
            document = super().get_schema(*args, **kwargs)  # type: ignore[no-untyped-call]
            return translate_document(document)


class ApiAutoSchema(AutoSchema):
    """Schema of an operation, with the properties that all operations share."""

    def get_auth(self) -> list[dict[str, Any]]:
        """Return the security schemes: an access token, however it was had, or a link."""
        schemes = {
            getattr(authenticator, "scheme", "bearer")
            for authenticator in self.view.get_authenticators()
        }
        if "bearer" in schemes:
            schemes.add("password")
        return [{scheme: []} for scheme in sorted(schemes)]

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if direction == "request" and isinstance(serializer, StrictSerializer):
            schema["additionalProperties"] = False
        return schema

    def _get_request_body(self, direction: Any = "request") -> Any:
        # The generator leaves out the body of a DELETE, which `/auth/otp` has.
        method = self.method
        if method == "DELETE" and self.get_request_serializer() is not None:
            self.method = "POST"
        try:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        finally:
            self.method = method

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        """Add the 403 of users who lack a second factor, where the view refuses them."""
        responses = super()._get_response_bodies(direction)
        refuses = HasDemandedSecondFactor in self.view.permission_classes
        if refuses and "403" not in responses:
            response = problem_response(403)
            responses["403"] = self._get_response_for_code(  # type: ignore[no-untyped-call]
                response, "403", [MEDIA_TYPE], direction
            )
        return dict(sorted(responses.items()))

    def get_override_parameters(self) -> list[Any]:
        language = OpenApiParameter(
            "Accept-Language",
            OpenApiTypes.STR,
            OpenApiParameter.HEADER,
            description="Language of titles and error texts: `pt-BR` or `en`.",
        )
        return [language]


def _header(name: str, status: int) -> OpenApiParameter:
    description, schema, example = HEADERS[name]
    return OpenApiParameter(
        name,
        schema,
        OpenApiParameter.HEADER,
        description=description,
        required=name not in OPTIONAL_HEADERS,
        examples=[OpenApiExample(name, value=example)],
        response=[status],
    )
