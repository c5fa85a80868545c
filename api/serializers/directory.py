"""Response serializers of users, schools, classes and students."""

from typing import Any

from rest_framework import serializers

from school.models import Role


class NetworkSummary(serializers.Serializer[Any]):
    network_id = serializers.IntegerField(source="pk")
    name = serializers.CharField()


class SchoolRecord(serializers.Serializer[Any]):
    school_id = serializers.IntegerField(source="pk")
    name = serializers.CharField()


class ClassSummary(serializers.Serializer[Any]):
    class_id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    year = serializers.IntegerField(source="school_year.year")


class ClassWithSchool(ClassSummary):
    school = serializers.CharField(
        source="school.name", help_text="Name of the school."
    )


class ClassRecord(ClassWithSchool):
    school_id = serializers.IntegerField()


class StudentSummary(serializers.Serializer[Any]):
    student_id = serializers.IntegerField(source="pk")
    name = serializers.CharField(source="display_name")


class ScopeRecord(serializers.Serializer[Any]):
    everything = serializers.BooleanField(
        help_text="True if you see all records of every network."
    )
    networks = NetworkSummary(many=True)
    schools = SchoolRecord(many=True)
    classes = ClassWithSchool(many=True)
    students = StudentSummary(many=True)


class CurrentUser(serializers.Serializer[Any]):
    username = serializers.CharField()
    name = serializers.CharField()
    roles = serializers.ListField(child=serializers.ChoiceField(choices=Role.values))
    must_change_password = serializers.BooleanField(
        help_text="Until you have changed it, only `/me` and `/auth` are available."
    )
    scope = ScopeRecord(
        help_text="Records you are attached to, which decide what you see."
    )


class StudentRecord(serializers.Serializer[Any]):
    student_id = serializers.IntegerField(source="student.pk")
    name = serializers.CharField(source="student.display_name")
    registration = serializers.CharField(source="student.registration")
    classes = ClassSummary(
        many=True, help_text="The student's classes that you may see."
    )


class StudentPage(serializers.Serializer[Any]):
    results = StudentRecord(many=True)
    next = serializers.CharField(
        allow_null=True, help_text="`cursor` of the request for the next page."
    )
