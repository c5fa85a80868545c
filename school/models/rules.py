"""Rule profiles, their versions, and the version used by each school year and level."""

from functools import cached_property
from typing import Any

import pydantic
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from school.grading.rules import Rules
from school.models.classes import GradeLevel
from school.models.consistent import ConsistentRecord
from school.models.network import Network, SchoolYear
from school.models.sortable import SortableByName


class RuleProfile(ConsistentRecord, SortableByName):
    """Named rules of a network; `versions` holds their current and earlier content."""

    network = models.ForeignKey(
        Network, models.PROTECT, related_name="rule_profiles", db_index=False
    )
    code = models.SlugField()
    name = models.CharField(max_length=120)
    source = models.CharField(max_length=250, blank=True)
    """Legal act that defines the rules."""

    class Meta:
        ordering = ["network", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["network", "code"], name="rule_profile_once_a_network"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def latest_version(self) -> "RuleVersion | None":
        return self.versions.order_by("-number").first()

    def revise(self, rules: Rules) -> "RuleVersion":
        """Set the rules of the profile and of the open years that use it.

        Return a new version, or the latest one if its rules are the same. Raise
        ValidationError if an open year that uses the profile has another number of terms.
        """
        with transaction.atomic():
            # Serialise revisions, so that version numbers are unique.
            RuleProfile.objects.select_for_update().get(pk=self.pk)
            open_years = self.lock_open_years(rules)
            version = self.latest_version()
            if version is None or version.rules != rules:
                number = version.number + 1 if version else 1
                version = RuleVersion.objects.create(
                    profile=self, number=number, content=rules.to_json()
                )
            YearRules.objects.filter(
                version__profile=self, school_year__in=open_years
            ).update(version=version)
            return version

    def lock_open_years(self, rules: Rules) -> list[SchoolYear]:
        """Lock and return the open years that use the profile; requires a transaction.

        The lock prevents closing them until the transaction ends. Raise ValidationError
        if a year has another number of terms than `rules`.
        """
        year_ids = YearRules.objects.filter(version__profile=self).values("school_year")
        years = SchoolYear.objects.filter(pk__in=year_ids, is_closed=False)
        open_years = list(years.order_by("pk").select_for_update())
        for year in open_years:
            _check_term_count(year, rules)
        return open_years


class RuleVersion(models.Model):
    """Immutable version of a profile's rules."""

    profile = models.ForeignKey(
        RuleProfile, models.PROTECT, related_name="versions", db_index=False
    )
    number = models.SmallIntegerField()
    content = models.JSONField()
    """Rules as JSON, made by `Rules.to_json`."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["profile", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["profile", "number"], name="rule_version_once_a_profile"
            )
        ]

    def __str__(self) -> str:
        return f"{self.profile}, v{self.number}"

    def save(self, **options: Any) -> None:
        if not self._state.adding:
            raise ValidationError(
                _("A rule version cannot be changed: create a new one.")
            )
        self.clean()
        super().save(**options)

    @cached_property
    def rules(self) -> Rules:
        return Rules.from_json(self.content)

    def clean(self) -> None:
        try:
            Rules.from_json(self.content)
        except pydantic.ValidationError as error:
            raise ValidationError({"content": [e["msg"] for e in error.errors()]})


class YearRules(models.Model):
    """Rule version that a school year uses for a grade level; fixed once the year closes."""

    school_year = models.ForeignKey(
        SchoolYear, models.CASCADE, related_name="rules", db_index=False
    )
    grade_level = models.ForeignKey(
        GradeLevel, models.PROTECT, null=True, blank=True, related_name="+"
    )
    """Grade level; None covers every level without rules of its own."""
    version = models.ForeignKey(RuleVersion, models.PROTECT, related_name="years")

    class Meta:
        ordering = ["school_year", "grade_level"]
        verbose_name_plural = "year rules"
        constraints = [
            models.UniqueConstraint(
                fields=["school_year", "grade_level"], name="year_rules_once_a_level"
            ),
            models.UniqueConstraint(
                fields=["school_year"],
                condition=Q(grade_level=None),
                name="year_rules_for_other_levels_once",
            ),
        ]

    def __str__(self) -> str:
        return (
            f"{self.school_year}, {self.grade_level or 'other levels'}: {self.version}"
        )

    def save(self, **options: Any) -> None:
        self._check_open()
        super().save(**options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        self._check_open()
        return super().delete(*args, **options)

    def clean(self) -> None:
        self._check_open()
        if not (self.version_id and self.school_year_id):
            return  # the missing field has its own error message
        if self.version.profile.network_id != self.school_year.network_id:
            message = _("These rules belong to another network.")
            raise ValidationError({"version": message})
        try:
            _check_term_count(self.school_year, self.version.rules)
        except ValidationError as error:
            raise ValidationError({"version": error.messages})

    def _check_open(self) -> None:
        """Raise ValidationError if the year, or the year stored until now, is closed."""
        years = SchoolYear.objects.filter(is_closed=True)
        own_year = Q(pk=self.school_year_id) | Q(rules=self.pk)
        if years.filter(own_year if self.pk else Q(pk=self.school_year_id)).exists():
            raise ValidationError(
                _("The school year is closed: its rules cannot be changed.")
            )


def _check_term_count(year: SchoolYear, rules: Rules) -> None:
    """Raise ValidationError if the year has terms, and not as many as the rules."""
    term_count = year.terms.count() if year.pk else 0
    if term_count and term_count != rules.terms:
        message = _(
            "The year {year} has {actual} terms, but these rules are for {expected}."
        )
        raise ValidationError(
            message.format(year=year, actual=term_count, expected=rules.terms),
            code="terms",
        )
