"""Views of `/schools`, `/classes` and `/students/search`: records that report parameters name."""

from typing import Any, cast

import django_filters
from django import forms
from django.core import signing
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema_field as with_schema
from pydantic import Field, TypeAdapter, field_validator
from pydantic_core import PydanticCustomError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http.pagination import NamePagination
from api.openapi.operations import operation
from api.serializers import directory
from school import access
from school.collation import normalize_name
from school.db import name_search
from school.models import School, SchoolClass, User
from school.records.calendar import year_filter
from school.student_search import StudentCursor, StudentQuery, find_students
from tasks.errors import FieldError, InvalidRequest
from tasks.reporting.parameters import Id, ReportParameters, Year
from tasks.reporting.selection import select

MIN_LETTERS = 2
MAX_NAME_LENGTH = 120


class SchoolFilter(django_filters.FilterSet):
    search = with_schema(
        {
            "type": "string",
            "maxLength": MAX_NAME_LENGTH,
            "description": "Beginnings of words of the name.",
        }
    )(django_filters.CharFilter(method="filter_by_name", max_length=MAX_NAME_LENGTH))

    def filter_by_name(self, queryset: QuerySet[School], _name: str, text: str) -> Any:
        return queryset.filter(name_search.name_filter("sort_key", text))


def _json_schema(type: Any) -> dict[str, Any]:
    return TypeAdapter(type).json_schema()


class WholeNumberFilter(django_filters.NumberFilter):
    field_class = forms.IntegerField


def _visible_schools(request: Request | None) -> QuerySet[School]:
    if request is None:  # while the schema is generated
        return School.objects.none()
    return access.visible_schools(cast(User, request.user))


class ClassFilter(django_filters.FilterSet):
    school_id = with_schema(_json_schema(Id))(
        django_filters.ModelChoiceFilter(field_name="school", queryset=_visible_schools)
    )
    year = with_schema(
        {
            **_json_schema(Year),
            "description": "Only school years of this number, or with days in this "
            "calendar year.",
        }
    )(WholeNumberFilter(method="filter_by_year", min_value=1900, max_value=2200))

    def filter_by_year(
        self, queryset: QuerySet[SchoolClass], _name: str, year: int
    ) -> Any:
        return queryset.filter(year_filter(int(year), "school_year"))


class Schools(ListAPIView[School]):
    queryset = School.objects.none()
    serializer_class = directory.SchoolRecord
    pagination_class = NamePagination
    filter_backends = [DjangoFilterBackend]
    filterset_class = SchoolFilter

    def get_queryset(self) -> QuerySet[School]:
        return access.visible_schools(cast(User, self.request.user))

    @operation(
        "list_schools",
        "Schools in which you may see records",
        tag="records",
        responses={200: directory.SchoolRecord(many=True)},
        headers={200: ["Cache-Control", "Link"]},
        problems=[401, 503],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Lists the values that `school_id` of a report may have, ordered by name."""
        return super().get(request, *args, **kwargs)


class Classes(ListAPIView[SchoolClass]):
    queryset = SchoolClass.objects.none()
    serializer_class = directory.ClassRecord
    pagination_class = NamePagination
    filter_backends = [DjangoFilterBackend]
    filterset_class = ClassFilter

    def get_queryset(self) -> QuerySet[SchoolClass]:
        visible = access.visible_classes(cast(User, self.request.user))
        return visible.select_related("school", "school_year")

    @operation(
        "list_classes",
        "Classes in which you may see records",
        tag="records",
        responses={200: directory.ClassRecord(many=True)},
        headers={200: ["Cache-Control", "Link"]},
        problems=[401, 503],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Lists the values that `class_id` of a report may have, ordered by name."""
        return super().get(request, *args, **kwargs)


# As strict as the parameters of a report, which it helps to fill.
class StudentSearchBody(ReportParameters):
    name: str | None = Field(
        default=None,
        max_length=MAX_NAME_LENGTH,
        description="Beginnings of words of the name; at least two letters.",
    )
    registration: str | None = Field(
        default=None,
        max_length=20,
        pattern=r"^[^\x00]*$",
        description="The complete registration number.",
    )
    class_id: Id | None = Field(
        default=None, description="Only students with an enrolment in this class."
    )
    school_id: Id | None = Field(
        default=None, description="Only students with an enrolment in this school."
    )
    year: Year | None = Field(
        default=None,
        description="Only students with an enrolment in a school year of this number, or "
        "with days in this calendar year.",
    )
    cursor: str | None = Field(
        default=None, max_length=2000, description="`next` of the previous page."
    )
    page_size: int = Field(default=25, ge=1, le=100)

    @field_validator("name")
    @classmethod
    def _has_letters(cls, name: str | None) -> str | None:
        if (
            name is not None
            and len(normalize_name(name).replace(" ", "")) < MIN_LETTERS
        ):
            raise PydanticCustomError(
                "too_few_letters", _("Give at least two letters.")
            )
        return name


class StudentsSearch(APIView):
    @operation(
        "search_students",
        "Find students",
        tag="records",
        body={"application/json": StudentSearchBody.model_json_schema()},
        responses={200: directory.StudentPage},
        headers={200: ["Cache-Control"]},
        problems=[400, 401, 408, 415, 503],
    )
    def post(self, request: Request) -> Response:
        """Lists the values that `student_id` of a report may have, ordered by name, with the
        classes in which you may see each student. It is a POST, so that no name is part of
        a URL."""
        viewer = cast(User, request.user)
        selection = select(viewer, StudentSearchBody, request.data, base_pointer="")
        selection.named_records(base_pointer="")
        search = selection.parameters
        query = StudentQuery(
            selection.enrolments,
            search.name,
            search.registration,
            _decode_cursor(search.cursor, viewer),
        )
        size = search.page_size
        matches = find_students(viewer, query, limit=size + 1)
        next_cursor = (
            _encode_cursor(matches[size - 1].cursor, viewer)
            if len(matches) > size
            else None
        )
        page = {"results": matches[:size], "next": next_cursor}
        return Response(directory.StudentPage(page).data)


def _encode_cursor(position: StudentCursor, viewer: User) -> str:
    return signing.dumps([position.sort_key.hex(), position.id], salt=_salt(viewer))


def _decode_cursor(cursor: str | None, viewer: User) -> StudentCursor | None:
    if cursor is None:
        return None
    try:
        sort_key, id = signing.loads(cursor, salt=_salt(viewer))
    except signing.BadSignature:
        detail = _("This is not the `next` of one of your pages.")
        field_error = FieldError("/cursor", "invalid", detail)
        raise InvalidRequest(field_error) from None
    return StudentCursor(bytes.fromhex(sort_key), id)


def _salt(viewer: User) -> str:
    return f"students found by {viewer.pk}"
