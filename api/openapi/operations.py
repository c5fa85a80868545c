"""What the OpenAPI document says of each operation: its answers, headers and parameters."""

from collections.abc import Callable, Mapping, Sequence
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

from api.http import query_params
from api.problems.registry import MEDIA_TYPE, PROBLEMS
from api.serializers.tasks import StrictSerializer, problem_serializer

NON_NEGATIVE_INTEGER = {"type": "integer", "minimum": 0}
STRING = {"type": "string"}

# name: (what it says, its schema, an example)
HEADERS: dict[str, tuple[str, dict[str, Any], str | int]] = {
    "Location": ("Where the task is.", {**STRING, "format": "uri-reference"}, "/tasks/01a20946-63d7-7452-9ebd-6b7659a55ab6"),
    "Retry-After": ("Whole seconds after which to ask again; absent once it is final.", {**NON_NEGATIVE_INTEGER, "minimum": 1}, 2),
    "Idempotency-Replayed": ("`true` where the key had been given before.", {**STRING, "const": "true"}, "true"),
    "Link": ("The pages beside this one, as `next` and `previous` of the body (RFC 8288).", STRING, '</tasks?cursor=cD0w>; rel="next"'),
    "Preference-Applied": ("The wait that was granted, where one was preferred.", STRING, "wait=20"),
    "ETag": ("Of this very answer; of a file its SHA-256, weak where it is compressed.", STRING, '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"'),
    "Content-Disposition": ("The file's name: in ASCII, and in full.", STRING, 'attachment; filename="Acoes 2026-11-25.csv"; filename*=UTF-8\'\'A%C3%A7%C3%B5es%202026-11-25.csv'),
    "Content-Length": ("Bytes in the body; absent where it is compressed.", NON_NEGATIVE_INTEGER, 52311),
    "Content-Encoding": ("`gzip` where you accept that and it pays.", {**STRING, "const": "gzip"}, "gzip"),
    "Content-Range": ("Which bytes these are, and how many there are.", STRING, "bytes 1000-52310/52311"),
    "Accept-Ranges": ("`bytes`; `none` where the answer is compressed.", {**STRING, "enum": ["bytes", "none"]}, "bytes"),
    "Last-Modified": ("When the file was made.", STRING, "Wed, 25 Nov 2026 19:42:00 GMT"),
    "Cache-Control": ("It is nobody else's, and not to be kept.", STRING, "private, no-store"),
    "Referrer-Policy": ("The address is not to be told to other pages.", STRING, "no-referrer"),
    "Vary": ("The request's headers that the answer depends on.", STRING, "Accept-Encoding"),
}  # fmt: skip
# Those that no operation names: the status alone decides.
COMMON_HEADER = "X-Request-ID"
HEADER_BY_STATUS = {"401": "WWW-Authenticate", "405": "Allow"}
SHARED_HEADERS: dict[str, tuple[str, str]] = {
    "X-Request-ID": ("Under which our log tells of the request: yours if you sent one that can be logged, or ours.", "7d0f4a52-1c3e-4b6f-9a57-2f1f0c1f7b11"),
    "WWW-Authenticate": ("How to say who you are.", 'Bearer realm="api"'),
    "Allow": ("The methods there are.", "GET, POST, HEAD, OPTIONS"),
}  # fmt: skip
OPTIONAL_HEADERS = {
    "Retry-After",  # not once the task is final
    "Idempotency-Replayed",
    "Link",
    "Preference-Applied",
    "Content-Encoding", "Content-Length",  # one where it is compressed, one where not
}  # fmt: skip
"""Headers that an answer has only where there is something to say."""
WAIT = OpenApiParameter(
    "wait",
    {"type": "integer", "minimum": 0, "maximum": 999_999},
    OpenApiParameter.QUERY,
    description="Seconds to wait, as `Prefer: wait=N`, for clients that cannot set headers.",
)
PREFER = OpenApiParameter(
    "Prefer",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="`wait=N`: the answer may take that many seconds, at most 25.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The `ETag` of the document the client has.",
)
COMMON_STATUSES = (400, 405, 406, 414, 431, 500)
"""Problems that any operation may answer."""
RETRYABLE = (429, 503)
"""Problems that pass: their `Retry-After` says when to try again."""


def operation(  # noqa: PLR0913  (each is a part of the description)
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
    """Describe a view's method, whose docstring is the description; and hold the query of
    each request to it."""
    all_responses = {**responses}
    retry_headers = {
        status: ["Retry-After"] for status in RETRYABLE if status in problems
    }
    for status in sorted({*problems, *COMMON_STATUSES}):
        codes = [
            code
            for code, (problem_status, *_) in PROBLEMS.items()
            if problem_status == status
        ]
        pages = ", ".join(f"[{code}](/problems/{code})" for code in codes)
        all_responses[(status, MEDIA_TYPE)] = OpenApiResponse(
            problem_serializer(status), description=f"`code`: {pages}."
        )
    add_schema = extend_schema(
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
    query_names = [p.name for p in parameters if p.location == OpenApiParameter.QUERY]
    return lambda method: add_schema(query_params.validate_query(query_names)(method))


class EnglishGenerator(SchemaGenerator):
    """The document is one, and the same whoever asks for it."""

    def get_schema(self, *args: Any, **kwargs: Any) -> Any:
        with override("en"):
            return super().get_schema(*args, **kwargs)  # type: ignore[no-untyped-call]


class ApiAutoSchema(AutoSchema):
    """DRF's views as they are, but for what all of this API has."""

    def get_auth(self) -> list[dict[str, Any]]:
        """However we look at it, to the client it is one access token; or a link."""
        schemes = (
            getattr(authenticator, "scheme", "bearer")
            for authenticator in self.view.get_authenticators()
        )
        return [{scheme: []} for scheme in sorted(set(schemes))]

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if direction == "request" and isinstance(serializer, StrictSerializer):
            schema["additionalProperties"] = False
        return schema

    def get_override_parameters(self) -> list[Any]:
        language = OpenApiParameter(
            "Accept-Language",
            OpenApiTypes.STR,
            OpenApiParameter.HEADER,
            description="`pt-BR` or `en`: of titles and errors.",
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
