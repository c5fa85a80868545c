from school.grading.default_profiles import DEFAULT_PROFILES
from school.grading.rules import Rules
from school.models import RuleProfile


def summarize(profile):
    rules = profile.rules
    return (
        rules.terms, str(rules.pass_mark), rules.recovery_mean_weight,
        rules.recovery_exam_weight, str(rules.minimum_attendance), rules.rounding,
    )  # fmt: skip


def test_shipped_profiles_are_those_of_their_sources():
    assert {shipped.code: summarize(shipped) for shipped in DEFAULT_PROFILES} == {
        "seduc-am-2022": (4, "6.0", 1, 1, "75", "none"),
        "i-educar-numerico": (4, "6.0", 6, 4, "75", "none"),
        "i-educar-conceitual": (4, "6.0", 6, 4, "80", "none"),
    }


def test_scale_of_the_concepts_is_i_educar_s():
    scale = {s.code: s.rules.scale for s in DEFAULT_PROFILES}["i-educar-conceitual"]

    assert [(b.label, str(b.lowest), str(b.highest)) for b in scale] == [
        ("E", "0.0", "1.9"),
        ("D", "2.0", "4.9"),
        ("C", "5.0", "6.9"),
        ("B", "7.0", "8.9"),
        ("A", "9.0", "10.0"),
    ]


def test_shipped_profiles_fit_their_records():
    for shipped in DEFAULT_PROFILES:
        profile = RuleProfile(
            code=shipped.code, name=shipped.name, source=shipped.source
        )
        profile.clean_fields(exclude=["network"])
        assert Rules.from_json(shipped.rules.to_json()) == shipped.rules


def test_what_nobody_checked_is_said():
    amazonas = DEFAULT_PROFILES[0].source

    assert "Não verificados" in amazonas
    assert "não foram lidos" in amazonas
