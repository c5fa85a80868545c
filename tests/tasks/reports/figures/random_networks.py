"""Random small networks: rules, moves, grades and absences."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from hypothesis import strategies as st

from school import models as m
from tests.support.earlier_release import earlier_release
from tests.support.school_factory import (
    NO_GRADE,
    ClassFactory,
    NetworkFactory,
    create_level,
    create_prior_year,
    create_subject,
    create_user,
)

# Few days over more than a year, so that shares and windows often reach their limits.
DAY_STEP = timedelta(days=17)
DAY_COUNT = 24
FIRST_DAYS = [date(2026, 2, 2), date(2026, 2, 2), date(2025, 9, 15), date(2026, 11, 2)]
"""The first school year has its lessons in two calendar years, the others even more so."""
LEVEL_COUNT = CLASS_COUNT = 3
STUDENT_COUNT = 6
SUBJECTS = ["Arte", "Matemática", "Português"]
NAMES = ["Ávila", "Avila", "álvaro", "de Souza", "De Sousa", "Zélia"]
TENTHS = [0, 19, 49, 50, 55, 58, 59, 60, 61, 65, 70, 100]
GRADES = st.sampled_from([NO_GRADE, NO_GRADE, None, *TENTHS])
KINDS = st.sampled_from(["regular", "regular", "regular", "aee", "complementary"])
EXAMS = st.sampled_from([None, None, None, *TENTHS])
WEIGHT = st.integers(1, 9) | st.just(100)
RETENTIONS = ["grades_and_attendance", "attendance", "none"]
TERM_RECOVERIES = ["none", "replace_if_higher", "mean"]
CONCEPTS = ["E", "D", "C", "B", "A"]
SCALE = [
    {
        "label": label,
        "lowest": f"{2 * n}.0",
        "highest": "10.0" if label == "A" else f"{2 * n + 1}.9",
    }
    for n, label in enumerate(CONCEPTS)
]
# "Z" is in no scale: the rules of an open year may change.
GIVEN_CONCEPTS = st.sampled_from([None, *CONCEPTS, "C", "C", "Z"])
DAY_INDEXES = st.integers(0, DAY_COUNT - 1)
BIRTH_DATES = st.dates(date(2006, 1, 1), date(2023, 1, 1)) | st.sampled_from(
    [date(year, month, day) for year in (2008, 2020, 2022) for month in (2, 6, 10) for day in (1, 2)]
)  # fmt: skip


@dataclass
class RandomEnrolment:
    """One planned enrolment; days are indexes into the days of the plan."""

    student: int
    school_class: int
    level: int
    entry_day: int
    length: int | None
    ending: str
    is_approved_by_council: bool
    grades: list[int | None | Literal["-"]]
    exams: list[int | None]
    absence_days: list[int]
    is_retained_by_council: bool
    concepts: list[str | None]
    """Given concepts, in the order of the grades, which they replace."""
    recoveries: list[int | None]
    """Recoveries of terms, in the order of the grades."""
    exemptions: list[tuple[int, int | None]]
    """Subject as an index into `SUBJECTS`, and term; None for all terms."""


@dataclass
class RandomOffering:
    """What a subject of a class is for; levels are indexes, none of them means all."""

    levels: list[int]
    counts_for_promotion: bool
    is_optional: bool


@dataclass
class NetworkPlan:
    level_rules: list[dict[str, Any] | None]
    """Rules of each level, or None."""
    default_rules: dict[str, Any] | None
    """Rules of the levels without their own."""
    terms: int
    days_per_term: int | None
    """Lesson days of each term, after which lessons go on without a term; None for all days."""
    first_day: date
    is_closed: bool
    subjects: list[list[str]]
    """Subjects taught in each class."""
    days: list[list[int]]
    """Lesson days of each class, as indexes into all days."""
    students: list[tuple[str, date]]
    """Name and birth date."""
    schools: list[str]
    kinds: list[str]
    """Kind of each class."""
    years: list[int]
    """School year of each class; two of them run at the same time."""
    prior_years: list[tuple[int, int]]
    """Student and calendar year of the years elsewhere."""
    enrolments: list[RandomEnrolment]
    offerings: list[list[RandomOffering]]
    """Of each class, for each of `SUBJECTS`."""


def grade_texts(lowest: int, highest: int) -> st.SearchStrategy[str]:
    return st.integers(lowest, highest).map(lambda n: f"{n // 10}.{n % 10}")


@st.composite
def rules(draw: Callable[[Any], Any]) -> dict[str, Any]:
    terms = draw(st.integers(1, 4))
    is_weighted, has_recovery = draw(st.booleans()), draw(st.booleans())
    weights = st.lists(WEIGHT, min_size=terms, max_size=terms)
    cuts = draw(st.lists(st.integers(1, 99), max_size=3, unique=True).map(sorted))
    edges = [0, *cuts, 101]
    content = {
        "terms": terms,
        "mean_rule": "weighted" if is_weighted else "arithmetic",
        "term_weights": draw(weights) if is_weighted else (),
        "pass_mark": draw(st.just("6.0") | grade_texts(0, 100)),
        "rounding": draw(st.sampled_from(["none", "half_up", "up", "down"])),
        "rounding_step": draw(st.sampled_from(["0.1", "0.5", "0.25", "1", "0.001"])),
        "recovery_rule": draw(st.sampled_from(["weighted", "replace_if_higher"])),
        "recovery_mean_weight": draw(WEIGHT),
        "recovery_exam_weight": draw(WEIGHT),
        "recovery_pass_mark": draw(st.none() | grade_texts(30, 70)),
        "fail_if_unrecoverable": draw(st.booleans()),
        "minimum_attendance": draw(st.sampled_from(["75", "66.67", "66.6", "33.3", "0", "100"])),
        "attendance_base": draw(st.sampled_from(["given", "planned"])),
        "year_days": draw(st.integers(1, 30)),
        "council_absences": draw(st.sampled_from(["7.5", "25", "0", "33.33"])),
        "dependencies": draw(st.integers(0, 2)),
        "scale": [
            {"label": f"<{after}", "lowest": f"{low / 10:.1f}", "highest": f"{(after - 1) / 10:.1f}"}
            for low, after in zip(edges, edges[1:], strict=False)
            if cuts
        ],
    }  # fmt: skip
    if not has_recovery:
        content.update(recovery_rule="none", recovery_pass_mark=None)
    retention = draw(st.sampled_from([*RETENTIONS[:1] * 3, *RETENTIONS[1:]]))
    if retention != RETENTIONS[0]:
        content.update(retention=retention, dependencies=0)
    content["term_recovery"] = draw(st.sampled_from(TERM_RECOVERIES))
    assessment = draw(st.sampled_from(["grades"] * 4 + ["concepts", "none"]))
    if assessment != "grades":
        content.update(
            assessment=assessment, mean_rule="arithmetic", term_weights=(),
            recovery_rule="none", recovery_pass_mark=None, scale=[], term_recovery="none",
        )  # fmt: skip
    if assessment == "concepts":
        content.update(
            scale=SCALE,
            pass_concept=draw(st.sampled_from(CONCEPTS)),
            recovery_rule=draw(st.sampled_from(["none", "replace_if_higher"])),
        )
    return content


def offerings() -> st.SearchStrategy[RandomOffering]:
    return st.builds(
        RandomOffering,
        levels=st.just([])
        | st.lists(st.integers(0, LEVEL_COUNT - 1), unique=True, max_size=2),
        counts_for_promotion=st.sampled_from([True, True, False]),
        is_optional=st.sampled_from([False, False, True]),
    )


@st.composite
def enrolments(draw: Callable[[Any], Any]) -> RandomEnrolment:
    length = draw(st.none() | st.integers(1, 24))
    endings = ["", "", *m.Enrolment.Ending.values]
    return RandomEnrolment(
        student=draw(st.integers(0, STUDENT_COUNT - 1)),
        school_class=draw(st.integers(0, CLASS_COUNT - 1)),
        level=draw(st.sampled_from([0, 0, 1, 2])),
        entry_day=draw(st.sampled_from([0, 0, 6, 12]) | DAY_INDEXES),
        length=length,
        ending="" if length is None else draw(st.sampled_from(endings)),
        is_approved_by_council=draw(st.booleans()),
        # One term too many: grades may exist for a term that does not.
        grades=draw(st.lists(GRADES, min_size=15, max_size=15)),
        exams=draw(st.lists(EXAMS, min_size=3, max_size=3)),
        absence_days=draw(st.lists(DAY_INDEXES, unique=True, max_size=10)),
        is_retained_by_council=draw(st.sampled_from([False, False, True])),
        concepts=draw(
            st.just([None] * 15) | st.lists(GIVEN_CONCEPTS, min_size=15, max_size=18)
        ),
        recoveries=draw(st.lists(EXAMS, min_size=15, max_size=15)),
        exemptions=draw(
            st.just([])
            | st.lists(
                st.tuples(st.integers(0, 2), st.none() | st.integers(1, 5)),
                max_size=3,
                unique=True,
            )
        ),
    )


def network_plans() -> st.SearchStrategy[NetworkPlan]:
    subjects = st.lists(st.sampled_from(SUBJECTS), unique=True, max_size=3)
    days = st.just(list(range(DAY_COUNT))) | st.lists(DAY_INDEXES, unique=True).map(
        sorted
    )
    return st.builds(
        NetworkPlan,
        level_rules=st.lists(
            st.none() | rules(), min_size=LEVEL_COUNT, max_size=LEVEL_COUNT
        ),
        default_rules=st.none() | rules(),
        terms=st.integers(1, 5),
        days_per_term=st.sampled_from([None, None, 2, 4]),
        first_day=st.sampled_from(FIRST_DAYS),
        is_closed=st.booleans(),
        subjects=st.lists(subjects, min_size=CLASS_COUNT, max_size=CLASS_COUNT),
        days=st.lists(days, min_size=CLASS_COUNT, max_size=CLASS_COUNT),
        students=st.lists(
            st.tuples(st.sampled_from(NAMES), BIRTH_DATES),
            min_size=STUDENT_COUNT,
            max_size=STUDENT_COUNT,
        ),
        schools=st.lists(st.sampled_from(NAMES), min_size=2, max_size=2),
        kinds=st.lists(KINDS, min_size=CLASS_COUNT, max_size=CLASS_COUNT),
        years=st.lists(
            st.sampled_from([0, 0, 0, 1]), min_size=CLASS_COUNT, max_size=CLASS_COUNT
        ),
        prior_years=st.lists(
            st.tuples(st.integers(0, STUDENT_COUNT - 1), st.integers(2025, 2028)),
            max_size=8,
        ),
        enrolments=st.lists(enrolments(), min_size=1, max_size=12),
        offerings=st.lists(
            st.lists(offerings(), min_size=3, max_size=3),
            min_size=CLASS_COUNT,
            max_size=CLASS_COUNT,
        ),
    )


def build_network(plan: NetworkPlan) -> tuple[m.Network, list[m.User]]:
    """Create the planned network in the database; return it and its viewers."""
    factory = NetworkFactory(name="Rede do Acaso")
    all_days = [plan.first_day + n * DAY_STEP for n in range(DAY_COUNT)]
    years = [
        factory.create_year(
            2026,
            all_days,
            terms=plan.terms,
            days_per_term=plan.days_per_term,
            period=period,
        )
        for period in ("", "2")
    ]
    levels = [create_level(f"Nível {n}") for n in range(LEVEL_COUNT)]
    for level, content in [
        *zip(levels, plan.level_rules, strict=True),
        (None, plan.default_rules),
    ]:
        if content is not None:
            for year in years:
                factory.create_rules(year, level, **content)
    subjects = [create_subject(name, 1) for name in SUBJECTS]
    schools = [factory.create_school(name) for name in plan.schools]
    classes = [
        factory.create_class(
            schools[n % 2], years[plan.years[n]], NAMES[n // 2], levels,
            [subjects[SUBJECTS.index(name)] for name in names], [all_days[day] for day in days],
        )
        for n, (names, days) in enumerate(zip(plan.subjects, plan.days, strict=True))
    ]  # fmt: skip
    for school_class, planned, kind in zip(
        classes, plan.offerings, plan.kinds, strict=True
    ):
        _set_offerings(school_class, subjects, levels, planned)
        school_class.school_class.kind = kind
        school_class.school_class.save()
    students = [
        factory.create_student(name, birth_date=born) for name, born in plan.students
    ]
    for student_index, prior_year in plan.prior_years:
        create_prior_year(students[student_index], prior_year)
    _enrol_all(plan, students, classes, levels, subjects, all_days)
    if plan.is_closed:
        for year in years:
            year.is_closed = True
            year.save()
    return factory.network, [
        create_user(m.Role.ADMINISTRATOR, network=[factory.network]),
        create_user(m.Role.STAFF, school=[schools[0]]),
        create_user(m.Role.TEACHER, school_class=[classes[1].school_class]),
        create_user(m.Role.GUARDIAN, student=students[:2]),
    ]


def _enrol_all(
    plan: NetworkPlan,
    students: list[m.Student],
    classes: list[ClassFactory],
    levels: list[m.GradeLevel],
    subjects: list[m.Subject],
    all_days: list[date],
) -> None:
    open_enrolments: set[tuple[int, int]] = set()
    for enrolment in plan.enrolments:
        key = enrolment.student, enrolment.school_class
        # The database rejects a second open enrolment of a student in a class.
        if enrolment.length is None and key in open_enrolments:
            continue
        open_enrolments |= {key} if enrolment.length is None else set()
        session_count = len(plan.days[enrolment.school_class])
        # Figures are right for inconsistent records of earlier releases, too.
        with earlier_release():
            _enrol(
                enrolment, students[enrolment.student], classes[enrolment.school_class],
                levels, subjects, all_days, session_count,
            )  # fmt: skip


def _set_offerings(
    school_class: ClassFactory,
    subjects: list[m.Subject],
    levels: list[m.GradeLevel],
    planned: list[RandomOffering],
) -> None:
    for subject, one in zip(subjects, planned, strict=True):
        of_class = m.Offering.objects.filter(
            school_class=school_class.school_class, subject=subject
        )
        of_class.update(
            counts_for_promotion=one.counts_for_promotion, is_optional=one.is_optional
        )
        for offering in of_class:
            offering.grade_levels.set(levels[n] for n in one.levels)


def _enrol(
    planned: RandomEnrolment,
    student: m.Student,
    school_class: ClassFactory,
    levels: list[m.GradeLevel],
    subjects: list[m.Subject],
    all_days: list[date],
    session_count: int,
) -> None:
    entry = all_days[planned.entry_day]
    length = None if planned.length is None else planned.length * DAY_STEP
    enrolment = school_class.enrol(
        student, grade_level=levels[planned.level], entry_date=entry,
        exit_date=length and entry + length, ending=planned.ending,
        approved_by_council=planned.is_approved_by_council,
        retained_by_council=planned.is_retained_by_council
        and not planned.is_approved_by_council,
    )  # fmt: skip
    for n, subject in enumerate(subjects):
        if subject.pk in school_class.subject_ids:
            school_class.add_grades(
                enrolment, subject.pk, *planned.grades[n::3], exam=planned.exams[n]
            )
            for term, recovery in enumerate(planned.recoveries[n::3], 1):
                graded = m.Grade.objects.filter(
                    enrolment=enrolment, offering__subject=subject, term=term
                )
                graded.exclude(tenths=None).update(recovery_tenths=recovery)
            _add_concepts(
                enrolment, school_class, subject, planned.concepts[:15][n::3],
                planned.concepts[15 + n :][:1],
            )  # fmt: skip
            for term in [term for index, term in planned.exemptions if index == n]:
                m.Exemption.objects.create(
                    enrolment=enrolment, term=term, reason="-",
                    offering_id=school_class.offering_ids[subject.pk],
                )  # fmt: skip
    absence_days = [day for day in planned.absence_days if day < session_count]
    school_class.add_absences(
        enrolment, *absence_days, justified=range(0, DAY_COUNT, 3)
    )


def _add_concepts(
    enrolment: m.Enrolment,
    school_class: ClassFactory,
    subject: m.Subject,
    terms: list[str | None],
    exams: list[str | None],
) -> None:
    """Replace grades by given concepts."""
    key = {
        "enrolment": enrolment,
        "offering_id": school_class.offering_ids[subject.pk],
    }
    for term, concept in enumerate(terms, 1):
        if concept is not None:
            values = {"tenths": None, "recovery_tenths": None, "concept": concept}
            m.Grade.objects.update_or_create(**key, term=term, defaults=values)
    for concept in filter(None, exams):
        values = {"tenths": None, "concept": concept}
        m.RecoveryGrade.objects.update_or_create(**key, defaults=values)
