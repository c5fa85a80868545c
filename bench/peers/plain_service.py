"""Lists of the service with the plain serializers of Django REST framework."""

from functools import cache
from typing import Any, cast

from django.urls import path
from rest_framework import serializers
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from school.models import Attachment, Role, SchoolClass, User
from tasks.models import Task
from tasks.reporting import registry
from tasks.reporting.report import Report
from tasks.scheduling import durations
from tasks.submission.defaults import ViewerDefaults


class TaskSerializer(serializers.ModelSerializer[Task]):
    class Meta:
        model = Task
        fields = [
            "id", "kind", "title", "about", "label", "metadata", "parameters", "format",
            "language", "state", "stage", "progress_done", "progress_total",
            "progress_unit", "result", "error", "attempt", "cancel_requested_at",
            "created_at", "updated_at", "started_at", "finished_at", "expires_at",
            "expiry_reason",
        ]  # fmt: skip


class NewestFirst(CursorPagination):
    page_size = 20
    ordering = "-id"


class Tasks(ListAPIView[Task]):
    serializer_class = TaskSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> Any:
        return Task.objects.filter(requester=cast(User, self.request.user))


class ClassSerializer(serializers.ModelSerializer[SchoolClass]):
    year = serializers.IntegerField(source="school_year.year")
    school = serializers.CharField(source="school.name")

    class Meta:
        model = SchoolClass
        fields = ["id", "name", "year", "school"]


class UserSerializer(serializers.ModelSerializer[User]):
    name = serializers.CharField(source="get_full_name")
    classes = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ["username", "name", "role", "must_change_password", "classes"]

    def get_classes(self, user: User) -> Any:
        attachments = Attachment.objects.filter(user=user, school_class__isnull=False)
        attachments = attachments.select_related(
            "school_class__school", "school_class__school_year"
        ).order_by("school_class__sort_key", "school_class_id")
        classes: Any = [attachment.school_class for attachment in attachments]
        return ClassSerializer(classes, many=True).data


class Me(RetrieveAPIView[User]):
    serializer_class = UserSerializer

    def get_object(self) -> Any:
        return self.request.user


class FormatSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field, not the property
    media_type = serializers.CharField()
    audience = serializers.CharField()


@cache
def parameters_schema(report: type[Report[Any]]) -> dict[str, Any]:
    """Return the JSON Schema of the parameters in the one language of this project."""
    return report.parameters_schema()


class ReportSerializer(serializers.Serializer[Any]):
    report = serializers.CharField(source="kind")
    title = serializers.CharField()
    description = serializers.CharField()
    formats = serializers.SerializerMethodField()
    parameters = serializers.SerializerMethodField()
    example = serializers.DictField()
    median_seconds = serializers.SerializerMethodField()

    def get_formats(self, report: type[Report[Any]]) -> Any:
        formats = registry.format_classes()
        values = [
            {
                "name": name,
                "label": formats[name].label,
                "media_type": formats[name].media_type,
                "audience": formats[name].audience,
            }
            for name in report.formats
        ]
        return FormatSerializer(values, many=True).data

    def get_parameters(self, report: type[Report[Any]]) -> Any:
        schema = parameters_schema(report)
        defaults = self.context["defaults"].values(report.parameters_model())
        properties = {
            name: {**part, "default": defaults[name]} if name in defaults else part
            for name, part in schema["properties"].items()
        }
        return {**schema, "properties": properties}

    def get_median_seconds(self, report: type[Report[Any]]) -> float | None:
        return durations.median_seconds(report.queue, report.kind())


class Reports(APIView):
    def get(self, request: Request) -> Response:
        viewer = cast(User, request.user)
        role = Role(viewer.role)
        reports = [
            report
            for report in registry.report_classes().values()
            if role in report.allowed_roles
        ]
        context = {"defaults": ViewerDefaults(viewer)}
        return Response(ReportSerializer(reports, many=True, context=context).data)


urlpatterns = [
    path("tasks", Tasks.as_view()),
    path("me", Me.as_view()),
    path("reports", Reports.as_view()),
]
