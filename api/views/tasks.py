"""Views of `/tasks`: list, poll, cancel, delete and rerun tasks."""

import uuid
from functools import partial
from http import HTTPStatus
from typing import Any, cast

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_serializer
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.views import APIView

from api.auth.authentication import PollAuthentication, UserAuthentication
from api.auth.tokens import AccessClaims
from api.http import admission
from api.http.filtering import ListFilterBackend
from api.http.long_polling import WaitPreference, wait_for_change
from api.http.pagination import NewestFirstPagination, build_link_header
from api.http.submissions import read_idempotency_key, submit_and_respond
from api.http.task_lists import TaskPage, list_response, wait_for_list_change
from api.http.task_responses import (
    Advice,
    accepted,
    matches_etag,
    not_modified,
    task_response,
)
from api.openapi.operations import (
    IDEMPOTENCY_KEY,
    IF_NONE_MATCH,
    PREFER,
    PROGRESS,
    SUBMISSION_HEADERS,
    WAIT,
    operation,
)
from api.problems.registry import Problem
from api.serializers import tasks
from api.views.task_filters import TaskFilter
from school.models import User
from tasks import lifecycle
from tasks.errors import TaskFinished, TaskNotFinished, TaskPurged
from tasks.maintenance import retention
from tasks.models import Task
from tasks.status import document as task_document
from tasks.status import lists, reader
from tasks.submission.service import rerun_task

REFUSED_WAIT_SECONDS = 10
"""Advice to a client whose wait is refused and whose list has no estimate."""


@extend_schema_serializer(description="A task without `result.data`.")
class TaskListing(tasks.TaskDocument):
    """Serializer of task rows, without the rows of the report."""

    def to_representation(self, instance: Task) -> dict[str, Any]:
        advice = Advice.for_task(reader.without_body(instance))
        fields = task_document.build_document(instance, with_data=False)
        fields["progress"]["ends_at"] = advice.ends_at
        return {**fields, **advice.to_json()}


class Tasks(ListAPIView[Task]):
    queryset = Task.objects.none()
    serializer_class = TaskListing
    pagination_class = NewestFirstPagination
    filter_backends = [ListFilterBackend]
    filterset_class = TaskFilter

    def get_queryset(self) -> Any:
        return lists.tasks_for(cast(User, self.request.user))

    @operation(
        "list_tasks",
        "Your tasks, newest first",
        tag="tasks",
        responses={200: TaskListing(many=True), 304: None},
        parameters=[WAIT, PROGRESS, PREFER, IF_NONE_MATCH],
        headers={
            200: ["ETag", "Link", "Retry-After", "Preference-Applied"],
            304: ["ETag", "Retry-After", "Preference-Applied"],
        },
        problems=[400, 401, 503],
    )
    def get(self, request: Request) -> HttpResponse:
        """Returns the tasks without `result.data`. Follow `next` for older tasks. Filters
        combine: `?state=queued,running&class_id=1`. `updated_after` with the newest
        `updated_at` that you know, less a few seconds, finds what has changed since.

        With `Prefer: wait=N` and the `ETag` as `If-None-Match` one request follows all that
        the filters leave: the response is sent as soon as a task appears, changes or goes,
        or after ten seconds if only the progress has changed; 304 if nothing has. Send the
        first request without a wait: without an `ETag` it waits for the next change."""
        claims = cast(AccessClaims, request.auth)
        requested_wait = WaitPreference.from_request(request)
        with requested_wait.reserve(
            claims.user_id, admission.list_waits
        ) as wait_preference:
            page = wait_for_list_change(
                request, self._read_page, self._read_page_again, wait_preference.seconds
            )
        response = list_response(request, page)
        if requested_wait.seconds > wait_preference.seconds:
            # Otherwise a client that only ever waits would repeat the request without pause.
            response.headers.setdefault("Retry-After", str(REFUSED_WAIT_SECONDS))
        if link := build_link_header(page.members):
            response["Link"] = link
        return wait_preference.set_header(response)

    def _read_page(self) -> TaskPage:
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        members = cast(NewestFirstPagination, self.paginator).get_members()
        return TaskPage(lists.list_snapshots(rows or []), members)

    def _read_page_again(self) -> TaskPage:
        """Read the page after a wait, in which the viewer's rights may have changed."""
        claims = cast(AccessClaims, self.request.auth)
        self.request.user = reader.load_viewer(claims.user_id, claims.generation)
        return self._read_page()


class TaskDetail(APIView):
    authentication_classes = [PollAuthentication]

    def get_authenticators(self) -> list[Any]:
        # A poll trusts the token alone; a delete checks the user in the database.
        if self.request and self.request.method == "DELETE":
            return [UserAuthentication()]
        return list(super().get_authenticators())

    @operation(
        "get_task",
        "Poll a task",
        tag="tasks",
        responses={200: tasks.TaskDocument, 304: None},
        parameters=[WAIT, PROGRESS, PREFER, IF_NONE_MATCH],
        headers={
            200: ["ETag", "Retry-After", "Preference-Applied"],
            304: ["ETag", "Retry-After", "Preference-Applied"],
        },
        problems=[400, 401, 404, 410, 503],
    )
    def get(self, request: Request, task_id: uuid.UUID) -> HttpResponse:
        """Repeat the request after `poll_after_ms` (`Retry-After` in whole seconds), until
        `state` is final. With `Prefer: wait=N` the response is sent as soon as the state
        changes, or after ten seconds if only the progress has changed. With `If-None-Match`
        the response is 304 if the document is unchanged."""
        claims = cast(AccessClaims, request.auth)
        read_task = partial(
            reader.read_snapshot,
            task_id,
            viewer_id=claims.user_id,
            token_version=None if claims.is_restricted else claims.access_version,
            generation=claims.generation,
        )
        with WaitPreference.from_request(request).reserve(
            claims.user_id
        ) as wait_preference:
            snapshot = wait_for_change(
                request, task_id, read_task, wait_preference.seconds
            )
        response = (
            not_modified(snapshot)
            if matches_etag(request, snapshot)
            else task_response(snapshot)
        )
        return wait_preference.set_header(response)

    @operation(
        "delete_task",
        "Delete a task",
        tag="tasks",
        responses={204: None},
        problems=[401, 404, 409, 410, 503],
    )
    def delete(self, request: Request, task_id: uuid.UUID) -> HttpResponse:
        """Erases a finished task at once: its parameters, its result and the file. For a
        year, requests for it return 410."""
        viewer = cast(User, request.user)
        try:
            retention.delete_task(reader.get_task_for(task_id, viewer), viewer)
        except TaskNotFinished as error:
            raise Problem(
                "task_not_finished", task=TaskListing(error.task).data
            ) from None
        return HttpResponse(status=HTTPStatus.NO_CONTENT)


class TaskCancel(APIView):
    @operation(
        "cancel_task",
        "Cancel a task",
        tag="tasks",
        responses={202: tasks.TaskDocument},
        headers={202: ["Location", "Retry-After"]},
        problems=[401, 404, 409, 410, 503],
    )
    def post(self, request: Request, task_id: uuid.UUID) -> HttpResponse:
        """Cancels a queued task at once and a running one within seconds. May be repeated."""
        viewer = cast(User, request.user)
        try:
            lifecycle.cancel(reader.get_task_for(task_id, viewer))
            snapshot = reader.read_snapshot(
                task_id,
                viewer_id=viewer.pk,
                token_version=viewer.access_version,
                generation=viewer.session_generation,
            )
            return accepted(snapshot)
        except TaskFinished as error:
            raise Problem("task_finished", task=TaskListing(error.task).data) from None
        except Task.DoesNotExist:
            raise TaskPurged from None  # purged since it was read


class TaskRerun(APIView):
    @operation(
        "rerun_task",
        "Request the same report again",
        tag="tasks",
        responses={200: tasks.TaskDocument, 202: tasks.TaskDocument},
        headers=SUBMISSION_HEADERS,
        parameters=[IDEMPOTENCY_KEY, WAIT, PREFER],
        problems=[400, 401, 403, 404, 410, 422, 429, 503],
    )
    def post(self, request: Request, task_id: uuid.UUID) -> HttpResponse:
        """Submits the request of the task again, with its parameters, format, language,
        label and metadata, by the rights and limits of now. A body is not read: to change
        something, send `POST /reports`. The response is as there: a new task, or the queued
        one that is equal."""
        viewer = cast(User, request.user)
        wait_preference = WaitPreference.from_request(request)
        key = read_idempotency_key(request)
        task = reader.get_task_for(task_id, viewer)
        submit = partial(rerun_task, task, viewer, key)
        return submit_and_respond(request, wait_preference, submit)
