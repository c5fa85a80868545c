"""A small network that holds every awkward case at once: its frame, classes and people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from school import models as m
from school.grading.rules import Rules
from tests.tasks.reports.figures.builder import CHILD, LESSONS, Builder, lesson_days

DAYS_2025 = lesson_days(date(2025, 2, 10), LESSONS)
DAYS = lesson_days(date(2026, 2, 9), LESSONS)
HALF = DAYS[100]
QUARTER = DAYS[50]
EJA_DAYS = lesson_days(date(2026, 2, 2), LESSONS // 2)
SCALE = [
    {"label": label, "lowest": low, "highest": high}
    for label, low, high in [
        ("E", "0", "1.9"), ("D", "2", "4.9"), ("C", "5", "6.9"), ("B", "7", "8.9"), ("A", "9", "10"),
    ]
]  # fmt: skip
STATE = {
    "terms": 4, "pass_mark": "6.0", "recovery_rule": "weighted", "dependencies": 1,
}  # fmt: skip
PROFILES = {
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
    "planned": {**STATE, "attendance_base": "planned", "minimum_attendance": "74.97"},
    "eja": {**STATE, "terms": 2, "term_kind": "semester", "year_days": 100},
}  # fmt: skip


@dataclass
class Awkward:
    """The network's records by the names that `pupils` and the tests call them by."""

    builder: Builder
    years: dict[str, m.SchoolYear]
    levels: dict[str, m.GradeLevel]
    schools: dict[str, m.School]
    classes: dict[str, m.SchoolClass]
    students: dict[str, m.Student]
    viewers: dict[str, m.User]

    def pupil(
        self,
        name: str | m.Student,
        key: str,
        rest: str = "70 70 70 70",
        *,
        marks: Mapping[str, str] | None = None,
        exams: Mapping[str, int] | None = None,
        absent: Iterable[int] = (),
        born: date = CHILD,
        social_name: str = "",
        level: str = "",
        **stay: object,
    ) -> m.Enrolment:
        """Enrol somebody new, or once more, in the class of that key, with marks and absences."""
        b = self.builder
        if isinstance(name, str):
            name = b.student(name, born, social_name)
            self.students[name.name] = name
        grade_level = self.levels[level] if level else None
        enrolment = b.enrol(name, self.classes[key], grade_level, **stay)
        b.marks(enrolment, rest, **(marks or {}))
        b.exams(enrolment, **(exams or {}))
        b.absent(enrolment, absent)
        return enrolment


def build() -> Awkward:
    """Everything but the pupils and the people who look at them."""
    b = Builder("Rede das Águas")
    years = {
        "2025": b.year(2025, DAYS_2025),
        "2026": b.year(2026, DAYS),
        "eja": b.year(2026, EJA_DAYS, terms=2, period="1"),
    }
    names = ["state", "rounded", "weighted", "concept", "planned", "eja", "none"]
    levels = {name: b.level(f"Nível {name}") for name in names}
    # Their order by code point, by pk and by the Portuguese alphabet all differ.
    schools = {"b": b.school("Escola Zélia"), "a": b.school("Escola Ávila")}
    world = Awkward(b, years, levels, schools, {}, {}, {})
    _give_rules(world)
    _open_classes(world)
    return world


def _give_rules(world: Awkward) -> None:
    """2025 was judged from 5.0 on and is closed; from 6.0 on is how it has been since."""
    b, years, levels = world.builder, world.years, world.levels
    old = {**STATE, "pass_mark": "5.0"}
    state = b.rule(years["2025"], old)
    b.rule(years["2025"], PROFILES["concept"], levels["concept"])
    years["2025"].is_closed = True
    years["2025"].save()
    version = state.revise(Rules.from_json(STATE))
    m.YearRules.objects.create(
        school_year=years["2026"], grade_level=levels["state"], version=version
    )
    for code, content in PROFILES.items():
        b.rule(years["eja" if code == "eja" else "2026"], content, levels[code])


def _open_classes(world: Awkward) -> None:
    b = world.builder
    order = [("Português", 2), ("Matemática", 2), ("Arte", 1), ("História", 3), ("Inglês", 3)]  # fmt: skip
    by_name = {name[:3].lower(): b.subject(name, place) for name, place in order}

    def add(key: str, name: str, levels: str, subjects: str, days: Sequence[date]):
        school = world.schools[key[0]]
        year = "eja" if key == "b_eja" else "2025" if key.endswith("25") else "2026"
        world.classes[key] = b.school_class(
            school, world.years[year], name,
            [world.levels[level] for level in levels.split()],
            [by_name[subject] for subject in subjects.split()], days,
        )  # fmt: skip

    add("a_main", "Ângulo", "state", "por mat art his", DAYS)
    add("a_other", "Álamo", "state", "mat por ing", DAYS[:-2])
    add("a_mixed", "Angra", "rounded weighted", "mat art", DAYS[10:])
    add("a_no_days", "de manhã", "state", "mat", [])
    add("a_no_subjects", "De Manha", "state", "", DAYS[:20])
    add("a_empty", "vazia", "state", "mat por", DAYS[:20])
    add("a_25", "Ângulo", "state", "por mat", DAYS_2025)
    add("b_main", "Ângulo", "state", "por mat art", DAYS)
    add("b_mixed", "Água", "concept planned", "por art", DAYS[:150])
    add("b_free", "Livre", "none", "por mat", DAYS[:30])
    add("b_eja", "EJA", "eja", "por mat", EJA_DAYS)
    add("b_25", "Ângulo", "concept state", "por mat", DAYS_2025)


def look(world: Awkward) -> None:
    """The people who ask for reports; `pupils` has enrolled the children by then."""
    b = world.builder
    elsewhere = Builder("Rede das Pedras")
    year = elsewhere.year(2026, DAYS[:8])
    school = elsewhere.school("Escola Alheia")
    subject = elsewhere.subject("Matemática", 1)
    strange = elsewhere.school_class(
        school, year, "Alheia", [elsewhere.level("Alheio")], [subject], DAYS[:8]
    )
    other = elsewhere.enrol(elsewhere.student("Alheia Pessoa"), strange)
    elsewhere.marks(other, "61 62 63 64")
    elsewhere.save()
    children = [world.students["Móvel Para Outra Escola"], world.students["Dália Dupla"]]  # fmt: skip
    schools, role = world.schools, m.Role
    world.viewers = {
        "administrator": b.user(role.ADMINISTRATOR, network=[b.network]),
        "staff_a": b.user(role.STAFF, school=[schools["a"]]),
        "staff_b": b.user(role.STAFF, school=[schools["b"]]),
        "teacher": b.user(role.TEACHER, school_class=[world.classes["a_other"]]),
        "guardian": b.user(role.GUARDIAN, student=children),
        "stranger": b.user(role.STAFF, school=[school]),
    }
