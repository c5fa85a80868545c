import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from school.grading import default_profiles
from school.grading.rules import Rules
from school.models import (
    Enrolment,
    Network,
    RuleProfile,
    SchoolYear,
    YearRules,
    default_rule_profiles,
)
from school.records.rule_lookup import RuleLookup

pytestmark = pytest.mark.django_db


@pytest.fixture
def level_5_rules(network):
    profile = RuleProfile.objects.create(network_id=1, code="own", name="Own")
    version = profile.revise(Rules(terms=4, pass_mark="7.0"))
    YearRules.objects.create(school_year_id=1, grade_level_id=5, version=version)
    return version


def test_lookup_prefers_rules_of_the_level(level_5_rules):
    lookup = RuleLookup([1])

    assert lookup.find(1, 5) == level_5_rules
    assert lookup.find(1, 1).profile.code == default_profiles.DEFAULT_PROFILES[0].code
    assert lookup.find(1, None) == lookup.find(1, 1)


def test_lookup_in_year_without_rules_returns_none(level_5_rules):
    YearRules.objects.filter(grade_level=None).delete()
    lookup = RuleLookup([1])

    assert lookup.find(1, 5) == level_5_rules
    assert lookup.find(1, 1) is None
    assert RuleLookup([]).find(1, 5) is None


@pytest.mark.usefixtures("level_5_rules")
def test_lookup_takes_one_query():
    years = Enrolment.objects.order_by().values("school_class__school_year")

    with CaptureQueriesContext(connection) as queries:
        lookup = RuleLookup(years)
        versions = lookup.find(1, 5), lookup.find(1, 1)
        assert [(v.rules.terms, v.profile.name, v.number) for v in versions]

    assert len(queries) == 1


def test_lookup_returns_same_object_for_levels_of_a_version(level_5_rules):
    YearRules.objects.create(school_year_id=1, grade_level_id=6, version=level_5_rules)
    lookup = RuleLookup([1])

    assert lookup.find(1, 5) is lookup.find(1, 6)


def test_install_profiles_twice_installs_them_once(network):
    other = Network.objects.create(code="other", name="Other")

    installed = default_rule_profiles.install_profiles(other)

    assert [profile.code for profile in installed] == [
        p.code for p in default_profiles.DEFAULT_PROFILES
    ]
    assert [profile.latest_version().rules for profile in installed] == [
        profile.rules for profile in default_profiles.DEFAULT_PROFILES
    ]
    assert default_rule_profiles.install_profiles(other) == []
    assert not SchoolYear.objects.filter(network=other).exists()


def test_install_profiles_keeps_existing_profile(network):
    own = RuleProfile.objects.get(code=default_profiles.DEFAULT_PROFILES[0].code)
    own.revise(Rules(terms=4, pass_mark="5.0"))

    assert default_rule_profiles.install_profiles(own.network) == []
    assert own.latest_version().number == 2
