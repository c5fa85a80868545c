"""Documents of tasks in the OpenAPI document."""

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from api.i18n.languages import LANGUAGES
from tasks.failures import FAILURES
from tasks.progress import UNIT_LABELS
from tasks.rendering.columns import AUDIENCES, COLUMN_TYPES
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


class ProgressDocument(serializers.Serializer[Any]):
    stage = serializers.CharField(
        help_text="`queued`, `preparing`, `writing` or `finished`."
    )
    stage_label = serializers.CharField(
        help_text="Name of the stage, in the task's language."
    )
    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True)
    percent = serializers.IntegerField(allow_null=True)
    unit = serializers.ChoiceField(
        choices=list(UNIT_LABELS), help_text="What `done` and `total` count."
    )
    unit_label = serializers.CharField(
        help_text="Name of the unit, in the task's language."
    )
    ends_at = serializers.DateTimeField(
        allow_null=True,
        help_text="Estimated end of the task; null while it is not known, and when the "
        "estimate has passed.",
    )


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


class ColumnDocument(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="Member of a row; never translated.")
    title = serializers.CharField(help_text="Title for people, in the task's language.")
    type = serializers.ChoiceField(
        choices=COLUMN_TYPES,
        help_text="An `identifier` is a whole number that is no quantity, such as a year, a term "
        "or an id: show its digits without separators. A `decimal`, a `percent` or an `integer` "
        "may also have texts, such as a concept among grades. Decimals are strings, and dates "
        "are `YYYY-MM-DD`.",
    )
    labels = serializers.DictField(
        child=serializers.CharField(),
        help_text="Label for people of each code, in the task's language; empty if the cells "
        "are no codes. A cell of several codes separates them by spaces. The labels of a "
        "boolean are those of `true` and `false`.",
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add the member whose name is a keyword of Python."""
        audience = serializers.ChoiceField(
            choices=AUDIENCES,
            help_text="`programs` if tables for people leave the column out, such as an id.",
        )
        return {**super().get_fields(), "for": audience}


class ResultDocument(serializers.Serializer[Any]):
    rows = serializers.IntegerField()
    bytes = serializers.IntegerField()
    sha256 = serializers.RegexField("^[0-9a-f]{64}$")
    media_type = serializers.CharField()
    filename = serializers.CharField()
    url = LinkField()
    summary = serializers.CharField(
        allow_null=True,
        help_text="Sentence about all rows, or why there are none; null if there is nothing "
        "to say.",
    )
    columns = ColumnDocument(
        many=True,
        required=False,
        help_text="The columns of the rows, if the format is for programs (`json`, `jsonl` or "
        "`csv`), whether or not the rows are in `data`. Lists of tasks leave them out.",
    )
    data = serializers.ListField(  # type: ignore[assignment]  # a field, not the property
        child=RowField(),
        required=False,
        help_text="The rows, if the format is `json` and the file is small: 256 KiB, unless "
        "the operator sets another limit. `url` always has them.",
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
    expires_in = serializers.IntegerField(help_text="Seconds until the link expires.")


class LinksDocument(serializers.Serializer[Any]):
    self = LinkField()
    cancel = LinkField()
    rerun = LinkField()
    result = LinkField()


class TaskDocument(serializers.Serializer[Any]):
    task_id = serializers.UUIDField(help_text="Also the Celery task id.")
    report = serializers.CharField()
    title = serializers.CharField(help_text="Title of the report, in its language.")
    about = serializers.CharField(
        help_text="Names of the student, class, school and year, and other choices, as they "
        "were when the report was requested; empty if it covers all that you see."
    )
    label = serializers.CharField(  # type: ignore[assignment]  # a field, not the property
        allow_null=True, help_text="The `label` of the request."
    )
    metadata = serializers.DictField(
        child=serializers.CharField(), help_text="The `metadata` of the request."
    )
    parameters = serializers.DictField()
    format = serializers.ChoiceField(choices=FORMATS)
    format_label = serializers.CharField(
        help_text="Name of the format for people, in the task's language."
    )
    language = serializers.ChoiceField(choices=LANGUAGES)
    language_label = serializers.CharField(help_text="Name of the language, in itself.")
    state = serializers.ChoiceField(
        choices=STATES,
        help_text="Treat an unknown state as still running.",
    )
    state_label = serializers.CharField(
        help_text="Name of the state for people, in the task's language."
    )
    progress = ProgressDocument()
    queue = QueueDocument(allow_null=True)
    result = ResultDocument(allow_null=True)
    error = FailureDocument(allow_null=True)
    attempt = serializers.IntegerField()
    poll_after_ms = serializers.IntegerField(
        allow_null=True,
        help_text="Milliseconds to wait before the next poll: until the estimated end, at "
        "most five minutes; null if the state is final.",
    )
    cancel_requested_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(
        help_text="Time of the last change of the task other than its progress."
    )
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
    expiry_reason_label = serializers.CharField(
        allow_null=True, help_text="The reason for people, in the task's language."
    )
    links = LinksDocument()
