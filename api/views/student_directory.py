"""Views of `/students`: search for students, and one student."""

from typing import cast

from django.core import signing
from django.http import Http404
from django.utils.translation import gettext as _
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.openapi.operations import operation
from api.serializers import directory
from api.serializers.shared import represent
from school import access
from school.collation import normalize_name
from school.models import User
from school.student_search import StudentCursor, StudentQuery, find_students
from tasks.errors import FieldError, InvalidRequest
from tasks.reporting.parameters import MAX_ID, Id, ReportParameters, Year
from tasks.reporting.selection import select

MIN_LETTERS = 2
MAX_NAME_LENGTH = 120


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
        return Response(represent(directory.StudentPage, page))


class StudentDetail(APIView):
    @operation(
        "get_student",
        "One student",
        tag="records",
        responses={200: directory.StudentRecord},
        headers={200: ["Cache-Control"]},
        problems=[401, 404, 503],
    )
    def get(self, request: Request, student_id: int) -> Response:
        """Returns the record that `POST /students/search` lists, for an id that you have."""
        viewer = cast(User, request.user)
        if student_id > MAX_ID:
            raise Http404
        enrolments = access.visible_enrolments(viewer).filter(student=student_id)
        matches = find_students(viewer, StudentQuery(enrolments), limit=1)
        if not matches:
            raise Http404
        return Response(represent(directory.StudentRecord, matches[0]))


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
