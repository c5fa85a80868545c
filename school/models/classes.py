"""Grade levels, subjects, classes and offerings."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from school.consistency.messages import LEVEL_IN_USE
from school.models.consistent import ConsistentRecord
from school.models.network import School, SchoolYear
from school.models.sortable import SortableByName
from school.models.year_records import YearRecord


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


class SchoolClass(YearRecord, ConsistentRecord, SortableByName):
    """A class of one school and year; multi-grade if it has several grade levels."""

    year_path = "school_year"
    result_fields = ("school_year", "kind")

    class Kind(models.TextChoices):
        """Kinds of classes; only regular ones teach a grade level and are judged."""

        REGULAR = "regular", gettext_lazy("Regular")
        AEE = "aee", gettext_lazy("Specialised support (AEE)")
        COMPLEMENTARY = "complementary", gettext_lazy("Complementary activity")

    class Shift(models.TextChoices):
        MORNING = "morning", gettext_lazy("Morning")
        AFTERNOON = "afternoon", gettext_lazy("Afternoon")
        EVENING = "evening", gettext_lazy("Evening")
        FULL_DAY = "full_day", gettext_lazy("Full Day")

    school = models.ForeignKey(
        School, models.PROTECT, related_name="classes", db_index=False
    )
    school_year = models.ForeignKey(SchoolYear, models.PROTECT, related_name="classes")
    code = models.CharField(
        gettext_lazy("code"),
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text=gettext_lazy("The network's own code of the class, if it has one."),
    )
    name = models.CharField(max_length=40)
    kind = models.CharField(
        gettext_lazy("kind"),
        max_length=13,
        choices=Kind,
        default=Kind.REGULAR,
        db_default=Kind.REGULAR,
        help_text=gettext_lazy(
            "Only a regular class counts in the results of its students. Specialised support "
            "(AEE) and complementary activities are attended beside it."
        ),
    )
    shift = models.CharField(max_length=9, choices=Shift)
    grade_levels = models.ManyToManyField(GradeLevel, related_name="classes")
    levels_key = models.CharField(
        max_length=200, blank=True, default="", db_default="", editable=False
    )
    """Sorted ids of the grade levels, "3,4"; kept by triggers (`school.db.level_keys`)."""

    levels_of_form: Iterable[GradeLevel] | None = None
    """Grade levels that a form will set once the class is saved; None if it sets none."""

    class Meta:
        ordering = ["school", "school_year", "sort_key"]
        verbose_name_plural = "school classes"
        indexes = [
            models.Index(fields=["school", "school_year"], name="class_school_year")
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["school", "school_year", "code"],
                condition=~Q(code=""),
                name="class_code_once_a_school_year",
            ),
            models.UniqueConstraint(
                fields=["school", "school_year", "shift", "name", "levels_key"],
                # A class gets its levels after it is saved, and several may have one name.
                condition=~Q(levels_key=""),
                name="class_name_once_for_levels",
            ),
            models.CheckConstraint(
                condition=Q(shift__in=["morning", "afternoon", "evening", "full_day"]),
                name="class_shift_is_known",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["regular", "aee", "complementary"]),
                name="class_kind_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.get_shift_display()} ({self.school_year})"

    def clean(self) -> None:
        super().clean()
        others = SchoolClass.objects.filter(
            school=self.school_id, school_year=self.school_year_id
        ).exclude(pk=self.pk)
        if self.code and others.filter(code=self.code).exists():
            message = _("Another class of this school and year has this code.")
            raise ValidationError({"code": message})
        level_ids = self._level_ids()
        key = ",".join(map(str, sorted(level_ids)))
        if others.filter(name=self.name, shift=self.shift, levels_key=key).exists():
            message = _(
                "Another class of this school, year, shift and grade levels has this name."
            )
            raise ValidationError({"name": message})
        if not (self.pk and level_ids):
            return
        if self.enrolments.exclude(grade_level__in=level_ids).exists():
            raise ValidationError({"grade_levels": _(LEVEL_IN_USE)})

    def _level_ids(self) -> list[int]:
        if self.levels_of_form is not None:
            return [level.pk for level in self.levels_of_form]
        stored = self.grade_levels.values_list("pk", flat=True) if self.pk else ()
        return list(stored)


class Offering(YearRecord):
    """A subject as taught in one class."""

    year_path = "school_class__school_year"
    result_fields = ("school_class", "subject", "counts_for_promotion", "is_optional")

    school_class = models.ForeignKey(
        SchoolClass, models.PROTECT, related_name="offerings", db_index=False
    )
    subject = models.ForeignKey(Subject, models.PROTECT, related_name="offerings")
    hours = models.SmallIntegerField(null=True, blank=True)
    """Hours of lessons in the year, printed on transcripts."""
    grade_levels = models.ManyToManyField(
        GradeLevel,
        related_name="offerings",
        blank=True,
        verbose_name=gettext_lazy("grade levels"),
        help_text=gettext_lazy(
            "Levels of a multi-grade class that have this subject; none means all of them."
        ),
    )
    counts_for_promotion = models.BooleanField(
        gettext_lazy("counts for promotion"),
        default=True,
        db_default=True,
        help_text=gettext_lazy("If not, its grades are shown but never decide a year."),
    )
    is_optional = models.BooleanField(
        gettext_lazy("optional"),
        default=False,
        db_default=False,
        help_text=gettext_lazy(
            "A student without any grade in it, such as in religious education, has not "
            "taken it, and it counts for nothing."
        ),
    )

    class Meta:
        ordering = ["school_class", "subject"]
        constraints = [
            models.UniqueConstraint(
                fields=["school_class", "subject"], name="subject_once_a_class"
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject}, {self.school_class}"
