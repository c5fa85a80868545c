"""Users, schools, classes and students as they are answered, and where they are found."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from rest_framework import serializers

from school.models import Role

# Which request lists what a parameter may name.
_FILLED_BY = {
    "school_id": ("GET", "/schools"),
    "class_id": ("GET", "/classes"),
    "student_id": ("POST", "/students/search"),
}


def filled_by(parameters: Iterable[str]) -> dict[str, dict[str, str]]:
    """For those of the parameters that name a record: where records are found."""
    return {
        name: {
            "method": _FILLED_BY[name][0],
            "href": f"{settings.PUBLIC_URL}{_FILLED_BY[name][1]}",
            "value": name,
            "label": "name",
        }
        for name in parameters
        if name in _FILLED_BY
    }


class AttachedNetwork(serializers.Serializer[Any]):
    network_id = serializers.IntegerField(source="pk")
    name = serializers.CharField()


class SchoolRecord(serializers.Serializer[Any]):
    school_id = serializers.IntegerField(source="pk")
    name = serializers.CharField()


class ClassOfStudent(serializers.Serializer[Any]):
    class_id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    year = serializers.IntegerField(source="school_year.year")


class AttachedClass(ClassOfStudent):
    school = serializers.CharField(source="school.name", help_text="The school's name.")


class ClassRecord(AttachedClass):
    school_id = serializers.IntegerField()


class AttachedStudent(serializers.Serializer[Any]):
    student_id = serializers.IntegerField(source="pk")
    name = serializers.CharField()


class ScopeRecord(serializers.Serializer[Any]):
    everything = serializers.BooleanField(help_text="All there is, in every network.")
    networks = AttachedNetwork(many=True)
    schools = SchoolRecord(many=True)
    classes = AttachedClass(many=True)
    students = AttachedStudent(many=True)


class Myself(serializers.Serializer[Any]):
    username = serializers.CharField()
    name = serializers.CharField()
    roles = serializers.ListField(child=serializers.ChoiceField(choices=Role.values))
    scope = ScopeRecord(help_text="What you are attached to, and see by that.")


class StudentRecord(serializers.Serializer[Any]):
    student_id = serializers.IntegerField(source="student.pk")
    name = serializers.CharField(source="student.name")
    registration = serializers.CharField(source="student.registration")
    classes = ClassOfStudent(many=True, help_text="Those that you may see.")


class FoundStudents(serializers.Serializer[Any]):
    results = StudentRecord(many=True)
    next = serializers.CharField(
        allow_null=True, help_text="`cursor` of the request for the next page."
    )
