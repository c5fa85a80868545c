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


def test_level_s_own_rules_go_before_those_of_other_levels(level_5_rules):
    book = RuleLookup([1])

    assert book.find(1, 5) == level_5_rules
    assert book.find(1, 1).profile.code == default_profiles.DEFAULT_PROFILES[0].code
    assert book.find(1, None) == book.find(1, 1)


def test_year_without_rules_has_none(level_5_rules):
    YearRules.objects.filter(grade_level=None).delete()
    book = RuleLookup([1])

    assert book.find(1, 5) == level_5_rules
    assert book.find(1, 1) is None
    assert RuleLookup([]).find(1, 5) is None


@pytest.mark.usefixtures("level_5_rules")
def test_rulebook_is_read_in_one_query():
    years = Enrolment.objects.order_by().values("school_class__school_year")

    with CaptureQueriesContext(connection) as queries:
        book = RuleLookup(years)
        found = book.find(1, 5), book.find(1, 1)
        assert [(v.rules.terms, v.profile.name, v.number) for v in found]

    assert len(queries) == 1


def test_version_s_rules_are_one_object_for_all_its_levels(level_5_rules):
    YearRules.objects.create(school_year_id=1, grade_level_id=6, version=level_5_rules)
    book = RuleLookup([1])

    assert book.find(1, 5) is book.find(1, 6)


def test_shipped_profiles_are_installed_once(network):
    other = Network.objects.create(code="other", name="Other")

    made = default_rule_profiles.install_profiles(other)

    assert [profile.code for profile in made] == [
        p.code for p in default_profiles.DEFAULT_PROFILES
    ]
    assert [profile.latest_version().rules for profile in made] == [
        profile.rules for profile in default_profiles.DEFAULT_PROFILES
    ]
    assert default_rule_profiles.install_profiles(other) == []
    assert not SchoolYear.objects.filter(network=other).exists()


def test_profile_that_a_network_has_is_left_alone(network):
    own = RuleProfile.objects.get(code=default_profiles.DEFAULT_PROFILES[0].code)
    own.revise(Rules(terms=4, pass_mark="5.0"))

    assert default_rule_profiles.install_profiles(own.network) == []
    assert own.latest_version().number == 2
