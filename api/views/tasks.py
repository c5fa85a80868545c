"""`/tasks`: what was asked for, what became of it, and what it made."""

import uuid
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, cast

import django_filters
import django_filters.rest_framework
from django.core.exceptions import ValidationError
from django.http import FileResponse, HttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.views import APIView

from api import serializers
from api.auth import PollAuthentication, UserAuthentication
from api.documents import accepted, answer, moment
from api.paging import NewestFirst
from api.problems import Problem
from api.schema import operation
from school.models import User
from tasks import lifecycle
from tasks.errors import NoResult, NotEnded, TaskPurged, TooLate
from tasks.models import Task
from tasks.states import State
from tasks.telling import documents, downloads, reading
from tasks.tending import purging

ROWS = {"type": "array", "items": {"type": "object", "additionalProperties": {}}}


class InstantField(django_filters.fields.IsoDateTimeField):
    """An instant that UTC has: the first and last days of the calendar have some it lacks."""

    def to_python(self, value: Any) -> datetime | None:
        try:
            instant: datetime | None = super().to_python(value)
            return instant and instant.astimezone(UTC)
        except (OverflowError, ValueError):
            raise ValidationError("There is no such instant.", "invalid") from None


class InstantFilter(django_filters.IsoDateTimeFilter):
    field_class = InstantField


class TaskFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=[(s.value, s.value) for s in State])
    report = django_filters.CharFilter("kind")
    created_after = InstantFilter("created_at", "gt")


class TaskListing(serializers.TaskDocument):
    """The rows as documents, without the reports' own rows."""

    def to_representation(self, instance: Task) -> dict[str, Any]:
        document = documents.build(instance, with_data=False)
        row = reading.Reading(instance.pk, instance.state, instance.queue, b"", {})
        return {**document, **moment(row)}


class Tasks(ListAPIView[Task]):
    queryset = Task.objects.none()
    serializer_class = TaskListing
    pagination_class = NewestFirst
    filter_backends = [django_filters.rest_framework.DjangoFilterBackend]
    filterset_class = TaskFilter

    def get_queryset(self) -> Any:
        return Task.objects.filter(requester=self.request.user.pk)

    @operation(
        "list_tasks",
        "Your tasks, newest first",
        tag="tasks",
        answers={200: TaskListing(many=True)},
        problems=[400, 401, 404, 503],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Without `result.data`; follow `next` for older ones."""
        return super().get(request, *args, **kwargs)


class TaskDetail(APIView):
    authentication_classes = [PollAuthentication]

    def get_authenticators(self) -> list[Any]:
        # On the token's word alone a poll is answered, and nothing is erased.
        if self.request and self.request.method == "DELETE":
            return [UserAuthentication()]
        return list(super().get_authenticators())

    @operation(
        "get_task",
        "What became of a task",
        tag="tasks",
        answers={200: serializers.TaskDocument},
        headers={200: ["Retry-After"]},
        problems=[401, 404, 410, 503],
    )
    def get(self, request: Request, task_id: uuid.UUID) -> HttpResponse:
        """Poll this. Ask again after `Retry-After` seconds, or `poll_after_ms`, until
        `state` is final."""
        token = cast(Any, request.auth)
        read = reading.read(
            task_id, viewer_id=int(token["user_id"]), stamp=token.get("stamp", -1)
        )
        return answer(read)

    @operation(
        "delete_task",
        "Erase a task",
        tag="tasks",
        answers={204: None},
        problems=[401, 404, 409, 410, 503],
    )
    def delete(self, request: Request, task_id: uuid.UUID) -> HttpResponse:
        """All that a task which has ended holds goes at once: its result, its file, and
        what was asked. That there was one is answered with 410 for a year."""
        viewer = cast(User, request.user)
        try:
            purging.delete(reading.own_task(task_id, viewer), viewer)
        except NotEnded as early:
            raise Problem("not_ended", task=TaskListing(early.task).data) from None
        return HttpResponse(status=HTTPStatus.NO_CONTENT)


class TaskCancel(APIView):
    @operation(
        "cancel_task",
        "Cancel a task",
        tag="tasks",
        answers={202: serializers.TaskDocument},
        headers={202: ["Location", "Retry-After"]},
        problems=[401, 404, 409, 410, 503],
    )
    def post(self, request: Request, task_id: uuid.UUID) -> HttpResponse:
        """A queued task ends at once, a running one within seconds. May be repeated."""
        task = reading.own_task(task_id, cast(User, request.user))
        try:
            return accepted(reading.describe(lifecycle.cancel(task)))
        except TooLate as late:
            raise Problem("too_late", task=TaskListing(late.task).data) from None
        except Task.DoesNotExist:
            raise TaskPurged from None  # since it was read


class TaskResult(APIView):
    @operation(
        "get_result",
        "The file a task made",
        tag="tasks",
        answers={(200, "application/json"): ROWS,
                 (200, "text/csv"): OpenApiTypes.BINARY},
        headers={200: ["ETag", "Content-Disposition"]},
        problems=[401, 404, 409, 410, 503],
    )  # fmt: skip
    def get(self, request: Request, task_id: uuid.UUID) -> FileResponse:
        try:
            download = downloads.open_result(task_id, cast(User, request.user))
        except NoResult as none:
            wait = None if none.task.is_final else 1
            document = TaskListing(none.task).data
            raise Problem("no_result", wait=wait, task=document) from None
        response = FileResponse(
            download.file,
            as_attachment=True,
            filename=download.filename,
            content_type=download.media_type,
        )
        response["ETag"] = f'"{download.sha256}"'
        response["Cache-Control"] = "private, no-store"
        return response
