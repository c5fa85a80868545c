"""Students and their enrolments in classes."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy

from school.collation import sort_key
from school.models.classes import GradeLevel, SchoolClass
from school.models.consistent import ConsistentRecord
from school.models.network import Network
from school.models.sortable import SortableByName
from school.models.year_records import YearRecord


class Student(ConsistentRecord, SortableByName):
    network = models.ForeignKey(
        Network, models.PROTECT, related_name="students", db_index=False
    )
    registration = models.CharField(max_length=20)
    """Student number assigned by the network."""
    name = models.CharField(max_length=120)
    """Civil name; if there is a social name, only transcripts print both."""
    social_name = models.CharField(max_length=120, blank=True)
    """Social name, used instead of the civil name for display, sorting and search."""
    civil_name_key = models.BinaryField(max_length=400, editable=False, default=b"")
    """Sort key of the civil name if there is a social name, for searches in the admin."""
    birth_date = models.DateField()
    birth_place = models.CharField(max_length=100, blank=True)
    nationality = models.CharField(max_length=40, blank=True)
    parents = models.CharField(max_length=250, blank=True)
    inep_code = models.CharField(max_length=12, blank=True)
    identity_document = models.CharField(max_length=40, blank=True)
    birth_certificate = models.CharField(max_length=60, blank=True)
    """Registration number, or term, book and page."""

    class Meta:
        ordering = ["sort_key"]
        indexes = [models.Index(fields=["sort_key"], name="student_sort_key")]
        constraints = [
            models.UniqueConstraint(
                fields=["network", "registration"], name="registration_once_a_network"
            )
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        return self.social_name or self.name

    def sort_name(self) -> str:
        return self.display_name

    def name_keys(self) -> dict[str, bytes]:
        civil_name_key = sort_key(self.name) if self.social_name else b""
        return {**super().name_keys(), "civil_name_key": civil_name_key}


class Enrolment(YearRecord, ConsistentRecord):
    """A student in a class between two dates; a change of class adds an enrolment."""

    year_path = "school_class__school_year"
    result_fields = (
        "student",
        "school_class",
        "grade_level",
        "entry_date",
        "exit_date",
        "ending",
        "approved_by_council",
        "retained_by_council",
    )

    class Ending(models.TextChoices):
        """Reason why a student left a class."""

        CLASS_CHANGE = "class_change"
        TRANSFERRED = "transferred"
        ABANDONED = "abandoned"
        RECLASSIFIED = "reclassified"
        DECEASED = "deceased"

    student = models.ForeignKey(Student, models.PROTECT, related_name="enrolments")
    school_class = models.ForeignKey(
        SchoolClass, models.PROTECT, related_name="enrolments", db_index=False
    )
    grade_level = models.ForeignKey(
        GradeLevel, models.PROTECT, related_name="enrolments"
    )
    """Grade level of the student; a multi-grade class has several."""
    diary_number = models.SmallIntegerField()
    """Number in the class diary; class lists are sorted by it."""
    entry_date = models.DateField()
    exit_date = models.DateField(null=True, blank=True)
    """First day on which the student is no longer in the class."""
    ending = models.CharField(max_length=12, choices=Ending, blank=True)
    """Reason for leaving; blank if not recorded."""
    approved_by_council = models.BooleanField(default=False)
    """True if the class council passed the student in spite of the grades."""
    retained_by_council = models.BooleanField(
        gettext_lazy("retained by the class council"),
        default=False,
        db_default=False,
        help_text=gettext_lazy(
            "The class council keeps a student who would otherwise go on."
        ),
    )

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
                condition=Q(ending="") | Q(exit_date__isnull=False),
                name="enrolment_ending_with_exit",
            ),
            models.CheckConstraint(
                condition=Q(
                    ending__in=[
                        "",
                        "class_change",
                        "transferred",
                        "abandoned",
                        "reclassified",
                        "deceased",
                    ]
                ),
                name="enrolment_ending_is_known",
            ),
            models.CheckConstraint(
                condition=Q(diary_number__gt=0), name="diary_number_positive"
            ),
            models.CheckConstraint(
                condition=Q(approved_by_council=False) | Q(retained_by_council=False),
                name="council_decides_once",
                violation_error_message=gettext_lazy(
                    "The class council either approves or retains a student."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.diary_number}, {self.school_class}"
