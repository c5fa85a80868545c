"""Bulk loading of the demo network, in small commits."""

from collections.abc import Callable, Iterator
from datetime import date

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Model

from school import models as m
from school import write_context
from school.collation import sort_key
from school.demo import bulk, crest_images, details
from school.demo.network import (
    DAYS_PER_TERM,
    LEVELS,
    SUBJECTS,
    TERMS,
    YEAR,
    DemoEnrolment,
    DemoNetwork,
)
from school.grading import default_profiles
from school.models import default_rule_profiles

NETWORK_CODE = "demo"
TIME_ZONE = "America/Manaus"
PROFILE_CODE = default_profiles.DEFAULT_PROFILES[0].code
"""Rule profile of the state in which the network lies."""
PASSWORD = "demo"  # noqa: S105  (the whole network is invented)
CLASSES_PER_COMMIT = 40
# (username, role, attachment target, ids)
USERS = [
    ("admin", m.Role.ADMINISTRATOR, "network", [1]),
    ("secretary", m.Role.STAFF, "school", [1]),
    ("teacher", m.Role.TEACHER, "school_class", [1, 2]),
    ("guardian", m.Role.GUARDIAN, "student", [1, 27]),
    ("stranger", m.Role.STAFF, "school", [2]),
]


class ForeignData(Exception):
    """The database holds records that the demo did not load, or a complete demo."""


def count_loaded_students() -> int:
    """Return the number of loaded demo students; 0 unless the load is complete."""
    if not m.Network.objects.filter(code=NETWORK_CODE).exists() or not _has_users():
        return 0
    return m.Student.objects.filter(network__code=NETWORK_CODE).count()


def delete_partial_load() -> None:
    """Delete the rows of an interrupted load; raise ForeignData for anything else."""
    if count := count_loaded_students():
        raise ForeignData(
            f"it holds a demo network of {count} students; for another size use an empty "
            "database (DATABASE_URL, or another VAR_DIR)"
        )
    has_foreign_data = (
        m.Network.objects.exclude(code=NETWORK_CODE).exists()
        or m.User.objects.exists()
        or not m.Network.objects.exists()
        and (m.Subject.objects.exists() or m.GradeLevel.objects.exists())
    )
    if has_foreign_data:
        raise ForeignData("it holds records that are not part of the demo")
    with write_context.erasing():  # nobody needs the history of a partial load
        for model in _children_first():
            model._base_manager.all()._raw_delete("default")


def load_network(network: DemoNetwork, on_progress: Callable[[int], None]) -> None:
    """Load the network; call `on_progress` with the number of classes of each batch."""
    _load_base_records(network)
    class_numbers = range(1, network.class_count + 1)
    for start in range(0, network.class_count, CLASSES_PER_COMMIT):
        batch = class_numbers[start : start + CLASSES_PER_COMMIT]
        _load_classes(network, batch)
        on_progress(len(batch))
    bulk.reset_sequences()
    _load_users()  # last: users mark a complete load


def _load_base_records(network: DemoNetwork) -> None:
    """Load the network, schools, school year, terms, grade levels, subjects and rules."""
    days = network.days
    name = "Rede Municipal de Ensino de Serra do Encanto"
    row = (1, NETWORK_CODE, name, sort_key(name), TIME_ZONE)
    bulk.insert_rows(m.Network, "id code name sort_key time_zone", [row])
    bulk.insert_rows(
        m.School,
        "id network inep_code name sort_key address city state authorisation",
        map(_school_row, range(1, network.school_count + 1)),
    )
    _load_crests(network)
    year = (1, 1, YEAR, "", days[0], date(YEAR, 12, 31), False)
    bulk.insert_rows(
        m.SchoolYear,
        "id network year period starts_on ends_on is_closed",
        [year],
    )
    terms = (
        (n, 1, n, days[(n - 1) * DAYS_PER_TERM], days[n * DAYS_PER_TERM - 1])
        for n in range(1, TERMS + 1)
    )
    bulk.insert_rows(m.Term, "id school_year number starts_on ends_on", terms)
    levels = (
        (n, f"ef-{n}", level, n, sort_key(level)) for n, level in enumerate(LEVELS, 1)
    )
    bulk.insert_rows(m.GradeLevel, "id code name order sort_key", levels)
    subjects = (
        (n, f"s-{n}", subject, n, sort_key(subject))
        for n, subject in enumerate(SUBJECTS, 1)
    )
    bulk.insert_rows(m.Subject, "id code name order sort_key", subjects)
    _load_rules()


def _load_crests(network: DemoNetwork) -> None:
    """Load the crest of the network and of each school except the last."""
    bulk.insert_rows(m.Crest, "network image", [(1, crest_images.make_crest(0))])
    schools = range(1, network.school_count)
    bulk.insert_rows(
        m.Crest, "school image", ((n, crest_images.make_crest(n)) for n in schools)
    )


def _load_rules() -> None:
    """Install the default profiles; the school year uses that of the state."""
    default_rule_profiles.install_profiles(m.Network.objects.get())
    version = m.RuleVersion.objects.get(profile__code=PROFILE_CODE)
    m.YearRules.objects.create(school_year=m.SchoolYear.objects.get(), version=version)


def _load_classes(network: DemoNetwork, class_numbers: range) -> None:
    """Load the tables of these classes, parents first, with one commit per table."""
    enrolments = [
        enrolment
        for number in class_numbers
        for enrolment in network.enrolments(number)
    ]
    bulk.insert_rows(
        m.SchoolClass,
        "id school school_year name shift sort_key",
        (network.class_row(number) for number in class_numbers),
    )
    bulk.insert_rows(
        m.SchoolClass.grade_levels.through,
        "schoolclass gradelevel",
        (
            (number, level)
            for number in class_numbers
            for level in network.levels_of(number)
        ),
    )
    bulk.insert_rows(
        m.Offering,
        "id school_class subject hours",
        (row for number in class_numbers for row in _offerings(number)),
    )
    bulk.insert_rows(
        m.ClassSession,
        "id school_class date term",
        (row for number in class_numbers for row in network.session_rows(number)),
    )
    bulk.insert_rows(
        m.Student,
        "id network registration name birth_date sort_key civil_name_key "
        "social_name birth_place nationality parents inep_code birth_certificate "
        "identity_document",
        (row for number in class_numbers for row in network.student_rows(number)),
    )
    _load_prior_years(network, class_numbers)
    _load_enrolments(network, enrolments)


def _load_prior_years(network: DemoNetwork, class_numbers: range) -> None:
    years = [year for number in class_numbers for year in network.prior_years(number)]
    bulk.insert_rows(
        m.PriorYear,
        "id student year grade_level school city state result days attendance",
        (row for row, _subjects in years),
    )
    bulk.insert_rows(
        m.PriorSubject,
        "prior_year subject grade hours",
        (subject for _row, subjects in years for subject in subjects),
    )


def _load_enrolments(network: DemoNetwork, enrolments: list[DemoEnrolment]) -> None:
    bulk.insert_rows(
        m.Enrolment,
        "id student school_class grade_level diary_number entry_date exit_date "
        "ending approved_by_council",
        (network.enrolment_row(enrolment) for enrolment in enrolments),
    )
    grades_by_enrolment = [
        (enrolment, list(network.grade_rows(enrolment))) for enrolment in enrolments
    ]
    bulk.insert_rows(
        m.Grade,
        "enrolment offering term tenths",
        (row for _enrolment, rows in grades_by_enrolment for row in rows),
    )
    bulk.insert_rows(
        m.RecoveryGrade,
        "enrolment offering tenths",
        (row for pair in grades_by_enrolment for row in network.recovery_rows(*pair)),
    )
    bulk.insert_rows(
        m.Absence,
        "enrolment session is_justified",
        (row for enrolment in enrolments for row in network.absence_rows(enrolment)),
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
    """Yield the offerings of a class; the first two subjects have double hours."""
    count = len(SUBJECTS)
    for subject in range(1, count + 1):
        hours = 160 if subject <= 2 else 80
        yield (class_number - 1) * count + subject, class_number, subject, hours


def _school_row(number: int) -> tuple[object, ...]:
    name = f"Escola Municipal Prof. {details.patron_name(number)}"
    code = f"{13000000 + number}"
    return number, 1, code, name, sort_key(name), *details.school_details(number)


def _has_users() -> bool:
    return m.User.objects.filter(username=USERS[-1][0]).exists()


def _children_first() -> list[type[Model]]:
    return [
        m.GradeChange, m.Absence, m.Grade, m.RecoveryGrade, m.Enrolment, m.PriorSubject, m.PriorYear,
        m.Student, m.ClassSession, m.Offering, m.SchoolClass.grade_levels.through,
        m.SchoolClass, m.Subject, m.YearRules, m.RuleVersion, m.RuleProfile,
        m.GradeLevel, m.Term, m.SchoolYearEvent, m.SchoolYear, m.Crest, m.School, m.Network,
    ]  # fmt: skip
