"""`/reports`: what may be asked for, and asking for it."""

from typing import Any, cast

from django.http import Http404, HttpResponse
from django.utils.translation import get_language
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api import serializers
from api.documents import accepted
from api.schema import operation
from school.models import Role, User
from tasks import catalogue, lifecycle, reading
from tasks.reports.base import Report


class Reports(APIView):
    @operation(
        "list_reports",
        "The reports you may ask for",
        tag="reports",
        answers={200: serializers.Catalogue},
        problems=[401],
    )
    def get(self, request: Request) -> Response:
        offered = [_entry(report) for report in _offered_to(cast(User, request.user))]
        return Response({"results": offered})

    @operation(
        "create_report",
        "Ask for a report",
        tag="reports",
        body=serializers.ReportSerializer,
        answers={202: serializers.TaskDocument},
        headers={202: ["Location", "Retry-After"], 429: ["Retry-After"]},
        problems=[400, 401, 403, 413, 415, 429, 503],
    )
    def post(self, request: Request) -> HttpResponse:
        """Answers at once with the task in which the report is made; then poll that."""
        body = serializers.ReportSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        task = lifecycle.request(
            cast(User, request.user),
            kind=wanted["report"],
            parameters_given=wanted["parameters"],
            format=wanted["format"],
            language=wanted.get("language", _language_of_request()),
        )
        return accepted(reading.describe(task))


class ReportKind(APIView):
    @operation(
        "get_report",
        "One kind of report",
        tag="reports",
        answers={200: serializers.CatalogueEntry},
        problems=[401, 404],
    )
    def get(self, request: Request, kind: str) -> Response:
        for report in _offered_to(cast(User, request.user)):
            if report.kind() == kind:
                return Response(_entry(report))
        raise Http404


def _offered_to(viewer: User) -> list[type[Report[Any]]]:
    role = Role(viewer.role)
    return [kind for kind in catalogue.reports().values() if role in kind.audience]


def _entry(report: type[Report[Any]]) -> dict[str, Any]:
    return {
        "report": report.kind(),
        "title": str(report.title),
        "description": str(report.description),
        "formats": list(report.formats),
        "parameters": report.parameters_model().model_json_schema(),
        "example": {
            "report": report.kind(),
            "parameters": dict(report.example),
            "format": report.formats[0],
        },
    }


def _language_of_request() -> str:
    return "en" if (get_language() or "").startswith("en") else "pt-BR"
