"""`/reports`: what may be asked for, and asking for it."""

import re
from functools import partial
from typing import Any, cast

from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http.long_polling import Patience, until_end
from api.http.task_responses import accepted, ended
from api.i18n import languages
from api.openapi.operations import PREFER, WAIT, operation
from api.problems.registry import Problem
from api.serializers import catalogue, tasks
from school.models import Role, User
from tasks import lifecycle
from tasks.lifecycle import Submission
from tasks.reporting import registry
from tasks.reporting.report import Report
from tasks.status import reader
from tasks.submission.validation import ReportRequest

KEY = re.compile(r'"([!#-~ ]{1,255})"|([!#-~]{1,255})')
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": f"^({KEY.pattern})$"},
    OpenApiParameter.HEADER,
    description="Any text of your own, up to 255 characters. Asked again within a day with "
    "the same key and body, this answers with the same task, as it is by then.",
)


class Reports(APIView):
    @operation(
        "list_reports",
        "The reports you may ask for",
        tag="reports",
        answers={200: tasks.Catalogue},
        problems=[401, 503],
    )
    def get(self, request: Request) -> Response:
        offered = [
            catalogue.of(report) for report in _offered_to(cast(User, request.user))
        ]
        return Response({"results": offered})

    @operation(
        "create_report",
        "Ask for a report",
        tag="reports",
        body=tasks.ReportSerializer,
        answers={200: tasks.TaskDocument, 202: tasks.TaskDocument},
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
        parameters=[IDEMPOTENCY_KEY, WAIT, PREFER],
        problems=[400, 401, 403, 404, 410, 413, 415, 422, 429, 503],
    )
    def post(self, request: Request) -> HttpResponse:
        """Answers at once with the task in which the report is made (202); then poll that. With
        `Prefer: wait=N` the answer waits for the end, and is 200 if it saw that."""
        patience = Patience.of(request)
        body = tasks.ReportSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = ReportRequest(
            kind=body.validated_data["report"],
            parameters=body.validated_data["parameters"],
            format=body.validated_data["format"],
            language=body.validated_data.get("language", languages.spoken()),
            idempotency_key=_idempotency_key(request),
        )
        done = lifecycle.submit_report(cast(User, request.user), wanted)
        response = _followed(request, done, patience)
        if done.is_replay:
            response["Idempotency-Replayed"] = "true"
        return response


class ReportKind(APIView):
    @operation(
        "get_report",
        "One kind of report",
        tag="reports",
        answers={200: tasks.CatalogueEntry},
        problems=[401, 404, 503],
    )
    def get(self, request: Request, kind: str) -> Response:
        for report in _offered_to(cast(User, request.user)):
            if report.kind() == kind:
                return Response(catalogue.of(report))
        raise Http404


def _followed(request: Request, done: Submission, patience: Patience) -> HttpResponse:
    """The answer about a task just asked for: after its end, if that is to be waited for."""
    task, viewer = done.task, cast(User, request.user)
    read = partial(
        reader.read_snapshot,
        task.pk,
        viewer_id=viewer.pk,
        token_version=viewer.access_version,
    )
    if not patience.seconds:
        # What is new has its row alone; of what is not, Redis knows the progress.
        found = read() if done.is_replay else reader.from_row(task)
        return patience.told(accepted(found))
    found = until_end(request, task.pk, read, patience.seconds)
    return patience.told(ended(found) if found.is_final else accepted(found))


def _offered_to(viewer: User) -> list[type[Report[Any]]]:
    role = Role(viewer.role)
    return [
        kind
        for kind in registry.report_classes().values()
        if role in kind.allowed_roles
    ]


def _idempotency_key(request: Request) -> str:
    """The client's name for the request: bare, or as a string of RFC 8941."""
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return ""
    key = KEY.fullmatch(given)
    if key is None:
        raise Problem("invalid_idempotency_key")
    return key[1] or key[2]
