"""Network of edge cases: years, rules, classes and viewers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from school import models as m
from school.grading.rules import Rules
from tests.support.school_factory import (
    NO_GRADE,
    ClassFactory,
    NetworkFactory,
    create_level,
    create_subject,
    create_user,
)

LESSON_COUNT = 200
RECESS = (date(2026, 7, 4), date(2026, 7, 20))
CHILD_BIRTH_DATE = date(2014, 5, 20)


def lesson_days(first: date, number: int) -> list[date]:
    """Return this many weekdays from that day on, skipping the recess of 2026."""
    days: list[date] = []
    day = first
    while len(days) < number:
        if day.weekday() < 5 and not RECESS[0] <= day < RECESS[1]:
            days.append(day)
        day += timedelta(days=1)
    return days


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

    factory: NetworkFactory
    years: dict[str, m.SchoolYear]
    levels: dict[str, m.GradeLevel]
    schools: dict[str, m.School]
    subjects: dict[str, m.Subject]
    """Subjects by the first three letters of their name."""
    classes: dict[str, ClassFactory]
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
        if isinstance(name, str):
            name = self.factory.create_student(
                name, birth_date=birth_date, social_name=social_name
            )
            self.students[name.name] = name
        if level:
            enrolment_fields["grade_level"] = self.levels[level]
        school_class = self.classes[class_key]
        enrolment = school_class.enrol(name, **enrolment_fields)
        for key, subject in self.subjects.items():
            if subject.pk in school_class.subject_ids:
                text = (grades or {}).get(key, default_grades)
                exam = (exams or {}).get(key)
                school_class.add_grades(
                    enrolment, subject.pk, *parse_grades(text), exam=exam
                )
        justified = range(0, LESSON_COUNT, 3)
        school_class.add_absences(enrolment, *absences, justified=justified)
        return enrolment


def parse_grades(text: str) -> list[int | None | Literal["-"]]:
    """Parse grades in tenths: "60 - x" means 6.0, no record, and a null grade."""
    values = {"-": NO_GRADE, "x": None}
    return [values[word] if word in values else int(word) for word in text.split()]


def build_network() -> EdgeCaseNetwork:
    """Create the network without students and viewers."""
    factory = NetworkFactory(name="Rede das Águas")
    years = {
        "2025": factory.create_year(2025, LESSON_DAYS_2025),
        "2026": factory.create_year(2026, LESSON_DAYS),
        "eja": factory.create_year(2026, EJA_LESSON_DAYS, terms=2, period="1"),
    }
    names = ["state", "rounded", "weighted", "concept", "planned", "eja", "none"]
    levels = {name: create_level(f"Nível {name}") for name in names}
    # Sorting by code point, by pk and by the Portuguese alphabet gives different orders.
    schools = {
        "b": factory.create_school("Escola Zélia"),
        "a": factory.create_school("Escola Ávila"),
    }
    order = [("Português", 2), ("Matemática", 2), ("Arte", 1), ("História", 3), ("Inglês", 3)]  # fmt: skip
    subjects = {
        name[:3].lower(): create_subject(name, order_index)
        for name, order_index in order
    }
    network = EdgeCaseNetwork(factory, years, levels, schools, subjects, {}, {}, {})
    _create_rules(network)
    _create_classes(network)
    return network


def _create_rules(network: EdgeCaseNetwork) -> None:
    """Create rules: pass mark 5.0 in 2025, which is closed, and 6.0 since then."""
    factory, years, levels = network.factory, network.years, network.levels
    old_rules = {**STATE_RULES, "pass_mark": "5.0"}
    profile = factory.create_rules(years["2025"], **old_rules)
    factory.create_rules(years["2025"], levels["concept"], **RULE_PROFILES["concept"])
    years["2025"].is_closed = True
    years["2025"].save()
    version = profile.revise(Rules.from_json(STATE_RULES))
    years["2025"].reopen("its records are missing; create_viewers closes it again")
    m.YearRules.objects.create(
        school_year=years["2026"], grade_level=levels["state"], version=version
    )
    for code, content in RULE_PROFILES.items():
        year = years["eja" if code == "eja" else "2026"]
        factory.create_rules(year, levels[code], **content)


def _create_classes(network: EdgeCaseNetwork) -> None:
    def add(key: str, name: str, levels: str, subjects: str, days: Sequence[date]):
        year = "eja" if key == "b_eja" else "2025" if key.endswith("25") else "2026"
        network.classes[key] = network.factory.create_class(
            network.schools[key[0]], network.years[year], name,
            [network.levels[level] for level in levels.split()],
            [network.subjects[subject] for subject in subjects.split()], days,
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
    """Close the year 2025 and create the users; `students` must have run before."""
    network.years["2025"].is_closed = True
    network.years["2025"].save()
    other_network = NetworkFactory(name="Rede das Pedras")
    other_school = other_network.create_school("Escola Alheia")
    other_days = LESSON_DAYS[:8]
    subject = create_subject("Matemática", 1)
    other_class = other_network.create_class(
        other_school, other_network.create_year(2026, other_days), "Alheia",
        [create_level("Alheio")], [subject], other_days,
    )  # fmt: skip
    other_class.add_grades(
        other_class.enrol("Alheia Pessoa"), subject.pk, 61, 62, 63, 64
    )
    children = [network.students["Móvel Para Outra Escola"], network.students["Dália Dupla"]]  # fmt: skip
    teacher_class = network.classes["a_other"].school_class
    schools, role = network.schools, m.Role
    network.viewers = {
        "administrator": create_user(
            role.ADMINISTRATOR, network=[network.factory.network]
        ),
        "staff_a": create_user(role.STAFF, school=[schools["a"]]),
        "staff_b": create_user(role.STAFF, school=[schools["b"]]),
        "teacher": create_user(role.TEACHER, school_class=[teacher_class]),
        "guardian": create_user(role.GUARDIAN, student=children),
        "stranger": create_user(role.STAFF, school=[other_school]),
    }
