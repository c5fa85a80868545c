"""Network of edge cases: years, rules, classes and viewers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from school import models as m
from school.grading.rules import Rules
from tests.tasks.reports.figures.builder import (
    CHILD_BIRTH_DATE,
    LESSON_COUNT,
    NetworkBuilder,
    lesson_days,
)

LESSON_DAYS_2025 = lesson_days(date(2025, 2, 10), LESSON_COUNT)
LESSON_DAYS = lesson_days(date(2026, 2, 9), LESSON_COUNT)
MID_YEAR = LESSON_DAYS[100]
QUARTER_YEAR = LESSON_DAYS[50]
EJA_LESSON_DAYS = lesson_days(date(2026, 2, 2), LESSON_COUNT // 2)
SCALE = [
    {"label": label, "lowest": low, "highest": high}
    for label, low, high in [
        ("E", "0", "1.9"), ("D", "2", "4.9"), ("C", "5", "6.9"), ("B", "7", "8.9"), ("A", "9", "10"),
    ]
]  # fmt: skip
STATE_RULES = {
    "terms": 4, "pass_mark": "6.0", "recovery_rule": "weighted", "dependencies": 1,
}  # fmt: skip
RULE_PROFILES = {
    "rounded": {
        "terms": 4, "pass_mark": "6.0", "rounding": "half_up", "rounding_step": "0.5",
        "recovery_rule": "replace_if_higher", "fail_if_unrecoverable": True,
    },
    "weighted": {
        "terms": 4, "pass_mark": "6.0", "mean_rule": "weighted", "term_weights": [1, 2, 3, 4],
        "recovery_rule": "weighted", "recovery_mean_weight": 6, "recovery_exam_weight": 4,
        "recovery_pass_mark": "5.0", "fail_if_unrecoverable": True, "council_absences": "30",
        "minimum_attendance": "66.7",
    },
    "concept": {
        "terms": 3, "term_kind": "trimester", "pass_mark": "5.0", "minimum_attendance": "80",
        "dependencies": 2, "scale": SCALE, "rounding": "up",
    },
    "planned": {**STATE_RULES, "attendance_base": "planned", "minimum_attendance": "74.97"},
    "eja": {**STATE_RULES, "terms": 2, "term_kind": "semester", "year_days": 100},
}  # fmt: skip


@dataclass
class EdgeCaseNetwork:
    """Records of the network by the keys that `students` and the tests use."""

    builder: NetworkBuilder
    years: dict[str, m.SchoolYear]
    levels: dict[str, m.GradeLevel]
    schools: dict[str, m.School]
    classes: dict[str, m.SchoolClass]
    students: dict[str, m.Student]
    viewers: dict[str, m.User]

    def enrol_student(
        self,
        name: str | m.Student,
        class_key: str,
        default_grades: str = "70 70 70 70",
        *,
        grades: Mapping[str, str] | None = None,
        exams: Mapping[str, int] | None = None,
        absences: Iterable[int] = (),
        birth_date: date = CHILD_BIRTH_DATE,
        social_name: str = "",
        level: str = "",
        **enrolment_fields: object,
    ) -> m.Enrolment:
        """Enrol a new or existing student in the class of that key, with grades and absences."""
        b = self.builder
        if isinstance(name, str):
            name = b.add_student(name, birth_date, social_name)
            self.students[name.name] = name
        grade_level = self.levels[level] if level else None
        enrolment = b.enrol(
            name, self.classes[class_key], grade_level, **enrolment_fields
        )
        b.add_grades(enrolment, default_grades, **(grades or {}))
        b.add_exams(enrolment, **(exams or {}))
        b.add_absences(enrolment, absences)
        return enrolment


def build_network() -> EdgeCaseNetwork:
    """Create the network without students and viewers."""
    b = NetworkBuilder("Rede das Águas")
    years = {
        "2025": b.add_year(2025, LESSON_DAYS_2025),
        "2026": b.add_year(2026, LESSON_DAYS),
        "eja": b.add_year(2026, EJA_LESSON_DAYS, terms=2, period="1"),
    }
    names = ["state", "rounded", "weighted", "concept", "planned", "eja", "none"]
    levels = {name: b.add_level(f"Nível {name}") for name in names}
    # Sorting by code point, by pk and by the Portuguese alphabet gives different orders.
    schools = {"b": b.add_school("Escola Zélia"), "a": b.add_school("Escola Ávila")}
    network = EdgeCaseNetwork(b, years, levels, schools, {}, {}, {})
    _create_rules(network)
    _create_classes(network)
    return network


def _create_rules(network: EdgeCaseNetwork) -> None:
    """Create rules: pass mark 5.0 in 2025, which is closed, and 6.0 since then."""
    b, years, levels = network.builder, network.years, network.levels
    old_rules = {**STATE_RULES, "pass_mark": "5.0"}
    profile = b.add_rules(years["2025"], old_rules)
    b.add_rules(years["2025"], RULE_PROFILES["concept"], levels["concept"])
    years["2025"].is_closed = True
    years["2025"].save()
    version = profile.revise(Rules.from_json(STATE_RULES))
    m.YearRules.objects.create(
        school_year=years["2026"], grade_level=levels["state"], version=version
    )
    for code, content in RULE_PROFILES.items():
        b.add_rules(years["eja" if code == "eja" else "2026"], content, levels[code])


def _create_classes(network: EdgeCaseNetwork) -> None:
    b = network.builder
    order = [("Português", 2), ("Matemática", 2), ("Arte", 1), ("História", 3), ("Inglês", 3)]  # fmt: skip
    by_name = {
        name[:3].lower(): b.add_subject(name, order_index)
        for name, order_index in order
    }

    def add(key: str, name: str, levels: str, subjects: str, days: Sequence[date]):
        school = network.schools[key[0]]
        year = "eja" if key == "b_eja" else "2025" if key.endswith("25") else "2026"
        network.classes[key] = b.add_class(
            school, network.years[year], name,
            [network.levels[level] for level in levels.split()],
            [by_name[subject] for subject in subjects.split()], days,
        )  # fmt: skip

    add("a_main", "Ângulo", "state", "por mat art his", LESSON_DAYS)
    add("a_other", "Álamo", "state", "mat por ing", LESSON_DAYS[:-2])
    add("a_mixed", "Angra", "rounded weighted", "mat art", LESSON_DAYS[10:])
    add("a_no_days", "de manhã", "state", "mat", [])
    add("a_no_subjects", "De Manha", "state", "", LESSON_DAYS[:20])
    add("a_empty", "vazia", "state", "mat por", LESSON_DAYS[:20])
    add("a_25", "Ângulo", "state", "por mat", LESSON_DAYS_2025)
    add("b_main", "Ângulo", "state", "por mat art", LESSON_DAYS)
    add("b_mixed", "Água", "concept planned", "por art", LESSON_DAYS[:150])
    add("b_free", "Livre", "none", "por mat", LESSON_DAYS[:30])
    add("b_eja", "EJA", "eja", "por mat", EJA_LESSON_DAYS)
    add("b_25", "Ângulo", "concept state", "por mat", LESSON_DAYS_2025)


def create_viewers(network: EdgeCaseNetwork) -> None:
    """Create the users who request reports; `students` must have run before."""
    b = network.builder
    other_builder = NetworkBuilder("Rede das Pedras")
    year = other_builder.add_year(2026, LESSON_DAYS[:8])
    school = other_builder.add_school("Escola Alheia")
    subject = other_builder.add_subject("Matemática", 1)
    other_class = other_builder.add_class(
        school,
        year,
        "Alheia",
        [other_builder.add_level("Alheio")],
        [subject],
        LESSON_DAYS[:8],
    )
    other_enrolment = other_builder.enrol(
        other_builder.add_student("Alheia Pessoa"), other_class
    )
    other_builder.add_grades(other_enrolment, "61 62 63 64")
    other_builder.save()
    children = [network.students["Móvel Para Outra Escola"], network.students["Dália Dupla"]]  # fmt: skip
    schools, role = network.schools, m.Role
    network.viewers = {
        "administrator": b.add_user(role.ADMINISTRATOR, network=[b.network]),
        "staff_a": b.add_user(role.STAFF, school=[schools["a"]]),
        "staff_b": b.add_user(role.STAFF, school=[schools["b"]]),
        "teacher": b.add_user(role.TEACHER, school_class=[network.classes["a_other"]]),
        "guardian": b.add_user(role.GUARDIAN, student=children),
        "stranger": b.add_user(role.STAFF, school=[school]),
    }
