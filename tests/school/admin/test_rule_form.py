import html

import pytest

from school.grading import default_profiles
from school.grading.rules import Rules
from school.models import Network, RuleProfile, SchoolYear, YearRules

pytestmark = pytest.mark.django_db

RULES = {
    "terms": "4", "term_kind": "bimester", "mean_rule": "arithmetic", "term_weights": "",
    "pass_mark": "6.0", "rounding": "none", "rounding_step": "0.1",
    "recovery_rule": "weighted", "recovery_mean_weight": "1", "recovery_exam_weight": "1",
    "recovery_pass_mark": "", "minimum_attendance": "75", "attendance_base": "given",
    "year_days": "200", "council_absences": "7.5", "dependencies": "0", "scale": "",
    "assessment": "grades", "retention": "grades_and_attendance", "pass_concept": "",
    "term_recovery": "none",
}  # fmt: skip
NO_ROWS = {"versions-TOTAL_FORMS": "0", "versions-INITIAL_FORMS": "0"}
SCALE = "A 9.0 10.0\nB 6.0 8.9\nNão atingiu 0.0 5.9"


@pytest.fixture
def amazonas_profile(network):
    return RuleProfile.objects.get(code=default_profiles.DEFAULT_PROFILES[0].code)


def save_profile(admin_client, profile=None, **rules):
    """Post the form of the profile, or that of a new profile if it is None."""
    form_data = {"name": "Own", "source": "", **NO_ROWS, **RULES, **rules}
    if profile is None:
        url, form_data = "add/", {**form_data, "network": "1", "code": "own"}
    else:
        url = f"{profile.pk}/change/"
    return admin_client.post(f"/admin/school/ruleprofile/{url}", form_data)


def page_text(page):
    return html.unescape(page.content.decode())


def test_new_profile_creates_its_first_version(admin_client):
    answer = save_profile(
        admin_client, scale=SCALE, pass_mark="6.5", recovery_pass_mark="5.0"
    )

    assert answer.status_code == 302, page_text(answer)
    version = RuleProfile.objects.get(code="own").latest_version()
    assert version.number == 1
    assert version.rules == Rules(
        terms=4, pass_mark="6.5", recovery_rule="weighted", recovery_pass_mark="5.0",
        scale=[
            {"label": "Não atingiu", "lowest": "0.0", "highest": "5.9"},
            {"label": "B", "lowest": "6.0", "highest": "8.9"},
            {"label": "A", "lowest": "9.0", "highest": "10.0"},
        ],
    )  # fmt: skip


def test_unchanged_profile_form_creates_no_version(admin_client):
    save_profile(
        admin_client, scale=SCALE, mean_rule="weighted", term_weights="1, 1, 2, 2"
    )
    profile = RuleProfile.objects.get(code="own")

    form = admin_client.get(f"/admin/school/ruleprofile/{profile.pk}/change/").context[
        "adminform"
    ]
    initial_values = {name: form.form.initial[name] for name in RULES}

    assert initial_values["term_weights"] == "1, 1, 2, 2"
    assert initial_values["scale"].splitlines() == SCALE.splitlines()[::-1]
    form_values = {
        name: "" if value is None else value for name, value in initial_values.items()
    }
    assert save_profile(admin_client, profile, **form_values).status_code == 302
    assert profile.versions.count() == 1


def test_changed_rules_create_version_for_open_years_only(
    admin_client, amazonas_profile
):
    first = amazonas_profile.latest_version()
    closed = SchoolYear.objects.create(
        network_id=1, year=2025, starts_on="2025-02-01", ends_on="2025-12-20"
    )
    YearRules.objects.create(school_year=closed, version=first)
    SchoolYear.objects.filter(pk=closed.pk).update(is_closed=True)

    assert (
        save_profile(admin_client, amazonas_profile, pass_mark="7.0").status_code == 302
    )

    second = amazonas_profile.latest_version()
    assert (second.number, str(second.rules.pass_mark)) == (2, "7.0")
    assert YearRules.objects.get(school_year=1).version == second
    assert YearRules.objects.get(school_year=closed).version == first
    page = page_text(
        admin_client.get(f"/admin/school/ruleprofile/{amazonas_profile.pk}/change/")
    )
    assert "2025, other levels" in page
    assert "pass_mark: 6.0" in page


@pytest.mark.guarantee("Invalid rules are not saved.")
@pytest.mark.parametrize(
    ("invalid", "message"),
    [
        pytest.param({"scale": "A 9.0 10.0\nB 0.0"}, "its two grades", id="half a line"),
        pytest.param({"scale": "A 9.0 11.0"}, "less than or equal to 10", id="above 10"),
        pytest.param({"scale": "A 9.0 10.0\nB 0.0 8.5"}, "um buraco entre B e A", id="hole"),
        pytest.param({"scale": "A 9.0 10.0\nB 0.0 9.0"}, "se sobrepõem", id="overlap"),
        pytest.param({"scale": "A 9.0 10.0\nB 1.0 8.9"}, "deve ir de 0,0 a 10,0", id="no lowest"),
        pytest.param({"scale": "A x 10.0"}, "“x” is not a grade", id="letters in a scale"),
        pytest.param({"scale": "A NaN 10.0\nB 0.0 8.9"}, "“NaN” is not a grade", id="no number in a scale"),
        pytest.param({"term_weights": "1, x"}, "Write whole numbers", id="no number"),
        pytest.param(
            {"mean_rule": "weighted", "term_weights": "1, 0, 1, 1"},
            "2: Input should be greater than or equal to 1", id="zero weight",
        ),
        pytest.param(
            {"mean_rule": "weighted", "term_weights": "1, 1"},
            "um peso para cada um dos 4 períodos", id="too few weights",
        ),
        pytest.param({"recovery_exam_weight": "0"}, "greater than or equal to 1", id="zero exam weight"),
        pytest.param({"pass_mark": "6.05"}, "no more than 1 decimal place", id="hundredths"),
        pytest.param({"pass_mark": ""}, "obrigatório", id="no pass mark"),
        pytest.param({"minimum_attendance": "101"}, "less than or equal to 100", id="above 100 percent"),
        pytest.param({"terms": "3"}, "tem 4 períodos", id="other terms than the year"),
    ],
)  # fmt: skip
def test_invalid_rules_show_error_and_are_not_saved(
    admin_client, amazonas_profile, invalid, message
):
    page = save_profile(admin_client, amazonas_profile, name="New", **invalid)

    assert page.status_code == 200
    assert message in page_text(page)
    assert amazonas_profile.versions.count() == 1
    assert RuleProfile.objects.get(pk=amazonas_profile.pk).name == amazonas_profile.name


def save_year(admin_client, year=1, **values):
    rules = YearRules.objects.filter(school_year=year).first()
    version = RuleProfile.objects.get(
        code=default_profiles.DEFAULT_PROFILES[0].code
    ).latest_version()
    school_year = SchoolYear.objects.get(pk=year)
    form_data = {
        "network": "1", "year": school_year.year, "period": school_year.period,
        "starts_on": school_year.starts_on, "ends_on": school_year.ends_on,
        "terms-TOTAL_FORMS": "0", "terms-INITIAL_FORMS": "0",
        "rules-TOTAL_FORMS": "1", "rules-INITIAL_FORMS": "1" if rules else "0",
        "rules-0-id": rules.pk if rules else "", "rules-0-school_year": year,
        "rules-0-grade_level": "", "rules-0-version": version.pk,
        **values,
    }  # fmt: skip
    return admin_client.post(f"/admin/school/schoolyear/{year}/change/", form_data)


def test_year_form_saves_its_rules(admin_client):
    YearRules.objects.all().delete()

    assert save_year(admin_client).status_code == 302

    assert YearRules.objects.get().school_year_id == 1


def test_year_form_refuses_rules_for_other_terms(admin_client, network):
    three = RuleProfile.objects.create(network_id=1, code="three", name="Three")
    version = three.revise(Rules(terms=3, pass_mark="6.0"))

    page = save_year(admin_client, **{"rules-0-version": version.pk})

    assert page.status_code == 200
    assert "O ano 2026 tem 4 períodos" in page_text(page)


def test_closing_a_year_keeps_its_rules(admin_client, network):
    own = RuleProfile.objects.create(network_id=1, code="own", name="Own")
    other = own.revise(Rules(terms=4, pass_mark="5.0"))

    page = save_year(admin_client, is_closed="on", **{"rules-0-version": other.pk})
    assert "then close the year" in page_text(page)
    assert not SchoolYear.objects.get().is_closed

    assert save_year(admin_client, is_closed="on").status_code == 302
    assert SchoolYear.objects.get().is_closed


def test_closed_year_rules_are_read_only(admin_client, network):
    own = RuleProfile.objects.create(network_id=1, code="own", name="Own")
    other = own.revise(Rules(terms=4, pass_mark="5.0"))
    before = YearRules.objects.get().version
    SchoolYear.objects.update(is_closed=True)

    page = page_text(admin_client.get("/admin/school/schoolyear/1/change/"))
    assert 'name="rules-0-version"' not in page
    assert str(before) in page
    save_year(admin_client, is_closed="on", **{"rules-0-version": other.pk})

    assert YearRules.objects.get().version == before
    deleted = admin_client.post("/admin/school/schoolyear/1/delete/", {"post": "yes"})
    assert deleted.status_code == 403


def test_year_form_offers_no_rules_of_other_networks(admin_client, network):
    other = Network.objects.create(code="other", name="Other")
    foreign_profile = RuleProfile.objects.create(network=other, code="x", name="Theirs")
    foreign_profile.revise(Rules(terms=4, pass_mark="6.0"))

    page = page_text(admin_client.get("/admin/school/schoolyear/1/change/"))

    assert 'name="rules-0-version"' in page
    assert "Theirs" not in page


def test_network_action_adds_default_profiles(admin_client, network):
    other = Network.objects.create(code="other", name="Other")
    action = {"action": "add_default_profiles", "_selected_action": [1, other.pk]}

    page = admin_client.post("/admin/school/network/", action, follow=True)

    assert "none was missing" in page_text(page)
    assert other.rule_profiles.count() == len(default_profiles.DEFAULT_PROFILES)


def test_profile_form_ignores_code_and_network(admin_client, amazonas_profile):
    save_profile(admin_client, amazonas_profile, code="else", network="2")

    amazonas_profile.refresh_from_db()
    assert (amazonas_profile.code, amazonas_profile.network_id) == (
        default_profiles.DEFAULT_PROFILES[0].code,
        1,
    )


def test_profile_of_given_concepts_needs_no_pass_mark(admin_client):
    answer = save_profile(
        admin_client, assessment="concepts", scale=SCALE, pass_concept="B",
        pass_mark="", recovery_rule="replace_if_higher",
    )  # fmt: skip

    assert answer.status_code == 302, page_text(answer)
    rules = RuleProfile.objects.get(code="own").latest_version().rules
    assert (rules.assessment, rules.pass_concept, rules.pass_mark) == (
        "concepts",
        "B",
        0,
    )


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"pass_mark": ""}, "pass_mark"),
        ({"assessment": "none"}, "recovery_rule"),
        ({"pass_concept": "A"}, "pass_concept"),
    ],
)
def test_contradictory_assessment_is_shown_at_its_field(admin_client, values, field):
    page = save_profile(admin_client, **values)

    assert set(page.context["adminform"].form.errors) == {field}
