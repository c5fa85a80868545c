"""The OpenAPI document: what each operation answers, and the kinds of report spliced in."""

import json
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

from api import follow_ups, queries
from api.languages import LANGUAGES
from api.problems import MEDIA_TYPE, PROBLEMS
from api.serializers import ProblemDocument, StrictSerializer
from tasks import catalogue

HEADERS = {
    "Location": "Where the task is.",
    "Retry-After": "Whole seconds after which to ask again; absent once it is final.",
    "Idempotency-Replayed": "`true` where the key had been given before.",
    "Preference-Applied": "The wait that was granted, where one was preferred.",
    "ETag": "Of this very answer; of a file its SHA-256, weak where it is compressed.",
    "Content-Disposition": "The file's name: in ASCII, and in full.",
    "Content-Length": "Bytes in the body; absent where it is compressed.",
    "Content-Encoding": "`gzip` where you accept that and it pays.",
    "Content-Range": "Which bytes these are, and how many there are.",
    "Accept-Ranges": "`bytes`; `none` where the answer is compressed.",
    "Last-Modified": "When the file was made.",
    "Cache-Control": "It is nobody else's, and not to be kept.",
    "Referrer-Policy": "The address is not to be told to other pages.",
    "Vary": "The request's headers that the answer depends on.",
}
_HEADER_SCHEMAS: dict[str, dict[str, Any]] = {
    "Location": {"type": "string", "format": "uri-reference"},
    "Retry-After": {"type": "integer", "minimum": 1},
    "Idempotency-Replayed": {"type": "string", "const": "true"},
    "Content-Length": {"type": "integer", "minimum": 0},
}
_HEADER_EXAMPLES = {
    "ETag": '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
    "Content-Disposition": 'attachment; filename="Acoes 2026-11-25.csv"; '
    "filename*=UTF-8''A%C3%A7%C3%B5es%202026-11-25.csv",
    "Content-Length": 52311,
    "Content-Encoding": "gzip",
    "Content-Range": "bytes 1000-52310/52311",
    "Accept-Ranges": "bytes",
    "Last-Modified": "Wed, 25 Nov 2026 19:42:00 GMT",
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
}
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

_BODIES: dict[str, Any] = {
    "log_in": {"username": "teacher", "password": "demo"},
    "refresh_token": {"refresh": "$REFRESH"},
    "log_out": {"refresh": "$REFRESH"},
    "search_students": {"name": "mari"},
}
_PATH_EXAMPLES = {"{task_id}": "$TASK_ID", "{kind}": "class_performance"}


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
    for status in sorted({*problems, *EVERYWHERE}):
        codes = [code for code, (of, *_) in PROBLEMS.items() if of == status]
        responses[(status, MEDIA_TYPE)] = OpenApiResponse(
            ProblemDocument, description=f"`code`: {', '.join(codes)}."
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
                for status, names in (headers or {}).items()
                for name in names
            ),
        ],
    )
    in_query = [p.name for p in parameters if p.location == OpenApiParameter.QUERY]
    return lambda method: described(queries.checked(in_query)(method))


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


def splice_reports(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Give every kind of report its own request schema and example, and all operations a sample."""
    schemas = result["components"]["schemas"]
    mapping, examples = {}, {}
    for kind, report in catalogue.reports().items():
        name = "".join(part.capitalize() for part in kind.split("_"))
        schemas[f"{name}Parameters"] = {
            **report.parameters_schema(),
            "title": f"{name}Parameters",
        }
        schemas[f"{name}Request"] = _request_schema(kind, name, report.formats)
        mapping[kind] = f"#/components/schemas/{name}Request"
        body = {"report": kind, "parameters": dict(report.example)}
        for format in report.formats:
            examples[f"{kind}, {format}"] = {
                "summary": f"{report.title} ({format})",
                "value": {**body, "format": format},
            }
    schemas["ReportRequest"] = {
        "oneOf": [{"$ref": reference} for reference in mapping.values()],
        "discriminator": {"propertyName": "report", "mapping": mapping},
    }
    bodies = _BODIES | {"create_report": next(iter(examples.values()))["value"]}
    for path, operations in result["paths"].items():
        for method, described in operations.items():
            follow_ups.add_links(described)
            _add_sample(path, method, described, bodies)
            _add_examples(described, bodies, examples)
    return result


def _request_schema(kind: str, name: str, formats: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "report": {"type": "string", "const": kind},
            "parameters": {"$ref": f"#/components/schemas/{name}Parameters"},
            "format": {"type": "string", "enum": list(formats), "default": "json"},
            "language": {"type": "string", "enum": [code for code, _name in LANGUAGES]},
        },
        "required": ["report"],
        "additionalProperties": False,
    }


def _add_sample(
    path: str, method: str, described: dict[str, Any], bodies: dict[str, Any]
) -> None:
    """A line of curl that runs, once the variables it names are set."""
    for name, value in _PATH_EXAMPLES.items():
        path = path.replace(name, value)
    words = [f'curl -sS -X {method.upper()} "$BASE{path}"']
    if "security" in described:
        words.append('-H "Authorization: Bearer $TOKEN"')
    if body := bodies.get(described["operationId"]):
        text = json.dumps(body).replace('"', '\\"')
        words.append(f'-H "Content-Type: application/json" -d "{text}"')
    described["x-codeSamples"] = [
        {"lang": "Shell", "label": "curl", "source": " \\\n  ".join(words)}
    ]


def _add_examples(
    described: dict[str, Any], bodies: dict[str, Any], reports: dict[str, Any]
) -> None:
    """What Swagger UI fills in, so that trying it out is one click on the demo network."""
    for parameter in described.get("parameters", []):
        if parameter["name"] == "kind":
            parameter["example"] = _PATH_EXAMPLES["{kind}"]
    for content in described.get("requestBody", {}).get("content", {}).values():
        if described["operationId"] == "create_report":
            content["examples"] = reports
        else:
            content["example"] = bodies[described["operationId"]]


def _header(name: str, status: int) -> OpenApiParameter:
    return OpenApiParameter(
        name,
        _HEADER_SCHEMAS.get(name, OpenApiTypes.STR),
        OpenApiParameter.HEADER,
        description=HEADERS[name],
        examples=[OpenApiExample(name, value=_HEADER_EXAMPLES[name])]
        if name in _HEADER_EXAMPLES
        else [],
        response=[status],
    )
