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
from api.serializers.tasks import StrictSerializer, problem_of

WHOLE = {"type": "integer", "minimum": 0}
TEXT = {"type": "string"}

# name: (what it says, its schema, an example)
HEADERS: dict[str, tuple[str, dict[str, Any], str | int]] = {
    "Location": ("Where the task is.", {**TEXT, "format": "uri-reference"}, "/tasks/01a20946-63d7-7452-9ebd-6b7659a55ab6"),
    "Retry-After": ("Whole seconds after which to ask again; absent once it is final.", {**WHOLE, "minimum": 1}, 2),
    "Idempotency-Replayed": ("`true` where the key had been given before.", {**TEXT, "const": "true"}, "true"),
    "Link": ("The pages beside this one, as `next` and `previous` of the body (RFC 8288).", TEXT, '</tasks?cursor=cD0w>; rel="next"'),
    "Preference-Applied": ("The wait that was granted, where one was preferred.", TEXT, "wait=20"),
    "ETag": ("Of this very answer; of a file its SHA-256, weak where it is compressed.", TEXT, '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"'),
    "Content-Disposition": ("The file's name: in ASCII, and in full.", TEXT, 'attachment; filename="Acoes 2026-11-25.csv"; filename*=UTF-8\'\'A%C3%A7%C3%B5es%202026-11-25.csv'),
    "Content-Length": ("Bytes in the body; absent where it is compressed.", WHOLE, 52311),
    "Content-Encoding": ("`gzip` where you accept that and it pays.", {**TEXT, "const": "gzip"}, "gzip"),
    "Content-Range": ("Which bytes these are, and how many there are.", TEXT, "bytes 1000-52310/52311"),
    "Accept-Ranges": ("`bytes`; `none` where the answer is compressed.", {**TEXT, "enum": ["bytes", "none"]}, "bytes"),
    "Last-Modified": ("When the file was made.", TEXT, "Wed, 25 Nov 2026 19:42:00 GMT"),
    "Cache-Control": ("It is nobody else's, and not to be kept.", TEXT, "private, no-store"),
    "Referrer-Policy": ("The address is not to be told to other pages.", TEXT, "no-referrer"),
    "Vary": ("The request's headers that the answer depends on.", TEXT, "Accept-Encoding"),
}  # fmt: skip
# Those that no operation names: the status alone decides.
OF_EVERY_ANSWER = "X-Request-ID"
OF_STATUS = {"401": "WWW-Authenticate", "405": "Allow"}
SHARED: dict[str, tuple[str, str]] = {
    "X-Request-ID": ("Under which our log tells of the request: yours if you sent one that can be logged, or ours.", "7d0f4a52-1c3e-4b6f-9a57-2f1f0c1f7b11"),
    "WWW-Authenticate": ("How to say who you are.", 'Bearer realm="api"'),
    "Allow": ("The methods there are.", "GET, POST, HEAD, OPTIONS"),
}  # fmt: skip
SOMETIMES = {
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
EVERYWHERE = (400, 405, 406, 414, 431, 500)
"""Problems that any operation may answer."""
PASSING = (429, 503)
"""Problems that pass: their `Retry-After` says when to try again."""


def operation(  # noqa: PLR0913  (each is a part of the description)
    operation_id: str,
    summary: str,
    *,
    tag: str,
    body: Any = None,
    answers: Mapping[Any, Any],
    headers: Mapping[int, Sequence[str]] | None = None,
    parameters: Sequence[OpenApiParameter] = (),
    problems: Sequence[int] = (),
) -> Callable[[Any], Any]:
    """Describe a view's method, whose docstring is the description; and hold the query of
    each request to it."""
    responses = {**answers}
    told = {status: ["Retry-After"] for status in PASSING if status in problems}
    for status in sorted({*problems, *EVERYWHERE}):
        codes = [code for code, (of, *_) in PROBLEMS.items() if of == status]
        pages = ", ".join(f"[{code}](/problems/{code})" for code in codes)
        responses[(status, MEDIA_TYPE)] = OpenApiResponse(
            problem_of(status), description=f"`code`: {pages}."
        )
    described = extend_schema(
        operation_id=operation_id,
        summary=summary,
        tags=[tag],
        request=body,
        responses=responses,
        parameters=[
            *parameters,
            *(
                _header(name, status)
                for status, names in {**told, **(headers or {})}.items()
                for name in names
            ),
        ],
    )
    in_query = [p.name for p in parameters if p.location == OpenApiParameter.QUERY]
    return lambda method: described(query_params.checked(in_query)(method))


class EnglishGenerator(SchemaGenerator):
    """The document is one, and the same whoever asks for it."""

    def get_schema(self, *args: Any, **kwargs: Any) -> Any:
        with override("en"):
            return super().get_schema(*args, **kwargs)  # type: ignore[no-untyped-call]


class ApiAutoSchema(AutoSchema):
    """DRF's views as they are, but for what all of this API has."""

    def get_auth(self) -> list[dict[str, Any]]:
        """However we look at it, to the client it is one access token; or a link."""
        ways = (
            getattr(way, "scheme", "bearer") for way in self.view.get_authenticators()
        )
        return [{scheme: []} for scheme in sorted(set(ways))]

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
        required=name not in SOMETIMES,
        examples=[OpenApiExample(name, value=example)],
        response=[status],
    )
