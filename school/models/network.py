"""A network, its schools, and the years and terms it teaches in."""

from django.db import models
from django.db.models import F, Q


class Network(models.Model):
    code = models.SlugField(unique=True)
    name = models.CharField(max_length=120)

    def __str__(self) -> str:
        return self.name


class School(models.Model):
    network = models.ForeignKey(Network, models.PROTECT, related_name="schools")
    inep_code = models.CharField(max_length=8, unique=True)
    """Eight digits, given by the national institute INEP."""
    name = models.CharField(max_length=120)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(inep_code__regex=r"^[0-9]{8}$"),
                name="school_inep_code_is_eight_digits",
            )
        ]

    def __str__(self) -> str:
        return self.name


class SchoolYear(models.Model):
    network = models.ForeignKey(
        Network, models.PROTECT, related_name="years", db_index=False
    )
    year = models.SmallIntegerField()
    starts_on = models.DateField()
    ends_on = models.DateField()
    pass_tenths = models.SmallIntegerField(default=60)
    """The pass mark in tenths: 60 is 6.0."""

    class Meta:
        ordering = ["-year"]
        constraints = [
            models.UniqueConstraint(
                fields=["network", "year"], name="school_year_once_a_network"
            ),
            models.CheckConstraint(
                condition=Q(ends_on__gt=F("starts_on")),
                name="school_year_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(pass_tenths__range=(0, 100)),
                name="school_year_pass_mark_0_to_10",
            ),
        ]

    def __str__(self) -> str:
        return str(self.year)


class Term(models.Model):
    school_year = models.ForeignKey(
        SchoolYear, models.CASCADE, related_name="terms", db_index=False
    )
    number = models.SmallIntegerField()
    starts_on = models.DateField()
    ends_on = models.DateField()

    class Meta:
        ordering = ["school_year", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["school_year", "number"], name="term_number_once_a_year"
            ),
            models.CheckConstraint(
                condition=Q(number__range=(1, 10)), name="term_number_1_to_10"
            ),
            models.CheckConstraint(
                condition=Q(ends_on__gt=F("starts_on")), name="term_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.school_year}/{self.number}"
