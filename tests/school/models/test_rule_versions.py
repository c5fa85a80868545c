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
    """What a closed year goes by."""
    year_rules = YearRules.objects.create(
        school_year=year, version=profile.revise(make_rules("5.0"))
    )
    SchoolYear.objects.filter(pk=year.pk).update(is_closed=True)
    return year_rules


@pytest.mark.guarantee("The database keeps a version of rules unchanged.")
@pytest.mark.parametrize(
    "values", [{"content": {"terms": 1}}, {"number": 9}, {"profile_id": 1}]
)
def test_database_keeps_a_version_as_it_is(profile, values):
    version = profile.revise(make_rules())

    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        RuleVersion.objects.filter(pk=version.pk).update(**values)
    with pytest.raises(ValidationError, match="nunca muda"):
        version.save()
    assert RuleVersion.objects.get(pk=version.pk).rules == make_rules()


@pytest.mark.guarantee("The database keeps the rules of a closed year.")
@pytest.mark.parametrize("event", ["insert", "update", "move", "leave", "delete"])
def test_database_keeps_the_rules_of_a_closed_year(profile, closed_year_rules, event):
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


@pytest.mark.guarantee("The database keeps the rules of a closed year.")
def test_model_says_so_before_the_database_does(closed_year_rules):
    held = YearRules.objects.get(pk=closed_year_rules.pk)
    moved = YearRules.objects.get(pk=closed_year_rules.pk)
    moved.school_year_id = 1
    moved.grade_level_id = 3

    for step in (held.full_clean, held.save, held.delete, moved.save, moved.full_clean):
        with pytest.raises(ValidationError, match="letivo está encerrado"):
            step()


def test_closed_year_with_rules_is_not_deleted(closed_year_rules):
    with pytest.raises((IntegrityError, ProtectedError)), transaction.atomic():
        closed_year_rules.school_year.delete()


def test_open_year_s_rules_go_with_it(profile, year):
    YearRules.objects.create(school_year=year, version=profile.revise(make_rules()))

    year.delete()

    assert not YearRules.objects.filter(version__profile=profile).exists()


def test_open_years_go_by_the_new_version_and_closed_ones_by_their_own(
    profile, closed_year_rules
):
    open_year = YearRules.objects.get(school_year=1)
    open_year.version = closed_year_rules.version
    open_year.save()

    second = profile.revise(make_rules("8.0"))

    open_year.refresh_from_db()
    closed_year_rules.refresh_from_db()
    assert (second.number, open_year.version) == (2, second)
    assert closed_year_rules.version.rules.pass_mark == make_rules("5.0").pass_mark


def test_same_rules_make_no_version(profile):
    first = profile.revise(make_rules())

    assert profile.revise(make_rules()) == first
    assert profile.versions.count() == 1


def test_reopened_year_goes_by_the_newest_rules_once_they_are_saved(
    profile, closed_year_rules
):
    newest = profile.revise(make_rules("8.0"))
    SchoolYear.objects.filter(pk=closed_year_rules.school_year_id).update(
        is_closed=False
    )

    assert profile.revise(make_rules("8.0")) == newest

    closed_year_rules.refresh_from_db()
    assert closed_year_rules.version == newest


def test_year_takes_no_term_that_its_rules_have_none_of(profile, year):
    YearRules.objects.create(school_year=year, version=profile.revise(make_rules()))
    days = {"starts_on": date(2025, 2, 3), "ends_on": date(2025, 3, 3)}

    Term(school_year=year, number=4, **days).full_clean()
    with pytest.raises(ValidationError) as refused:
        Term(school_year=year, number=5, **days).full_clean()

    assert refused.value.message_dict == {
        "number": ["Own, v1 são regras para 4 períodos."]
    }


def test_rules_have_as_many_terms_as_the_year(profile):
    version = profile.revise(make_rules(terms=3))
    wrong = YearRules(school_year_id=1, grade_level_id=1, version=version)

    with pytest.raises(ValidationError) as refused:
        wrong.full_clean()

    assert refused.value.message_dict == {
        "version": ["O ano 2026 tem 4 períodos, e estas regras são para 3."]
    }


def test_year_without_terms_takes_any_rules(profile, year):
    version = profile.revise(make_rules(terms=3))

    YearRules(school_year=year, version=version).full_clean()


def test_new_version_for_other_terms_than_an_open_year_has_is_refused(profile):
    first = profile.revise(make_rules())
    YearRules.objects.create(school_year_id=1, grade_level_id=1, version=first)

    with pytest.raises(ValidationError, match="tem 4 períodos"):
        profile.revise(make_rules(terms=3))

    assert profile.latest_version() == first


def test_another_network_s_rules_are_refused(year):
    other = Network.objects.create(code="other", name="Other")
    theirs = RuleProfile.objects.create(network=other, code="own", name="Own")

    with pytest.raises(ValidationError, match="outra rede"):
        YearRules(school_year=year, version=theirs.revise(make_rules())).full_clean()


@pytest.mark.guarantee("Two users who save rules at once create two versions.")
def test_two_who_save_at_once_make_two_versions(transactional_db, network):
    profile = RuleProfile.objects.create(network_id=1, code="own", name="Own")

    def save(number):
        try:
            return RuleProfile.objects.get(pk=profile.pk).revise(
                make_rules(f"{number}.0")
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as crowd:
        versions = list(crowd.map(save, range(1, 9)))

    assert sorted(version.number for version in versions) == list(range(1, 9))
