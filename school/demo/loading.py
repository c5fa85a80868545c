"""Loads the demo network into the database, in bulk and in small commits."""

from collections.abc import Callable, Iterator
from datetime import date

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Model

from school import models as m
from school.collation import sort_key
from school.demo import bulk, crests, details
from school.demo.names import FAMILY, GIVEN
from school.demo.network import (
    DAYS_A_TERM,
    LEVELS,
    SUBJECTS,
    TERMS,
    YEAR,
    DemoNetwork,
    Place,
)
from school.grading import default_profiles
from school.models import default_rule_profiles

CODE = "demo"
PROFILE = default_profiles.PROFILES[0].code
"""That of the state the network lies in."""
PASSWORD = "demo"  # noqa: S105  (the whole network is invented)
CLASSES_A_COMMIT = 40
# user name, role, what they are attached to
USERS = [
    ("admin", m.Role.ADMINISTRATOR, "network", [1]),
    ("secretary", m.Role.STAFF, "school", [1]),
    ("teacher", m.Role.TEACHER, "school_class", [1, 2]),
    ("guardian", m.Role.GUARDIAN, "student", [1, 27]),
    ("stranger", m.Role.STAFF, "school", [2]),
]


class ForeignData(Exception):
    """The database holds something that is not the demo's own."""


def loaded() -> int:
    """How many students the demo has that is there already; 0 unless it is whole."""
    if not m.Network.objects.filter(code=CODE).exists() or not _has_users():
        return 0
    return m.Student.objects.filter(network__code=CODE).count()


def clear_unfinished() -> None:
    """Remove what an earlier load that was cut off has left; refuse anything else."""
    if held := loaded():
        raise ForeignData(
            f"it holds a demo network of {held} students; for another size give an empty "
            "database (DATABASE_URL, or another VAR_DIR)"
        )
    strange = (
        m.Network.objects.exclude(code=CODE).exists()
        or m.User.objects.exists()
        or not m.Network.objects.exists()
        and (m.Subject.objects.exists() or m.GradeLevel.objects.exists())
    )
    if strange:
        raise ForeignData("it holds records that are not the demo's")
    for model in _children_first():
        model._base_manager.all()._raw_delete("default")


def load(network: DemoNetwork, advance: Callable[[int], None]) -> None:
    """Load the network; `advance` is told how many classes each lot has added."""
    _load_frame(network)
    numbers = range(1, network.classes + 1)
    for start in range(0, network.classes, CLASSES_A_COMMIT):
        lot = numbers[start : start + CLASSES_A_COMMIT]
        _load_classes(network, lot)
        advance(len(lot))
    bulk.let_ids_follow()
    _load_users()  # last: they say that the rest is whole


def _load_frame(network: DemoNetwork) -> None:
    """What there is few of: the network, its schools and year, levels and subjects."""
    days = network.days
    name = "Rede Municipal de Ensino de Serra do Encanto"
    bulk.insert(m.Network, "id code name", [(1, CODE, name)])
    bulk.insert(
        m.School,
        "id network inep_code name sort_key address city state authorisation",
        map(_school_row, range(1, network.schools + 1)),
    )
    _load_crests(network)
    year = (1, 1, YEAR, "", days[0], date(YEAR, 12, 31), False)
    bulk.insert(
        m.SchoolYear,
        "id network year period starts_on ends_on is_closed",
        [year],
    )
    terms = (
        (n, 1, n, days[(n - 1) * DAYS_A_TERM], days[n * DAYS_A_TERM - 1])
        for n in range(1, TERMS + 1)
    )
    bulk.insert(m.Term, "id school_year number starts_on ends_on", terms)
    levels = ((n, f"ef-{n}", level, n) for n, level in enumerate(LEVELS, 1))
    bulk.insert(m.GradeLevel, "id code name order", levels)
    subjects = (
        (n, f"s-{n}", subject, n, sort_key(subject))
        for n, subject in enumerate(SUBJECTS, 1)
    )
    bulk.insert(m.Subject, "id code name order sort_key", subjects)
    _load_rules()


def _load_crests(network: DemoNetwork) -> None:
    """The network's own, and that of each school but the last."""
    bulk.insert(m.Crest, "network image", [(1, crests.drawn(0))])
    schools = range(1, network.schools)
    bulk.insert(m.Crest, "school image", ((n, crests.drawn(n)) for n in schools))


def _load_rules() -> None:
    """Every profile there is, and the state's own for the year."""
    default_rule_profiles.install(m.Network.objects.get())
    version = m.RuleVersion.objects.get(profile__code=PROFILE)
    m.YearRules.objects.create(school_year=m.SchoolYear.objects.get(), version=version)


def _load_classes(network: DemoNetwork, numbers: range) -> None:
    """Each table in turn, parents first; a commit each."""
    places = [place for number in numbers for place in network.places(number)]
    bulk.insert(
        m.SchoolClass,
        "id school school_year name shift sort_key",
        (network.class_row(number) for number in numbers),
    )
    bulk.insert(
        m.SchoolClass.grade_levels.through,
        "schoolclass gradelevel",
        ((number, level) for number in numbers for level in network.levels_of(number)),
    )
    bulk.insert(
        m.Offering,
        "id school_class subject hours",
        (row for number in numbers for row in _offerings(number)),
    )
    bulk.insert(
        m.ClassSession,
        "id school_class date term",
        (row for number in numbers for row in network.session_rows(number)),
    )
    bulk.insert(
        m.Student,
        "id network registration name birth_date sort_key social_name birth_place "
        "nationality parents inep_code birth_certificate identity_document",
        (row for number in numbers for row in network.student_rows(number)),
    )
    _load_prior_years(network, numbers)
    _load_places(network, places)


def _load_prior_years(network: DemoNetwork, numbers: range) -> None:
    years = [year for number in numbers for year in network.prior_years(number)]
    bulk.insert(
        m.PriorYear,
        "id student year grade_level school city state result days attendance",
        (row for row, _subjects in years),
    )
    bulk.insert(
        m.PriorSubject,
        "prior_year subject grade hours",
        (subject for _row, subjects in years for subject in subjects),
    )


def _load_places(network: DemoNetwork, places: list[Place]) -> None:
    bulk.insert(
        m.Enrolment,
        "id student school_class grade_level diary_number entry_date exit_date "
        "ending approved_by_council",
        (network.enrolment_row(place) for place in places),
    )
    graded = [(place, list(network.grade_rows(place))) for place in places]
    bulk.insert(
        m.Grade,
        "enrolment offering term tenths",
        (row for _place, rows in graded for row in rows),
    )
    bulk.insert(
        m.RecoveryGrade,
        "enrolment offering tenths",
        (row for one in graded for row in network.recovery_rows(*one)),
    )
    bulk.insert(
        m.Absence,
        "enrolment session is_justified",
        (row for place in places for row in network.absence_rows(place)),
    )


def _load_users() -> None:
    password = make_password(PASSWORD)
    with transaction.atomic():
        for username, role, target, ids in USERS:
            is_admin = role == m.Role.ADMINISTRATOR
            user = m.User.objects.create(
                username=username,
                password=password,
                role=role,
                is_staff=is_admin,
                is_superuser=is_admin,
            )
            for id in ids:
                m.Attachment.objects.create(user=user, **{f"{target}_id": id})


def _offerings(class_number: int) -> Iterator[tuple[int, int, int, int]]:
    """The first two subjects have twice the hours of the others."""
    count = len(SUBJECTS)
    for subject in range(1, count + 1):
        hours = 160 if subject <= 2 else 80
        yield (class_number - 1) * count + subject, class_number, subject, hours


def _school_row(number: int) -> tuple[object, ...]:
    name = f"Escola Municipal Prof. {_patron(number)}"
    code = f"{13000000 + number}"
    return number, 1, code, name, sort_key(name), *details.school_details(number)


def _patron(number: int) -> str:
    given = GIVEN[number * 7 % len(GIVEN)]
    return f"{given} {FAMILY[number * 11 % len(FAMILY)]} {FAMILY[number // len(GIVEN)]}"


def _has_users() -> bool:
    return m.User.objects.filter(username=USERS[-1][0]).exists()


def _children_first() -> list[type[Model]]:
    return [
        m.Absence, m.Grade, m.RecoveryGrade, m.Enrolment, m.PriorSubject, m.PriorYear,
        m.Student, m.ClassSession, m.Offering, m.SchoolClass.grade_levels.through,
        m.SchoolClass, m.Subject, m.YearRules, m.RuleVersion, m.RuleProfile,
        m.GradeLevel, m.Term, m.SchoolYear, m.Crest, m.School, m.Network,
    ]  # fmt: skip
