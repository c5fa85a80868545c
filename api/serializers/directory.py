"""Response serializers of users, schools, classes, school years, levels and students."""

from collections.abc import Callable
from typing import Any

from rest_framework import serializers

from school import directory
from school.models import Role, SchoolClass


class NetworkSummary(serializers.Serializer[Any]):
    network_id = serializers.IntegerField(source="pk")
    name = serializers.CharField()


class SchoolSummary(serializers.Serializer[Any]):
    school_id = serializers.IntegerField(source="pk")
    name = serializers.CharField()


class LabelField(serializers.CharField):
    """Label of a record, made of the record and the annotation that it has a namesake."""

    def __init__(self, make_label: Callable[..., str], **options: Any) -> None:
        super().__init__(source="*", read_only=True, **options)
        self.make_label = make_label

    def to_representation(self, value: Any) -> str:
        return self.make_label(value, has_namesake=value.has_namesake)


class SchoolRecord(SchoolSummary):
    inep_code = serializers.CharField()
    label = LabelField(  # type: ignore[assignment]  # a field, not the property
        directory.school_label,
        help_text="The name, with the INEP code if you see another school of this name.",
    )


class ClassSummary(serializers.Serializer[Any]):
    class_id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    year = serializers.IntegerField(source="school_year.year")


class ClassWithSchool(ClassSummary):
    school = serializers.CharField(
        source="school.name", help_text="Name of the school."
    )


class LevelSummary(serializers.Serializer[Any]):
    grade_level_id = serializers.IntegerField(source="pk")
    name = serializers.CharField()


class GradeLevelRecord(LevelSummary):
    code = serializers.CharField()
    label = LabelField(  # type: ignore[assignment]  # a field, not the property
        directory.grade_level_label,
        help_text="The name, with the code if you see another level of this name.",
    )


class SchoolYearRecord(serializers.Serializer[Any]):
    school_year_id = serializers.IntegerField(source="pk")
    year = serializers.IntegerField()
    period = serializers.CharField(
        help_text="Empty, or the part of the year that a course such as EJA takes."
    )
    network_id = serializers.IntegerField()
    network = serializers.CharField(
        source="network.name", help_text="Name of the network."
    )
    starts_on = serializers.DateField()
    ends_on = serializers.DateField()
    is_closed = serializers.BooleanField(help_text="True if the results are final.")
    label = LabelField(  # type: ignore[assignment]  # a field, not the property
        directory.school_year_label,
        help_text="Year and period, with the network if you see another such year.",
    )


class ClassRecord(ClassWithSchool):
    school_id = serializers.IntegerField()
    school_year_id = serializers.IntegerField()
    grade_levels = LevelSummary(many=True, source="grade_levels.all")
    shift = serializers.ChoiceField(choices=SchoolClass.Shift.choices)
    shift_label = serializers.CharField(source="get_shift_display")
    kind = serializers.ChoiceField(choices=SchoolClass.Kind.choices)
    kind_label = serializers.CharField(source="get_kind_display")
    class_label = LabelField(
        directory.class_label,
        help_text="The name, with levels and shift if you see another class of this name "
        "in its school and year.",
    )
    school_label = serializers.SerializerMethodField(
        help_text="The school's name, with the INEP code if you see another of this name."
    )
    year_label = serializers.CharField(
        source="school_year", help_text="Year and period: 2026, or 2026.1."
    )
    label = serializers.SerializerMethodField(  # type: ignore[assignment]
        help_text="`class_label`, `school_label` and `year_label`."
    )

    def get_school_label(self, school_class: Any) -> str:
        return directory.school_label(
            school_class.school, has_namesake=school_class.school_has_namesake
        )

    def get_label(self, school_class: Any) -> str:
        class_label = directory.class_label(
            school_class, has_namesake=school_class.has_namesake
        )
        return directory.SEPARATOR.join(
            [
                class_label,
                self.get_school_label(school_class),
                str(school_class.school_year),
            ]
        )


class StudentSummary(serializers.Serializer[Any]):
    student_id = serializers.IntegerField(source="pk")
    name = serializers.CharField(source="display_name")


class ScopeRecord(serializers.Serializer[Any]):
    everything = serializers.BooleanField(
        help_text="True if you see all records of every network."
    )
    networks = NetworkSummary(many=True)
    schools = SchoolSummary(many=True)
    classes = ClassWithSchool(many=True)
    students = StudentSummary(many=True)


class CurrentUser(serializers.Serializer[Any]):
    username = serializers.CharField()
    name = serializers.CharField()
    roles = serializers.ListField(child=serializers.ChoiceField(choices=Role.values))
    role_labels = serializers.ListField(
        child=serializers.CharField(), help_text="Name of each role, for people."
    )
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
    label = serializers.SerializerMethodField(  # type: ignore[assignment]
        help_text="Name and registration."
    )
    classes = ClassSummary(
        many=True, help_text="The student's classes that you may see."
    )

    def get_label(self, match: Any) -> str:
        student = match.student
        return f"{student.display_name}{directory.SEPARATOR}{student.registration}"


class StudentPage(serializers.Serializer[Any]):
    results = StudentRecord(many=True)
    next = serializers.CharField(
        allow_null=True, help_text="`cursor` of the request for the next page."
    )
