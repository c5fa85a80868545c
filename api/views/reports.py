"""Views of `/reports`: the catalogue, and requests for reports."""

import re
from functools import partial
from typing import Any, cast

from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http import admission
from api.http.long_polling import WaitPreference, wait_for_end
from api.http.task_responses import accepted, completed
from api.i18n import languages
from api.openapi.operations import PREFER, WAIT, operation
from api.problems.registry import Problem
from api.serializers import catalogue, requests, tasks
from school.models import Role, User
from tasks.reporting import registry
from tasks.reporting.report import Report
from tasks.status import reader
from tasks.submission.defaults import ViewerDefaults
from tasks.submission.service import Submission, submit_report
from tasks.submission.validation import ReportRequest

IDEMPOTENCY_KEY_PATTERN = re.compile(r'"([!#-~ ]{1,255})"|([!#-~]{1,255})')
IDEMPOTENCY_KEY_HEADER = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": f"^({IDEMPOTENCY_KEY_PATTERN.pattern})$"},
    OpenApiParameter.HEADER,
    description="Any text, up to 255 characters. If you repeat the request within a day "
    "with the same key and body, the response is the same task in its current state.",
)


class Reports(APIView):
    @operation(
        "list_reports",
        "Reports available to you",
        tag="reports",
        responses={200: tasks.Catalogue},
        problems=[401, 503],
    )
    def get(self, request: Request) -> Response:
        viewer = cast(User, request.user)
        defaults = ViewerDefaults(viewer)
        results = [
            catalogue.build_entry(report, defaults)
            for report in _allowed_reports(viewer)
        ]
        return Response({"results": results})

    @operation(
        "create_report",
        "Request a report",
        tag="reports",
        body=requests.ReportSerializer,
        responses={200: tasks.TaskDocument, 202: tasks.TaskDocument},
        headers={
            200: ["ETag", "Location", "Preference-Applied", "Idempotency-Replayed"],
            202: [
                "ETag",
                "Location",
                "Retry-After",
                "Preference-Applied",
                "Idempotency-Replayed",
            ],
        },
        parameters=[IDEMPOTENCY_KEY_HEADER, WAIT, PREFER],
        problems=[400, 401, 403, 404, 408, 410, 415, 422, 429, 503],
    )
    def post(self, request: Request) -> HttpResponse:
        """Returns the task that generates the report at once (202); poll it. With
        `Prefer: wait=N` the response waits until the task is final, and is 200 if that
        happens in time."""
        wait_preference = WaitPreference.from_request(request)
        body = requests.ReportSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        report_request = ReportRequest(
            kind=body.validated_data["report"],
            parameters=body.validated_data["parameters"],
            format=body.validated_data["format"],
            language=body.validated_data.get("language", languages.current_language()),
            idempotency_key=_idempotency_key(request),
            label=body.validated_data.get("label", ""),
            metadata=body.validated_data.get("metadata", {}),
        )
        submission = _submit(cast(User, request.user), report_request)
        response = _submission_response(request, submission, wait_preference)
        if submission.is_replay:
            response["Idempotency-Replayed"] = "true"
        return response


class ReportKind(APIView):
    @operation(
        "get_report",
        "One kind of report",
        tag="reports",
        responses={200: tasks.CatalogueEntry},
        problems=[401, 404, 503],
    )
    def get(self, request: Request, kind: str) -> Response:
        viewer = cast(User, request.user)
        for report in _allowed_reports(viewer):
            if report.kind() == kind:
                return Response(catalogue.build_entry(report, ViewerDefaults(viewer)))
        raise Http404


def _submit(viewer: User, report_request: ReportRequest) -> Submission:
    """Submit the report; a user who submits much at once waits or is refused."""
    try:
        with admission.submits.admit(viewer.pk):
            return submit_report(viewer, report_request)
    except admission.TooManyAtOnce:
        raise Problem("too_many_submits", retry_after=1) from None


def _submission_response(
    request: Request, submission: Submission, wait_preference: WaitPreference
) -> HttpResponse:
    """Return the response for a submitted task, after its end if the client waits for it."""
    task, viewer = submission.task, cast(User, request.user)
    read_task = partial(
        reader.read_snapshot,
        task.pk,
        viewer_id=viewer.pk,
        token_version=viewer.access_version,
        generation=viewer.session_generation,
    )
    if not wait_preference.seconds:
        # A new task has only its row; Redis has the progress of an existing one.
        snapshot = read_task() if submission.is_replay else reader.from_row(task)
        return wait_preference.set_header(accepted(snapshot))
    with wait_preference.reserve(viewer.pk) as wait_preference:
        snapshot = wait_for_end(request, task.pk, read_task, wait_preference.seconds)
    return wait_preference.set_header(
        completed(snapshot) if snapshot.is_final else accepted(snapshot)
    )


def _allowed_reports(viewer: User) -> list[type[Report[Any]]]:
    role = Role(viewer.role)
    return [
        report
        for report in registry.report_classes().values()
        if role in report.allowed_roles
    ]


def _idempotency_key(request: Request) -> str:
    """Return the idempotency key, sent as plain text or as an RFC 8941 string; empty if absent."""
    header = request.headers.get("Idempotency-Key")
    if header is None:
        return ""
    match = IDEMPOTENCY_KEY_PATTERN.fullmatch(header)
    if match is None:
        raise Problem("invalid_idempotency_key")
    return match[1] or match[2]
