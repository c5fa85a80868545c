"""Networks, schools, school years and terms."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F, Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from school import time_zones, write_context
from school.models.consistent import ConsistentRecord
from school.models.sortable import SortableByName
from school.models.year_records import YearRecord
from school.signals import second_factor_policy_changed


def _time_zone_field(help_text: Promise) -> "models.CharField[str, str]":
    return models.CharField(
        gettext_lazy("time zone"),
        max_length=time_zones.MAX_NAME_LENGTH,
        choices=time_zones.CHOICES,
        blank=True,
        default="",
        db_default="",
        help_text=help_text,  # type: ignore[arg-type]  # the stubs know no lazy text
    )


_TIME_ZONE_IS_BRAZILIAN = Q(time_zone__in=["", *time_zones.STATES])


class Network(SortableByName):
    code = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    requires_second_factor = models.BooleanField(
        gettext_lazy("requires a second factor"),
        default=False,
        db_default=False,
        help_text=gettext_lazy(
            "Administrators and staff of this network and its schools, and superusers, "
            "can do nothing else before they have set up a second factor."
        ),
    )
    time_zone = _time_zone_field(
        gettext_lazy(
            "Times and dates of reports and of these pages follow it. "
            "If it is empty, they follow the time zone of the service."
        )
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=_TIME_ZONE_IS_BRAZILIAN, name="network_time_zone_is_brazilian"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, **options: Any) -> None:
        stored = Network.objects.filter(pk=self.pk).values_list(
            "requires_second_factor", flat=True
        )
        with transaction.atomic():
            required_before = stored.first()
            super().save(**options)
            if stored.first() != bool(required_before):
                second_factor_policy_changed.send(sender=Network, network=self)


class School(ConsistentRecord, SortableByName):
    network = models.ForeignKey(Network, models.PROTECT, related_name="schools")
    inep_code = models.CharField(max_length=8, unique=True)
    """Eight-digit code assigned by the national institute INEP."""
    name = models.CharField(max_length=120)
    address = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=2, blank=True)
    """Two-letter code, such as AM."""
    authorisation = models.CharField(max_length=200, blank=True)
    """Legal act that authorises the school, cited on transcripts."""
    time_zone = _time_zone_field(
        gettext_lazy("Only if it is not the time zone of the network.")
    )

    class Meta:
        ordering = ["sort_key"]
        constraints = [
            models.CheckConstraint(
                condition=Q(inep_code__regex=r"^[0-9]{8}$"),
                name="school_inep_code_is_eight_digits",
            ),
            models.CheckConstraint(
                condition=_TIME_ZONE_IS_BRAZILIAN, name="school_time_zone_is_brazilian"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def full_address(self) -> str:
        """Address line for letterheads: Rua das Flores, 10, Manaus – AM."""
        city = " – ".join(filter(None, [self.city, self.state]))
        return ", ".join(filter(None, [self.address, city]))


class SchoolYear(ConsistentRecord):
    """A school year, or one period of it for courses such as EJA with semesters."""

    network = models.ForeignKey(
        Network, models.PROTECT, related_name="years", db_index=False
    )
    year = models.SmallIntegerField()
    period = models.CharField(max_length=12, blank=True)
    """Period within the year; "1" is the first semester of EJA, empty is the whole year."""
    starts_on = models.DateField()
    ends_on = models.DateField()
    is_closed = models.BooleanField(default=False)
    """True if the results are final: no record that decides them can then be changed."""

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

    def reopen(self, reason: str) -> None:
        """Open the closed year for changes of its results; the reason is kept."""
        with write_context.acting(reason=reason):
            self.is_closed = False
            self.save(update_fields=["is_closed"])

    def clean(self) -> None:
        """Refuse what the database refuses for a closed year."""
        super().clean()
        stored = SchoolYear.objects.filter(pk=self.pk, is_closed=True).first()
        if stored is None:
            return
        if not self.is_closed and not write_context.current().reason:
            raise ValidationError(
                {"is_closed": _("A closed year is reopened with a reason only.")}
            )
        fields = ("network_id", "year", "period", "starts_on", "ends_on")
        if self.is_closed and any(
            getattr(self, f) != getattr(stored, f) for f in fields
        ):
            raise ValidationError(_("A closed year keeps its dates and its network."))


def year_label(year: int, period: str) -> str:
    """Return the label of a school year: 2026, or 2026.1 with a period."""
    return f"{year}.{period}" if period else str(year)


class Term(YearRecord, ConsistentRecord):
    year_path = "school_year"
    result_fields = ("school_year", "number", "starts_on", "ends_on")

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
        """Refuse a term number above the number of terms in the year's rules."""
        super().clean()
        if not (self.number and self.school_year_id):
            return  # the missing field has its own error message
        for year_rules in self.school_year.rules.select_related("version__profile"):
            if self.number > year_rules.version.rules.terms:
                message = _("The rules {rules} are for {terms} terms.").format(
                    rules=year_rules.version, terms=year_rules.version.rules.terms
                )
                raise ValidationError({"number": message})
