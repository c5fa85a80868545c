"""A network, its schools, and the years and terms it teaches in."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext as _

from school.models.sorted import SortableByName


class Network(models.Model):
    code = models.SlugField(unique=True)
    name = models.CharField(max_length=120)

    def __str__(self) -> str:
        return self.name


class School(SortableByName):
    network = models.ForeignKey(Network, models.PROTECT, related_name="schools")
    inep_code = models.CharField(max_length=8, unique=True)
    """Eight digits, given by the national institute INEP."""
    name = models.CharField(max_length=120)
    address = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=2, blank=True)
    """Of two letters, such as AM."""
    authorisation = models.CharField(max_length=200, blank=True)
    """The act that lets it teach, as transcripts cite it."""

    class Meta:
        ordering = ["sort_key"]
        constraints = [
            models.CheckConstraint(
                condition=Q(inep_code__regex=r"^[0-9]{8}$"),
                name="school_inep_code_is_eight_digits",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def full_address(self) -> str:
        """As a letterhead has it: Rua das Flores, 10, Manaus – AM."""
        city = " – ".join(filter(None, [self.city, self.state]))
        return ", ".join(filter(None, [self.address, city]))


class SchoolYear(models.Model):
    """A year of teaching; where a course has years of its own, each is a period of it."""

    network = models.ForeignKey(
        Network, models.PROTECT, related_name="years", db_index=False
    )
    year = models.SmallIntegerField()
    period = models.CharField(max_length=12, blank=True)
    """What tells it from others of the same year: "1" is the first semester of EJA."""
    starts_on = models.DateField()
    ends_on = models.DateField()
    is_closed = models.BooleanField(default=False)
    """Whether its results are final; the rules it was judged by then never change."""

    class Meta:
        ordering = ["-year", "period"]
        constraints = [
            models.UniqueConstraint(
                fields=["network", "year", "period"], name="school_year_once_a_network"
            ),
            models.CheckConstraint(
                condition=Q(ends_on__gt=F("starts_on")),
                name="school_year_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return year_label(self.year, self.period)


def year_label(year: int, period: str) -> str:
    """What people call the school year: 2026, or 2026.1 where it is a period of it."""
    return f"{year}.{period}" if period else str(year)


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

    def clean(self) -> None:
        """Refuse a term that the rules of its year have none of."""
        if not (self.number and self.school_year_id):
            return  # which has its own message
        for year_rules in self.school_year.rules.select_related("version__profile"):
            if self.number > year_rules.version.rules.terms:
                message = _("{rules} is for {terms} terms.").format(
                    rules=year_rules.version, terms=year_rules.version.rules.terms
                )
                raise ValidationError({"number": message})
