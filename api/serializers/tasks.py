"""Serializers that parse request bodies and describe responses in the OpenAPI document."""

from functools import cache
from http import HTTPStatus
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from api.i18n.languages import LANGUAGES
from api.serializers.strict import StrictSerializer
from tasks.failures import FAILURES
from tasks.reporting import registry
from tasks.states import State

FORMATS = list(registry.format_classes())
STATES = [(state.value, state.name) for state in State]


@extend_schema_field({"type": "string", "format": "uri-reference"})
class LinkField(serializers.CharField):
    """URL reference: a path, prefixed with the public URL if one is set."""


@extend_schema_field({"$ref": "#/components/schemas/Row"})
class RowField(serializers.DictField):
    """Row of a report: its cells by column name."""


@extend_schema_field({"$ref": "#/components/schemas/ReportRequest"})
class RequestField(serializers.DictField):
    """Complete body of `POST /reports`."""


class ReportSerializer(StrictSerializer):
    report = serializers.CharField(max_length=60)
    parameters = serializers.JSONField(default=dict)
    format = serializers.CharField(max_length=20, default="json")
    language = serializers.ChoiceField(choices=LANGUAGES, required=False)


class TokenPair(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()
    expires_in = serializers.IntegerField(
        help_text="Seconds until the access token expires."
    )
    refresh_expires_in = serializers.IntegerField(
        help_text="Seconds until the refresh token expires."
    )
    access_token = serializers.CharField(
        help_text="The same as `access`: its name in OAuth 2.0 (RFC 6749)."
    )
    token_type = serializers.ChoiceField(["Bearer"])


class ProgressDocument(serializers.Serializer[Any]):
    stage = serializers.CharField(
        help_text="`queued`, `preparing`, `writing` or `finished`."
    )
    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True)
    percent = serializers.IntegerField(allow_null=True)


class QueueDocument(serializers.Serializer[Any]):
    position = serializers.IntegerField(help_text="1 is the next task to start.")
    estimated_wait_seconds = serializers.IntegerField(allow_null=True)


class ReasonDocument(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()
    count = serializers.IntegerField()
    examples = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="For `signs_not_in_fonts`, the first of the texts that the PDF cannot show.",
    )


class SkippedDocument(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    reasons = ReasonDocument(many=True)


class ResultDocument(serializers.Serializer[Any]):
    rows = serializers.IntegerField()
    bytes = serializers.IntegerField()
    sha256 = serializers.RegexField("^[0-9a-f]{64}$")
    media_type = serializers.CharField()
    filename = serializers.CharField()
    url = LinkField()
    summary = serializers.CharField(
        allow_null=True, help_text="Why the report is empty; null if it has rows."
    )
    data = serializers.ListField(  # type: ignore[assignment]  # a field, not the property
        child=RowField(),
        required=False,
        help_text="The rows, if the format is `json` and the file has at most "
        f"{settings.INLINE_RESULT_BYTES} bytes. `url` always has them.",
    )
    skipped = SkippedDocument()
    data_as_of = serializers.DateTimeField()


@extend_schema_serializer(
    description="Why the task failed, as a problem in the task's language."
)
class FailureDocument(serializers.Serializer[Any]):
    type = LinkField(help_text="Page about failures with this code.")
    title = serializers.CharField()
    code = serializers.ChoiceField(choices=list(FAILURES))
    detail = serializers.CharField()
    reference = serializers.CharField(
        required=False,
        help_text="Reference to the server's log, for the code `internal`.",
    )


class ResultLink(serializers.Serializer[Any]):
    url = LinkField(help_text="Fetches the file without any header.")
    expires_at = serializers.DateTimeField()


class LinksDocument(serializers.Serializer[Any]):
    self = LinkField()
    cancel = LinkField()
    result = LinkField()


class TaskDocument(serializers.Serializer[Any]):
    task_id = serializers.UUIDField(help_text="Also the Celery task id.")
    report = serializers.CharField()
    parameters = serializers.DictField()
    format = serializers.ChoiceField(choices=FORMATS)
    language = serializers.ChoiceField(choices=LANGUAGES)
    state = serializers.ChoiceField(
        choices=STATES,
        help_text="Treat an unknown state as still running.",
    )
    progress = ProgressDocument()
    queue = QueueDocument(allow_null=True)
    result = ResultDocument(allow_null=True)
    error = FailureDocument(allow_null=True)
    attempt = serializers.IntegerField()
    poll_after_ms = serializers.IntegerField(
        allow_null=True,
        help_text="Milliseconds to wait before the next poll; null if the state is final.",
    )
    cancel_requested_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="Time at which parameters and result are erased."
    )
    expiry_reason = serializers.CharField(
        allow_null=True,
        help_text="Reason why the result of an `expired` task was erased: `retention` "
        "(it ended), `storage_limit` (it made room for others) or `file_lost`.",
    )
    links = LinksDocument()


class LookupDocument(serializers.Serializer[Any]):
    method = serializers.ChoiceField(choices=["GET", "POST"])
    href = serializers.CharField()
    value = serializers.CharField(
        help_text="Member of a result to send as the parameter."
    )
    label = serializers.CharField(help_text="Member of a result to show to the user.")  # type: ignore[assignment]


class CatalogueEntry(serializers.Serializer[Any]):
    report = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    formats = serializers.ListField(child=serializers.ChoiceField(choices=FORMATS))
    parameters = serializers.DictField(help_text="JSON Schema of the parameters.")
    lookups = serializers.DictField(
        child=LookupDocument(),
        help_text="Request that lists the records you may name, by parameter.",
    )
    example = RequestField()
    median_seconds = serializers.FloatField(
        allow_null=True,
        help_text="Median duration of recent reports; null if there are none.",
    )


class Catalogue(serializers.Serializer[Any]):
    results = CatalogueEntry(many=True)


class FieldErrorDocument(serializers.Serializer[Any]):
    pointer = serializers.CharField(
        allow_blank=True,
        help_text="JSON Pointer into the body; empty for the whole body.",
    )
    code = serializers.CharField()
    detail = serializers.CharField()


class LoadDocument(serializers.Serializer[Any]):
    own_queued = serializers.IntegerField(help_text="Your queued tasks.")
    own_running = serializers.IntegerField(help_text="Your running tasks.")
    queue_length = serializers.IntegerField(help_text="All queued tasks of that queue.")
    limit = serializers.IntegerField(
        help_text="Limit of your active tasks or of all queued tasks, depending on `code`."
    )


class StorageDocument(serializers.Serializer[Any]):
    stored_bytes = serializers.IntegerField(help_text="Size of your stored results.")
    limit_bytes = serializers.IntegerField(help_text="Size that they may have.")


class ProblemDocument(serializers.Serializer[Any]):
    """Members of every problem document (RFC 9457)."""

    type = LinkField(help_text="Page about problems with this code.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(
        help_text="Sentence for the person in front of the program."
    )
    developer_detail = serializers.CharField(help_text="Advice for the programmer.")
    instance = serializers.CharField(help_text="Path of the request.")
    code = serializers.CharField(help_text="Stable code, intended for programs.")
    request_id = serializers.CharField(
        allow_blank=True, help_text="Id of the request in the server's log."
    )


@cache
def problem_serializer(status: int) -> type[ProblemDocument]:
    """Return the serializer of the problems of a status, with their additional members."""
    members: dict[str, Any] = {}
    if status == HTTPStatus.BAD_REQUEST:
        members["errors"] = FieldErrorDocument(many=True, required=False)
    if status == HTTPStatus.CONFLICT:
        members["task"] = TaskDocument()
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        members["load"] = LoadDocument(required=False)
        members["storage"] = StorageDocument(required=False)
    serializer = type(f"Problem{status}", (ProblemDocument,), members)
    return extend_schema_serializer(
        component_name=f"Problem{status}", description="Problem details (RFC 9457)."
    )(serializer)
