"""The shapes of requests and answers, for reading the first and describing the second."""

from functools import cache
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from api.i18n.languages import LANGUAGES
from tasks.errors import FAILURES
from tasks.reporting import registry
from tasks.states import State

FORMATS = list(registry.format_classes())
STATES = [(state.value, state.name) for state in State]


@extend_schema_field({"type": "string", "format": "uri-reference"})
class LinkField(serializers.CharField):
    """A path, after the public URL if there is one."""


@extend_schema_field({"$ref": "#/components/schemas/Row"})
class RowField(serializers.DictField):
    """A row of a report: its cells by the names of the columns."""


@extend_schema_field({"$ref": "#/components/schemas/ReportRequest"})
class RequestField(serializers.DictField):
    """A whole body for `POST /reports`."""


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses members it does not know, by name."""

    def to_internal_value(self, data: Any) -> Any:
        field_names = {
            name for name, field in self.fields.items() if not field.read_only
        }
        if isinstance(data, dict) and (unknown := data.keys() - field_names):
            error = ErrorDetail(_("There is no such member."), "unknown_field")
            raise ValidationError(
                {_escape_pointer(name): [error] for name in sorted(unknown)}
            )
        return super().to_internal_value(data)


class ReportSerializer(StrictSerializer):
    report = serializers.CharField(max_length=60)
    parameters = serializers.JSONField(default=dict)
    format = serializers.CharField(max_length=20, default="json")
    language = serializers.ChoiceField(choices=LANGUAGES, required=False)


class TokenPair(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()


class ProgressDocument(serializers.Serializer[Any]):
    stage = serializers.CharField(
        help_text="`queued`, `preparing`, `writing` or `finished`."
    )
    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True)
    percent = serializers.IntegerField(allow_null=True)


class QueueDocument(serializers.Serializer[Any]):
    position = serializers.IntegerField(help_text="1 is the next to be made.")
    estimated_wait_seconds = serializers.IntegerField(allow_null=True)


class ReasonDocument(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()
    count = serializers.IntegerField()


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
        allow_null=True, help_text="Why there is no row, where there is none."
    )
    data = serializers.ListField(  # type: ignore[assignment]  # a field, no property
        child=RowField(),
        required=False,
        help_text="The rows themselves: format `json`, up to "
        f"{settings.INLINE_RESULT_BYTES} bytes. Past that `url` has them.",
    )
    skipped = SkippedDocument()
    data_as_of = serializers.DateTimeField()


class FailureDocument(serializers.Serializer[Any]):
    """What the report ended by, as a problem: in the task's language."""

    type = LinkField(help_text="A page about failures of this code.")
    title = serializers.CharField()
    code = serializers.ChoiceField(choices=list(FAILURES))
    detail = serializers.CharField()
    reference = serializers.CharField(
        required=False, help_text="Where our log tells more, of what is `internal`."
    )


class ResultLink(serializers.Serializer[Any]):
    url = LinkField(help_text="Fetches the file, without any header.")
    expires_at = serializers.DateTimeField()


class LinksDocument(serializers.Serializer[Any]):
    self = LinkField()
    cancel = LinkField()
    result = LinkField()


class TaskDocument(serializers.Serializer[Any]):
    task_id = serializers.UUIDField(help_text="It is the Celery task id, too.")
    report = serializers.CharField()
    parameters = serializers.DictField()
    format = serializers.ChoiceField(choices=FORMATS)
    language = serializers.ChoiceField(choices=LANGUAGES)
    state = serializers.ChoiceField(
        choices=STATES,
        help_text="Treat one that you do not know as still running.",
    )
    progress = ProgressDocument()
    queue = QueueDocument(allow_null=True)
    result = ResultDocument(allow_null=True)
    error = FailureDocument(allow_null=True)
    attempt = serializers.IntegerField()
    poll_after_ms = serializers.IntegerField(
        allow_null=True, help_text="When to ask again; null once the state is final."
    )
    cancel_requested_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="Parameters and result are erased then."
    )
    links = LinksDocument()


class LookupDocument(serializers.Serializer[Any]):
    method = serializers.ChoiceField(choices=["GET", "POST"])
    href = serializers.CharField()
    value = serializers.CharField(help_text="The member of a result to send.")
    label = serializers.CharField(help_text="The member of a result to show.")  # type: ignore[assignment]


class CatalogueEntry(serializers.Serializer[Any]):
    report = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    formats = serializers.ListField(child=serializers.ChoiceField(choices=FORMATS))
    parameters = serializers.DictField(help_text="JSON Schema of the parameters.")
    lookups = serializers.DictField(
        child=LookupDocument(),
        help_text="For parameters that name a record: what lists those you may name.",
    )
    example = RequestField()
    median_seconds = serializers.FloatField(
        allow_null=True, help_text="How long it took lately; null while none was made."
    )


class Catalogue(serializers.Serializer[Any]):
    results = CatalogueEntry(many=True)


class FieldErrorDocument(serializers.Serializer[Any]):
    pointer = serializers.CharField(
        allow_blank=True, help_text="JSON Pointer into the body; empty for all of it."
    )
    code = serializers.CharField()
    detail = serializers.CharField()


class LoadDocument(serializers.Serializer[Any]):
    own_queued = serializers.IntegerField(help_text="Your tasks that wait.")
    own_running = serializers.IntegerField(help_text="Your tasks that are being made.")
    queue_length = serializers.IntegerField(help_text="All tasks waiting in the queue.")
    limit = serializers.IntegerField(
        help_text="Of your tasks that wait or run, or of all that wait: see `code`."
    )


class ProblemDocument(serializers.Serializer[Any]):
    """RFC 9457."""

    type = LinkField(help_text="A page about problems of this code.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField(help_text="The path of the request.")
    code = serializers.CharField(help_text="Stable, for programs.")
    request_id = serializers.CharField(
        allow_blank=True, help_text="By which our log tells of the request."
    )


@cache
def problem_serializer(status: int) -> type[ProblemDocument]:
    """What problems of that status look like, with the members that some of them have."""
    members: dict[str, Any] = {}
    if status == HTTPStatus.BAD_REQUEST:
        members["errors"] = FieldErrorDocument(many=True, required=False)
    if status == HTTPStatus.CONFLICT:
        members["task"] = TaskDocument()
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        members["load"] = LoadDocument(required=False)
    serializer = type(f"Problem{status}", (ProblemDocument,), members)
    return extend_schema_serializer(component_name=f"Problem{status}")(serializer)


class HealthDocument(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["ok", "unavailable"])
    checks = serializers.DictField(child=serializers.BooleanField(), required=False)


def _escape_pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
