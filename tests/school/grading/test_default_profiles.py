from school.grading.default_profiles import DEFAULT_PROFILES
from school.grading.rules import Rules
from school.models import RuleProfile


def summarize(profile):
    rules = profile.rules
    return (
        rules.terms, str(rules.pass_mark), rules.recovery_mean_weight,
        rules.recovery_exam_weight, str(rules.minimum_attendance), rules.rounding,
    )  # fmt: skip


def test_default_profiles_match_their_sources():
    assert {default.code: summarize(default) for default in DEFAULT_PROFILES} == {
        "seduc-am-2022": (4, "6.0", 1, 1, "75", "none"),
        "i-educar-numerico": (4, "6.0", 6, 4, "75", "none"),
        "i-educar-conceitual": (4, "6.0", 6, 4, "80", "none"),
        "educacao-infantil-ldb": (4, "0.0", 1, 1, "60", "none"),
        "progressao-continuada": (4, "6.0", 1, 1, "75", "none"),
    }


def test_default_profiles_retain_as_their_sources_say():
    kinds = {d.code: (d.rules.assessment, d.rules.retention) for d in DEFAULT_PROFILES}

    assert kinds.pop("educacao-infantil-ldb") == ("none", "none")
    assert kinds.pop("progressao-continuada") == ("grades", "attendance")
    assert set(kinds.values()) == {("grades", "grades_and_attendance")}


def test_conceptual_scale_matches_i_educar():
    scale = {s.code: s.rules.scale for s in DEFAULT_PROFILES}["i-educar-conceitual"]

    assert [(b.label, str(b.lowest), str(b.highest)) for b in scale] == [
        ("E", "0.0", "1.9"),
        ("D", "2.0", "4.9"),
        ("C", "5.0", "6.9"),
        ("B", "7.0", "8.9"),
        ("A", "9.0", "10.0"),
    ]


def test_default_profiles_fit_their_model():
    for default in DEFAULT_PROFILES:
        profile = RuleProfile(
            code=default.code, name=default.name, source=default.source
        )
        profile.clean_fields(exclude=["network"])
        assert Rules.from_json(default.rules.to_json()) == default.rules


def test_default_profile_names_unverified_sources():
    amazonas = DEFAULT_PROFILES[0].source

    assert "Não verificados" in amazonas
    assert "não foram lidos" in amazonas
