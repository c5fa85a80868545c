"""Records that do not belong together are refused by forms and by the database."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from school import models as m
from school.consistency.rules import rules_for
from school.db import consistency_triggers
from tests.support.earlier_release import earlier_release
from tests.support.school_factory import (
    NetworkFactory,
    create_level,
    create_subject,
)

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2025, 2, 10), date(2025, 12, 19)
NEW_YEAR = date(2026, 2, 20)


class Records:
    """Records of two networks, each with a class and an enrolled student."""

    def __init__(self):
        self.level, self.other_level = create_level("3º ano"), create_level("4º ano")
        self.subject = create_subject("Arte", 1)
        self.own, self.rival = NetworkFactory(), NetworkFactory()
        self.year = self.create_year(self.own, 2025, FIRST, LAST)
        self.rival_year = self.create_year(self.rival, 2025, FIRST, LAST)
        self.next_year = self.create_year(self.own, 2027, date(2027, 2, 8), date(2027, 12, 17))  # fmt: skip
        self.school = self.own.create_school("A")
        self.rival_school = self.rival.create_school("B")
        self.school_class = self.create_class(self.school, self.year, "3º A")
        self.rival_class = self.create_class(self.rival_school, self.rival_year, "X")
        self.student = self.own.create_student("Ana")
        self.rival_student = self.rival.create_student("Rui")
        self.enrolment = m.Enrolment.objects.create(**self.enrolment_values())
        self.rival_enrolment = m.Enrolment.objects.create(
            **self.enrolment_values(
                student=self.rival_student, school_class=self.rival_class
            )
        )
        self.offering = m.Offering.objects.create(
            school_class=self.school_class, subject=self.subject
        )
        self.rival_offering = m.Offering.objects.create(
            school_class=self.rival_class, subject=self.subject
        )
        self.session = m.ClassSession.objects.create(
            school_class=self.school_class, date=date(2025, 3, 3), term=1
        )
        self.grade = m.Grade.objects.create(
            enrolment=self.enrolment, offering=self.offering, term=4, tenths=70
        )
        self.profile = self.own.create_rules(self.year, terms=4)
        self.rival_profile = self.rival.create_rules(self.rival_year, terms=4)

    def create_year(self, factory, year, first, last):
        school_year = m.SchoolYear.objects.create(
            network=factory.network, year=year, starts_on=first, ends_on=last
        )
        length = (last - first) // 4
        for number in range(4):
            start = first + number * length
            m.Term.objects.create(
                school_year=school_year, number=number + 1, starts_on=start,
                ends_on=start + length * 0.9,
            )  # fmt: skip
        return school_year

    def create_class(self, school, year, name):
        school_class = m.SchoolClass.objects.create(
            school=school, school_year=year, name=name, shift="morning"
        )
        school_class.grade_levels.add(self.level)
        return school_class

    def enrolment_values(self, **values):
        return {
            "student": self.student, "school_class": self.school_class,
            "grade_level": self.level, "diary_number": 1, "entry_date": FIRST, **values,
        }  # fmt: skip

    def enrolment_with(self, **values):
        student = self.own.create_student("Bia")
        defaults = self.enrolment_values(student=student, diary_number=9)
        return m.Enrolment(**{**defaults, **values})


@pytest.fixture(scope="module")
def module_records(create_for_module):
    return create_for_module(Records)


@pytest.fixture
def records(module_records, db):
    """The records as they are stored, whatever other tests did to the objects."""
    for record in vars(module_records).values():
        if isinstance(record, m.Term | m.SchoolYear | m.SchoolClass | m.Enrolment):
            record.refresh_from_db()
    return module_records


NEW_RECORDS = [
    pytest.param(
        "school_year",
        lambda r: m.SchoolClass(school=r.school, school_year=r.rival_year, name="x", shift="morning"),
        id="class in a year of another network",
    ),
    pytest.param("school_class", lambda r: r.enrolment_with(student=r.rival_student), id="student of another network"),
    pytest.param("school_class", lambda r: r.enrolment_with(school_class=r.rival_class), id="class of another network"),
    pytest.param("grade_level", lambda r: r.enrolment_with(grade_level=r.other_level), id="level that the class lacks"),
    pytest.param("entry_date", lambda r: r.enrolment_with(entry_date=date(2010, 1, 1)), id="entry years before"),
    pytest.param("entry_date", lambda r: r.enrolment_with(entry_date=date(2025, 12, 20)), id="entry after the year"),
    pytest.param("exit_date", lambda r: r.enrolment_with(exit_date=date(2027, 1, 1)), id="exit years after"),
    pytest.param(
        "entry_date",
        lambda r: r.enrolment_with(student=r.own.create_student("Eva", birth_date=date(2025, 5, 5))),
        id="entry before birth",
    ),
    pytest.param(
        "date", lambda r: m.ClassSession(school_class=r.school_class, date=date(2026, 1, 5), term=4),
        id="lesson after the year",
    ),
    pytest.param(
        "term", lambda r: m.ClassSession(school_class=r.school_class, date=date(2025, 5, 5), term=5),
        id="lesson in a term that the year lacks",
    ),
    pytest.param(
        "term", lambda r: m.Grade(enrolment=r.enrolment, offering=r.offering, term=5, tenths=70),
        id="grade in a term that the year lacks",
    ),
    pytest.param(
        "offering", lambda r: m.Grade(enrolment=r.enrolment, offering=r.rival_offering, term=1, tenths=70),
        id="grade in a subject of another class",
    ),
    pytest.param(
        "session",
        lambda r: m.Absence(enrolment=_saved(r.enrolment_with(entry_date=date(2025, 6, 2))), session=r.session),
        id="absence before the entry",
    ),
    pytest.param(
        "session",
        lambda r: m.Absence(enrolment=_saved(r.enrolment_with(exit_date=date(2025, 3, 3))), session=r.session),
        id="absence on the day of the exit",
    ),
    pytest.param(
        "starts_on",
        lambda r: m.Term(school_year=r.year, number=5, starts_on=date(2025, 1, 5), ends_on=date(2025, 3, 1)),
        id="term before the year",
    ),
    pytest.param(
        "starts_on",
        lambda r: m.SchoolYear(network=r.own.network, year=2030, starts_on=FIRST, ends_on=LAST),
        id="year with dates of another",
    ),
    pytest.param(
        "ends_on",
        lambda r: m.SchoolYear(network=r.own.network, year=2030, starts_on=date(2030, 2, 4), ends_on=date(2039, 12, 13)),
        id="year that ends years later",
    ),
    pytest.param(
        "version",
        lambda r: m.YearRules(school_year=r.year, grade_level=r.level, version=r.rival_profile.latest_version()),
        id="rules of another network",
    ),
]  # fmt: skip


def _saved(record):
    record.save()
    return record


@pytest.mark.guarantee(
    "Forms and the database refuse records that do not belong together."
)
@pytest.mark.parametrize(("field", "build"), NEW_RECORDS)
def test_new_record_that_does_not_belong_is_refused(records, field, build):
    record = build(records)

    with pytest.raises(ValidationError) as refusal:
        record.full_clean()
    assert field in refusal.value.message_dict
    with pytest.raises(IntegrityError), transaction.atomic():
        record.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        type(record).objects.bulk_create([build(records)])


CHANGES = [
    pytest.param("school", {"network": "rival.network"}, "network", id="school moved to another network"),
    pytest.param("year", {"network": "rival.network"}, "network", id="year moved to another network"),
    pytest.param("student", {"network": "rival.network"}, "network", id="student moved to another network"),
    pytest.param("profile", {"network": "rival.network"}, "network", id="rules moved to another network"),
    pytest.param(
        "school_class", {"school": "rival_school", "school_year": "rival_year"}, "school",
        id="class moved to another network with its year",
    ),
    pytest.param("school_class", {"school_year": "next_year"}, "school_year", id="class moved to another year"),
    pytest.param("enrolment", {"school_class": "rival_class"}, "school_class", id="enrolment moved to another network"),
    pytest.param("enrolment", {"grade_level": "other_level"}, "grade_level", id="enrolment moved to another level"),
    pytest.param("student", {"birth_date": date(2025, 6, 6)}, "birth_date", id="birth moved after the entry"),
    pytest.param("year", {"ends_on": date(2025, 11, 1)}, "starts_on", id="year ended before its terms"),
    pytest.param("session", {"date": date(2026, 1, 5)}, "date", id="lesson moved after the year"),
    pytest.param("grade", {"term": 6}, "term", id="grade moved to a term that the year lacks"),
]  # fmt: skip


def _resolve(records, value):
    if not isinstance(value, str):
        return value
    for name in value.split("."):
        records = getattr(records, name)
    return records


@pytest.mark.guarantee(
    "Forms and the database refuse records that do not belong together."
)
@pytest.mark.parametrize(("name", "changes", "field"), CHANGES)
def test_change_that_parts_records_is_refused(records, name, changes, field):
    record = type(getattr(records, name)).objects.get(pk=getattr(records, name).pk)
    values = {key: _resolve(records, value) for key, value in changes.items()}

    with pytest.raises(IntegrityError), transaction.atomic():
        type(record).objects.filter(pk=record.pk).update(**values)
    for key, value in values.items():
        setattr(record, key, value)
    with pytest.raises(ValidationError) as refusal:
        record.full_clean()
    assert field in refusal.value.message_dict


def test_level_with_enrolments_stays_in_its_class(records):
    with pytest.raises(IntegrityError), transaction.atomic():
        records.school_class.grade_levels.remove(records.level)

    records.school_class.grade_levels.add(records.other_level)
    records.school_class.grade_levels.remove(records.other_level)
    assert records.school_class.grade_levels.get() == records.level


def test_term_with_records_is_not_deleted_unless_the_rules_have_it(records):
    records.year.terms.get(number=4).delete()
    records.year.terms.create(number=4, starts_on=date(2025, 10, 6), ends_on=LAST)
    m.YearRules.objects.filter(school_year=records.year).delete()

    with pytest.raises(IntegrityError), transaction.atomic():
        records.year.terms.get(number=4).delete()
    records.year.terms.get(number=3).delete()


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param(FIRST, NEW_YEAR, id="longer, into the next calendar year"),
        pytest.param(date(2025, 1, 20), LAST, id="earlier"),
    ],
)
def test_year_moved_by_a_strike_keeps_its_records(records, first, last):
    year = m.SchoolYear.objects.get(pk=records.year.pk)
    year.starts_on, year.ends_on = first, last

    year.full_clean()
    year.save()

    term = year.terms.get(number=4)
    term.ends_on = last
    term.full_clean()
    term.save()


def test_year_that_begins_later_keeps_earlier_enrolments(records):
    records.year.terms.filter(number=1).update(starts_on=date(2025, 3, 3))
    year = m.SchoolYear.objects.get(pk=records.year.pk)
    year.starts_on = date(2025, 3, 3)

    year.full_clean()
    year.save()

    records.enrolment.full_clean()
    records.enrolment.save()


def test_records_of_an_irregular_year_are_accepted(records):
    m.SchoolYear.objects.filter(pk=records.year.pk).update(ends_on=NEW_YEAR)
    late_term = records.year.terms.get(number=4)
    late_term.starts_on, late_term.ends_on = date(2025, 9, 1), NEW_YEAR  # overlaps
    enrolled_in_december = records.enrolment_with(entry_date=date(2024, 12, 9))
    left_in_april = records.enrolment_with(
        diary_number=10, exit_date=date(2026, 4, 1), ending="transferred"
    )
    saturday = m.ClassSession(
        school_class=records.school_class, date=date(2026, 1, 31), term=1
    )

    for record in (late_term, enrolled_in_december, left_in_april, saturday):
        record.full_clean()
        record.save()


def test_exit_recorded_later_keeps_the_absences_after_it(records):
    m.Absence.objects.create(enrolment=records.enrolment, session=records.session)
    enrolment = m.Enrolment.objects.get(pk=records.enrolment.pk)
    enrolment.exit_date, enrolment.ending = date(2025, 2, 20), "abandoned"

    enrolment.full_clean()
    enrolment.save()


def test_school_without_classes_moves_to_another_network(records):
    school = records.own.create_school("Municipalizada")
    school.network = records.rival.network

    school.full_clean()
    school.save()


def test_rows_of_earlier_releases_are_named_and_can_be_changed(records, capsys):
    with earlier_release():
        joined = m.SchoolClass.objects.create(
            school=records.school, school_year=records.rival_year, name="y", shift="morning",
        )  # fmt: skip
        early = records.enrolment_with(entry_date=date(2016, 1, 1))
        early.save()

    with pytest.raises(CommandError) as refusal:
        call_command("check_records")
    lines = str(refusal.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "school_schoolclass", "school_enrolment",
    ]  # fmt: skip
    assert lines[0].endswith(f"Ids: {joined.pk}")
    assert lines[1].endswith(f"Ids: {early.pk}")
    consistency_triggers.report_mismatches("default", 1, plan=["a migration"])
    assert capsys.readouterr().out.splitlines() == lines
    joined.name = "z"
    joined.save()
    early.diary_number = 77
    early.save()
    joined.school_year = records.year
    joined.save()


def test_check_of_consistent_records_names_nothing(network, capsys):
    call_command("check_records")

    assert "belong together" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_flush_empties_the_tables_and_keeps_the_triggers():
    call_command("flush", "--no-input", verbosity=0)
    Records()
    before = _triggers()

    call_command("flush", "--no-input", inhibit_post_migrate=True, verbosity=0)

    assert not m.Network.objects.exists()
    assert _triggers() == before
    vendor = connection.vendor
    names = {
        f"school_rule_{r.name}_{e.lower()}" for r in rules_for(vendor) for e in r.events
    }
    assert names <= before


def _triggers():
    columns = {
        "sqlite": "name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "tgname FROM pg_trigger WHERE NOT tgisinternal",
    }
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns[connection.vendor]}")
        return {name for (name,) in cursor.fetchall()}
