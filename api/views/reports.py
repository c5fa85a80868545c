"""Views of `/reports`: the catalogue, and requests for reports."""

from functools import partial
from typing import Any, cast

from django.http import Http404, HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from api.http.long_polling import WaitPreference
from api.http.submissions import read_idempotency_key, submit_and_respond
from api.http.task_responses import CONTENT_TYPE
from api.i18n import languages
from api.openapi.operations import (
    IDEMPOTENCY_KEY,
    PREFER,
    SUBMISSION_HEADERS,
    WAIT,
    operation,
)
from api.serializers import catalogue, catalogue_documents, requests, tasks
from school.models import Role, User
from tasks.reporting import registry
from tasks.reporting.report import Report
from tasks.submission.defaults import ViewerDefaults
from tasks.submission.service import submit_report
from tasks.submission.validation import ReportRequest


class Reports(APIView):
    @operation(
        "list_reports",
        "Reports available to you",
        tag="reports",
        responses={200: catalogue_documents.Catalogue},
        problems=[401, 503],
    )
    def get(self, request: Request) -> HttpResponse:
        viewer = cast(User, request.user)
        defaults = ViewerDefaults(viewer)
        results = [
            catalogue.serialize_entry(report, defaults)
            for report in _allowed_reports(viewer)
        ]
        return _json_response(b'{"results":[%b]}' % b",".join(results))

    @operation(
        "create_report",
        "Request a report",
        tag="reports",
        body=requests.ReportSerializer,
        responses={200: tasks.TaskDocument, 202: tasks.TaskDocument},
        headers=SUBMISSION_HEADERS,
        parameters=[IDEMPOTENCY_KEY, WAIT, PREFER],
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
            idempotency_key=read_idempotency_key(request),
            label=body.validated_data.get("label", ""),
            metadata=body.validated_data.get("metadata", {}),
        )
        submit = partial(submit_report, cast(User, request.user), report_request)
        return submit_and_respond(request, wait_preference, submit)


class ReportKind(APIView):
    @operation(
        "get_report",
        "One kind of report",
        tag="reports",
        responses={200: catalogue_documents.CatalogueEntry},
        problems=[401, 404, 503],
    )
    def get(self, request: Request, kind: str) -> HttpResponse:
        viewer = cast(User, request.user)
        for report in _allowed_reports(viewer):
            if report.kind() == kind:
                defaults = ViewerDefaults(viewer)
                return _json_response(catalogue.serialize_entry(report, defaults))
        raise Http404


def _json_response(content: bytes) -> HttpResponse:
    return HttpResponse(content, content_type=CONTENT_TYPE)


def _allowed_reports(viewer: User) -> list[type[Report[Any]]]:
    role = Role(viewer.role)
    return [
        report
        for report in registry.report_classes().values()
        if role in report.allowed_roles
    ]
