"""Rule profiles, their versions, and which version judges which year and level."""

from functools import cached_property
from typing import Any

import pydantic
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from school.grading.rules import Rules
from school.models.classes import GradeLevel
from school.models.network import Network, SchoolYear


class RuleProfile(models.Model):
    """A network's rules under one name; `versions` says what they were and are."""

    network = models.ForeignKey(
        Network, models.PROTECT, related_name="rule_profiles", db_index=False
    )
    code = models.SlugField()
    name = models.CharField(max_length=120)
    source = models.CharField(max_length=250, blank=True)
    """The act that lays them down."""

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
        """Make these the profile's rules, which open years go by at once.

        A new version, or the newest one where it says the same. `ValidationError` where
        an open year that goes by the profile has another number of terms.
        """
        with transaction.atomic():
            # One after the other, so that each number is given once.
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
        """The years that would go by these rules at once; within a transaction.

        Nobody closes them before it ends. `ValidationError` if the rules do not fit one.
        """
        year_ids = YearRules.objects.filter(version__profile=self).values("school_year")
        years = SchoolYear.objects.filter(pk__in=year_ids, is_closed=False)
        open_years = list(years.order_by("pk").select_for_update())
        for year in open_years:
            _check_term_count(year, rules)
        return open_years


class RuleVersion(models.Model):
    """What a profile's rules were from some day on; never changed once it is there."""

    profile = models.ForeignKey(
        RuleProfile, models.PROTECT, related_name="versions", db_index=False
    )
    number = models.SmallIntegerField()
    content = models.JSONField()
    """As `Rules.to_json` gives it."""
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
                _("A version of rules is never changed: make a new one.")
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
    """By which version a school year judges a grade level; a closed year keeps its own."""

    school_year = models.ForeignKey(
        SchoolYear, models.CASCADE, related_name="rules", db_index=False
    )
    grade_level = models.ForeignKey(
        GradeLevel, models.PROTECT, null=True, blank=True, related_name="+"
    )
    """None is every level that has no rules of its own."""
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
            return  # which has its own message
        if self.version.profile.network_id != self.school_year.network_id:
            message = _("These are the rules of another network.")
            raise ValidationError({"version": message})
        try:
            _check_term_count(self.school_year, self.version.rules)
        except ValidationError as error:
            raise ValidationError({"version": error.messages})

    def _check_open(self) -> None:
        """Refuse if the year is closed, or the one it was of until now."""
        years = SchoolYear.objects.filter(is_closed=True)
        own_year = Q(pk=self.school_year_id) | Q(rules=self.pk)
        if years.filter(own_year if self.pk else Q(pk=self.school_year_id)).exists():
            raise ValidationError(
                _("The school year is closed: its rules stay as they are.")
            )


def _check_term_count(year: SchoolYear, rules: Rules) -> None:
    """Refuse rules for another number of terms than the year has, if it has any yet."""
    term_count = year.terms.count() if year.pk else 0
    if term_count and term_count != rules.terms:
        message = _(
            "The year {year} has {given} terms, and these rules are for {wanted}."
        )
        raise ValidationError(
            message.format(year=year, given=term_count, wanted=rules.terms),
            code="terms",
        )
