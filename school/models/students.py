"""Students, and their enrolments: which class they are in, from when to when."""

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import F, Q

from school.models.classes import GradeLevel, SchoolClass
from school.models.network import Network
from school.sorting import sort_key


class Student(models.Model):
    network = models.ForeignKey(
        Network, models.PROTECT, related_name="students", db_index=False
    )
    registration = models.CharField(max_length=20)
    """The network's own number for the student."""
    name = models.CharField(max_length=120)
    birth_date = models.DateField()
    sort_key = models.BinaryField(max_length=400, editable=False)
    """By which names sort in Portuguese; kept by `save` and by `sort_key()`."""

    class Meta:
        ordering = ["sort_key"]
        indexes = [models.Index(fields=["sort_key"], name="student_sort_key")]
        constraints = [
            models.UniqueConstraint(
                fields=["network", "registration"], name="registration_once_a_network"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def save(
        self, *, update_fields: Iterable[str] | None = None, **options: Any
    ) -> None:
        self.sort_key = sort_key(self.name)
        if update_fields is not None:
            update_fields = {*update_fields, "sort_key"}
        super().save(update_fields=update_fields, **options)


class Enrolment(models.Model):
    """A student in a class between two dates; changing class is a second enrolment."""

    student = models.ForeignKey(Student, models.PROTECT, related_name="enrolments")
    school_class = models.ForeignKey(
        SchoolClass, models.PROTECT, related_name="enrolments", db_index=False
    )
    grade_level = models.ForeignKey(
        GradeLevel, models.PROTECT, related_name="enrolments"
    )
    """The student's own level, which in a multi-grade class is not the class's."""
    diary_number = models.SmallIntegerField()
    """The student's number in the class diary, by which classes are listed."""
    entry_date = models.DateField()
    exit_date = models.DateField(null=True, blank=True)
    """The first day on which the student is no longer in the class."""

    class Meta:
        ordering = ["school_class", "diary_number"]
        constraints = [
            models.UniqueConstraint(
                fields=["school_class", "diary_number"],
                name="diary_number_once_a_class",
            ),
            models.UniqueConstraint(
                fields=["student", "school_class"],
                condition=Q(exit_date=None),
                name="student_in_class_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(exit_date=None) | Q(exit_date__gt=F("entry_date")),
                name="enrolment_exit_after_entry",
            ),
            models.CheckConstraint(
                condition=Q(diary_number__gt=0), name="diary_number_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.diary_number}, {self.school_class}"
