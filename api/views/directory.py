"""Views of schools, classes, school years and grade levels: lists, and single records."""

from typing import Any, TypeVar, cast

from django.db.models import Model, QuerySet
from django.http import Http404
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from api.http.directory_pagination import LevelPagination, NewestYearPagination
from api.http.filtering import ListFilterBackend
from api.http.pagination import NamePagination, StrictCursorPagination
from api.openapi.operations import operation
from api.serializers.directory import (
    ClassRecord,
    GradeLevelRecord,
    SchoolRecord,
    SchoolYearRecord,
)
from api.serializers.shared import represent
from api.views.directory_filters import ClassFilter, SchoolFilter
from school import directory
from school.models import GradeLevel, School, SchoolClass, SchoolYear, User
from tasks.reporting.parameters import MAX_ID

M = TypeVar("M", bound=Model)


class RecordList(ListAPIView[M]):
    pagination_class: type[StrictCursorPagination] = NamePagination
    filter_backends = [ListFilterBackend]


class Schools(RecordList[School]):
    queryset = School.objects.none()
    serializer_class = SchoolRecord
    filterset_class = SchoolFilter

    def get_queryset(self) -> QuerySet[School]:
        return directory.list_schools(cast(User, self.request.user))

    @operation(
        "list_schools",
        "Schools in which you may see records",
        tag="records",
        responses={200: SchoolRecord(many=True)},
        headers={200: ["Cache-Control", "Link"]},
        problems=[401, 503],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Lists the values that `school_id` of a report may have, ordered by name."""
        return super().get(request, *args, **kwargs)


class Classes(RecordList[SchoolClass]):
    queryset = SchoolClass.objects.none()
    serializer_class = ClassRecord
    filterset_class = ClassFilter

    def get_queryset(self) -> QuerySet[SchoolClass]:
        return directory.list_classes(cast(User, self.request.user))

    @operation(
        "list_classes",
        "Classes in which you may see records",
        tag="records",
        responses={200: ClassRecord(many=True)},
        headers={200: ["Cache-Control", "Link"]},
        problems=[401, 503],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Lists the values that `class_id` of a report may have, ordered by name."""
        return super().get(request, *args, **kwargs)


class SchoolYears(RecordList[SchoolYear]):
    queryset = SchoolYear.objects.none()
    serializer_class = SchoolYearRecord
    pagination_class = NewestYearPagination

    def get_queryset(self) -> QuerySet[SchoolYear]:
        return directory.list_school_years(cast(User, self.request.user))

    @operation(
        "list_school_years",
        "School years in which you may see classes",
        tag="records",
        responses={200: SchoolYearRecord(many=True)},
        headers={200: ["Cache-Control", "Link"]},
        problems=[401, 503],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Lists the values that `year` of a report may have, the newest first. Several school
        years may have the same number: those of two semesters, or of two networks."""
        return super().get(request, *args, **kwargs)


class GradeLevels(RecordList[GradeLevel]):
    queryset = GradeLevel.objects.none()
    serializer_class = GradeLevelRecord
    pagination_class = LevelPagination

    def get_queryset(self) -> QuerySet[GradeLevel]:
        return directory.list_grade_levels(cast(User, self.request.user))

    @operation(
        "list_grade_levels",
        "Grade levels of the classes that you may see",
        tag="records",
        responses={200: GradeLevelRecord(many=True)},
        headers={200: ["Cache-Control", "Link"]},
        problems=[401, 503],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Lists the values that `grade_level` of `GET /classes` may have, in their order."""
        return super().get(request, *args, **kwargs)


class SchoolDetail(APIView):
    @operation(
        "get_school",
        "One school",
        tag="records",
        responses={200: SchoolRecord},
        headers={200: ["Cache-Control"]},
        problems=[401, 404, 503],
    )
    def get(self, request: Request, school_id: int) -> Response:
        schools = directory.list_schools(cast(User, request.user))
        return _record_response(schools, school_id, SchoolRecord)


class ClassDetail(APIView):
    @operation(
        "get_class",
        "One class",
        tag="records",
        responses={200: ClassRecord},
        headers={200: ["Cache-Control"]},
        problems=[401, 404, 503],
    )
    def get(self, request: Request, class_id: int) -> Response:
        classes = directory.list_classes(cast(User, request.user))
        return _record_response(classes, class_id, ClassRecord)


class SchoolYearDetail(APIView):
    @operation(
        "get_school_year",
        "One school year",
        tag="records",
        responses={200: SchoolYearRecord},
        headers={200: ["Cache-Control"]},
        problems=[401, 404, 503],
    )
    def get(self, request: Request, school_year_id: int) -> Response:
        years = directory.list_school_years(cast(User, request.user))
        return _record_response(years, school_year_id, SchoolYearRecord)


class GradeLevelDetail(APIView):
    @operation(
        "get_grade_level",
        "One grade level",
        tag="records",
        responses={200: GradeLevelRecord},
        headers={200: ["Cache-Control"]},
        problems=[401, 404, 503],
    )
    def get(self, request: Request, grade_level_id: int) -> Response:
        levels = directory.list_grade_levels(cast(User, request.user))
        return _record_response(levels, grade_level_id, GradeLevelRecord)


def _record_response(
    visible: QuerySet[Any], id: int, serializer: type[Serializer[Any]]
) -> Response:
    """Return the visible record; one that is not visible is a 404 like one that is missing."""
    record = visible.filter(pk=id).first() if id <= MAX_ID else None
    if record is None:
        raise Http404
    return Response(represent(serializer, record))
