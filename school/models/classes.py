"""Grade levels, subjects, classes and offerings."""

from django.db import models
from django.db.models import Q

from school.models.network import School, SchoolYear
from school.models.sortable import SortableByName


class GradeLevel(SortableByName):
    code = models.SlugField(unique=True)
    name = models.CharField(max_length=60)
    order = models.SmallIntegerField(unique=True)
    """Position in the sequence of grade levels."""

    class Meta:
        ordering = ["order"]

    def __str__(self) -> str:
        return self.name


class Subject(SortableByName):
    code = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    order = models.SmallIntegerField(default=0)
    """Position on a report card."""

    class Meta:
        ordering = ["order", "sort_key"]

    def __str__(self) -> str:
        return self.name


class SchoolClass(SortableByName):
    """A class of one school and year; multi-grade if it has several grade levels."""

    class Shift(models.TextChoices):
        MORNING = "morning"
        AFTERNOON = "afternoon"
        EVENING = "evening"
        FULL_DAY = "full_day"

    school = models.ForeignKey(
        School, models.PROTECT, related_name="classes", db_index=False
    )
    school_year = models.ForeignKey(SchoolYear, models.PROTECT, related_name="classes")
    name = models.CharField(max_length=40)
    shift = models.CharField(max_length=9, choices=Shift)
    grade_levels = models.ManyToManyField(GradeLevel, related_name="classes")

    class Meta:
        ordering = ["school", "school_year", "sort_key"]
        verbose_name_plural = "school classes"
        constraints = [
            models.UniqueConstraint(
                fields=["school", "school_year", "name"],
                name="class_name_once_a_school_year",
            ),
            models.CheckConstraint(
                condition=Q(shift__in=["morning", "afternoon", "evening", "full_day"]),
                name="class_shift_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.school_year})"


class Offering(models.Model):
    """A subject as taught in one class."""

    school_class = models.ForeignKey(
        SchoolClass, models.PROTECT, related_name="offerings", db_index=False
    )
    subject = models.ForeignKey(Subject, models.PROTECT, related_name="offerings")
    hours = models.SmallIntegerField(null=True, blank=True)
    """Hours of lessons in the year, printed on transcripts."""

    class Meta:
        ordering = ["school_class", "subject"]
        constraints = [
            models.UniqueConstraint(
                fields=["school_class", "subject"], name="subject_once_a_class"
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject}, {self.school_class}"
