"""Problem documents (RFC 9457) in the OpenAPI document."""

from functools import cache
from http import HTTPStatus
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from api.serializers.tasks import LinkField, TaskDocument
from tasks.states import ExpiryReason


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
    if status == HTTPStatus.GONE:
        members["expiry_reason"] = serializers.ChoiceField(
            choices=[reason.value for reason in ExpiryReason],
            required=False,
            help_text="Reason why the result was erased, for the code `result_expired`.",
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        members["load"] = LoadDocument(required=False)
        members["storage"] = StorageDocument(required=False)
    serializer = type(f"Problem{status}", (ProblemDocument,), members)
    return extend_schema_serializer(
        component_name=f"Problem{status}", description="Problem details (RFC 9457)."
    )(serializer)
