"""School years a student spent outside the network, copied from the student's documents."""

from django.db import models

from school.models.students import Student


class PriorYear(models.Model):
    student = models.ForeignKey(Student, models.CASCADE, related_name="prior_years")
    year = models.SmallIntegerField()
    grade_level = models.CharField(max_length=60)
    school = models.CharField(max_length=120)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=2, blank=True)
    """Two-letter code, such as AM."""
    result = models.CharField(max_length=60)
    days = models.SmallIntegerField(null=True, blank=True)
    """School days of that year."""
    attendance = models.CharField(max_length=10, blank=True)
    """Percentage as printed in the documents."""

    class Meta:
        ordering = ["student", "year", "pk"]

    def __str__(self) -> str:
        return f"{self.year}, {self.grade_level}"


class PriorSubject(models.Model):
    prior_year = models.ForeignKey(
        PriorYear, models.CASCADE, related_name="subjects", db_index=False
    )
    subject = models.CharField(max_length=80)
    grade = models.CharField(max_length=10, blank=True)
    """Grade as printed in the documents; other networks use other scales."""
    hours = models.SmallIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["prior_year", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["prior_year", "subject"], name="prior_subject_once_a_year"
            )
        ]

    def __str__(self) -> str:
        return self.subject
