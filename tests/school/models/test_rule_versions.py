from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from school.grading.rules import Rules
from school.models import (
    Network,
    RuleProfile,
    RuleVersion,
    SchoolYear,
    Term,
    YearRules,
)

pytestmark = pytest.mark.django_db


def make_rules(pass_mark="7.0", **values):
    return Rules(**{"terms": 4, "pass_mark": pass_mark, **values})


@pytest.fixture
def profile(network):
    return RuleProfile.objects.create(network_id=1, code="own", name="Own")


@pytest.fixture
def year(network):
    return SchoolYear.objects.create(
        network_id=1, year=2025, starts_on="2025-02-01", ends_on="2025-12-20"
    )


@pytest.fixture
def closed_year_rules(profile, year):
    """Rules of a closed year."""
    year_rules = YearRules.objects.create(
        school_year=year, version=profile.revise(make_rules("5.0"))
    )
    SchoolYear.objects.filter(pk=year.pk).update(is_closed=True)
    return year_rules


@pytest.mark.guarantee("The database refuses changes to a version of rules.")
@pytest.mark.parametrize(
    "values", [{"content": {"terms": 1}}, {"number": 9}, {"profile_id": 1}]
)
def test_rule_version_cannot_be_changed(profile, values):
    version = profile.revise(make_rules())

    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        RuleVersion.objects.filter(pk=version.pk).update(**values)
    with pytest.raises(ValidationError, match="nunca muda"):
        version.save()
    assert RuleVersion.objects.get(pk=version.pk).rules == make_rules()


@pytest.mark.guarantee("The database refuses changes to the rules of a closed year.")
@pytest.mark.parametrize("event", ["insert", "update", "move", "leave", "delete"])
def test_closed_year_rules_cannot_be_changed_in_the_database(
    profile, closed_year_rules, event
):
    other = YearRules.objects.get(school_year=1)
    version = RuleProfile.objects.exclude(pk=profile.pk).first().latest_version()
    steps = {
        "insert": lambda: YearRules.objects.bulk_create(
            [YearRules(school_year=closed_year_rules.school_year, grade_level_id=1, version=version)]
        ),
        "update": lambda: YearRules.objects.filter(pk=closed_year_rules.pk).update(version=version),
        "move": lambda: YearRules.objects.filter(pk=other.pk).update(
            school_year=closed_year_rules.school_year, grade_level=2
        ),
        "leave": lambda: YearRules.objects.filter(pk=closed_year_rules.pk).update(
            school_year=1, grade_level=2
        ),
        "delete": lambda: YearRules.objects.filter(pk=closed_year_rules.pk).delete(),
    }  # fmt: skip

    with pytest.raises(IntegrityError, match="closed year"), transaction.atomic():
        steps[event]()

    assert list(
        YearRules.objects.filter(school_year=closed_year_rules.school_year)
    ) == [closed_year_rules]
    assert (
        YearRules.objects.get(pk=closed_year_rules.pk).version_id
        == closed_year_rules.version_id
    )


@pytest.mark.guarantee("The database refuses changes to the rules of a closed year.")
def test_closed_year_rules_change_raises_validation_error(closed_year_rules):
    stored = YearRules.objects.get(pk=closed_year_rules.pk)
    moved = YearRules.objects.get(pk=closed_year_rules.pk)
    moved.school_year_id = 1
    moved.grade_level_id = 3

    for step in (
        stored.full_clean,
        stored.save,
        stored.delete,
        moved.save,
        moved.full_clean,
    ):
        with pytest.raises(ValidationError, match="letivo está encerrado"):
            step()


def test_closed_year_with_rules_cannot_be_deleted(closed_year_rules):
    with pytest.raises((IntegrityError, ProtectedError)), transaction.atomic():
        closed_year_rules.school_year.delete()


def test_open_year_is_deleted_with_its_rules(profile, year):
    YearRules.objects.create(school_year=year, version=profile.revise(make_rules()))

    year.delete()

    assert not YearRules.objects.filter(version__profile=profile).exists()


def test_new_version_applies_to_open_years_only(profile, closed_year_rules):
    open_year = YearRules.objects.get(school_year=1)
    open_year.version = closed_year_rules.version
    open_year.save()

    second = profile.revise(make_rules("8.0"))

    open_year.refresh_from_db()
    closed_year_rules.refresh_from_db()
    assert (second.number, open_year.version) == (2, second)
    assert closed_year_rules.version.rules.pass_mark == make_rules("5.0").pass_mark


def test_equal_rules_create_no_version(profile):
    first = profile.revise(make_rules())

    assert profile.revise(make_rules()) == first
    assert profile.versions.count() == 1


def test_reopened_year_gets_newest_version_on_save(profile, closed_year_rules):
    newest = profile.revise(make_rules("8.0"))
    closed_year_rules.school_year.reopen("wrong rules")

    assert profile.revise(make_rules("8.0")) == newest

    closed_year_rules.refresh_from_db()
    assert closed_year_rules.version == newest


def test_term_beyond_the_rules_is_refused(profile, year):
    YearRules.objects.create(school_year=year, version=profile.revise(make_rules()))
    days = {"starts_on": date(2025, 2, 3), "ends_on": date(2025, 3, 3)}

    Term(school_year=year, number=4, **days).full_clean()
    with pytest.raises(ValidationError) as refused:
        Term(school_year=year, number=5, **days).full_clean()

    assert refused.value.message_dict == {
        "number": ["Own, v1 são regras para 4 períodos."]
    }


def test_rules_with_other_number_of_terms_are_refused(profile):
    version = profile.revise(make_rules(terms=3))
    invalid = YearRules(school_year_id=1, grade_level_id=1, version=version)

    with pytest.raises(ValidationError) as refused:
        invalid.full_clean()

    assert refused.value.message_dict == {
        "version": ["O ano 2026 tem 4 períodos, e estas regras são para 3."]
    }


def test_year_without_terms_accepts_any_rules(profile, year):
    version = profile.revise(make_rules(terms=3))

    YearRules(school_year=year, version=version).full_clean()


def test_new_version_with_other_terms_than_open_year_is_refused(profile):
    first = profile.revise(make_rules())
    YearRules.objects.create(school_year_id=1, grade_level_id=1, version=first)

    with pytest.raises(ValidationError, match="tem 4 períodos"):
        profile.revise(make_rules(terms=3))

    assert profile.latest_version() == first


def test_rules_of_another_network_are_refused(year):
    other = Network.objects.create(code="other", name="Other")
    foreign_profile = RuleProfile.objects.create(network=other, code="own", name="Own")

    with pytest.raises(ValidationError, match="outra rede"):
        YearRules(
            school_year=year, version=foreign_profile.revise(make_rules())
        ).full_clean()


@pytest.mark.guarantee("Two users who save rules at once create two versions.")
def test_concurrent_revisions_create_consecutive_versions(transactional_db, network):
    profile = RuleProfile.objects.create(network_id=1, code="own", name="Own")

    def save(number):
        try:
            return RuleProfile.objects.get(pk=profile.pk).revise(
                make_rules(f"{number}.0")
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        versions = list(pool.map(save, range(1, 9)))

    assert sorted(version.number for version in versions) == list(range(1, 9))
