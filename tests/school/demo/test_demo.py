import hashlib

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, F, Q, Sum

from school import models as m
from school.collation import sort_key
from school.demo import loading
from school.demo.network import DemoNetwork
from school.grading import default_profiles


@pytest.fixture
def empty_database(transactional_db: None) -> None:
    call_command("flush", "--no-input", verbosity=0)


def digest(students: int) -> str:
    demo = DemoNetwork(students)
    checksum = hashlib.sha256()
    for number in range(1, demo.class_count + 1):
        for row in [demo.class_row(number), *demo.student_rows(number)]:
            checksum.update(repr(row).encode())
        checksum.update(repr(list(demo.prior_years(number))).encode())
        for enrolment in demo.enrolments(number):
            grades = list(demo.grade_rows(enrolment))
            checksum.update(repr(grades).encode())
            checksum.update(repr(list(demo.recovery_rows(enrolment, grades))).encode())
            checksum.update(repr(list(demo.absence_rows(enrolment))).encode())
    return checksum.hexdigest()


def test_demo_of_the_same_size_is_identical():
    assert digest(60) == digest(60)


def test_demo_of_a_city_has_documented_size():
    city = DemoNetwork(100_000)

    assert (city.school_count, city.class_count) == (200, 4000)
    assert len(city.days) == 200
    absences = sum(
        len(list(city.absence_rows(enrolment)))
        for number in range(1, 201)
        for enrolment in city.enrolments(number)
    )
    assert absences * 20 == pytest.approx(1_700_000, rel=0.05)


def test_demo_contains_edge_cases(db, network):
    assert m.SchoolClass.objects.filter(enrolments__exit_date__isnull=False).exists()
    assert m.Grade.objects.filter(tenths=None).exists() or network.students < 500
    assert len(DemoNetwork(1000).levels_of(10)) == 2


def test_demo_records_are_consistent(db, network):
    grades = m.Grade.objects.exclude(
        offering__school_class=F("enrolment__school_class")
    )
    absences = m.Absence.objects.exclude(
        session__school_class=F("enrolment__school_class")
    )
    outside = m.Absence.objects.filter(
        Q(session__date__lt=F("enrolment__entry_date"))
        | Q(session__date__gte=F("enrolment__exit_date"))
    )

    assert not grades.exists()
    assert not absences.exists()
    assert not outside.exists()


def test_demo_year_has_state_rules_and_all_profiles(db, network):
    codes = [profile.code for profile in default_profiles.DEFAULT_PROFILES]

    rules = m.YearRules.objects.get()

    assert set(m.RuleProfile.objects.values_list("code", flat=True)) == set(codes)
    assert (rules.school_year_id, rules.grade_level) == (1, None)
    assert rules.version.profile.code == codes[0]
    assert rules.version.rules.terms == m.Term.objects.count()


def failing_subjects():
    """Return (student, subject) pairs whose four term grades have a mean below 6.0."""
    grades = m.Grade.objects.exclude(tenths=None).order_by()
    years = grades.values("enrolment__student", "offering__subject")
    sums = years.annotate(n=Count("pk"), total=Sum("tenths"))
    return set(
        sums.filter(n=4, total__lt=240).values_list(
            "enrolment__student", "offering__subject"
        )
    )


def test_demo_recovery_exams_cover_two_thirds_of_weak_only(db, network):
    weak = failing_subjects()
    examined = m.RecoveryGrade.objects.values_list(
        "enrolment__student", "offering__subject"
    )

    assert set(examined) <= weak
    assert (
        len(examined)
        == len(set(examined))
        == pytest.approx(len(weak) * 2 / 3, rel=0.15)
    )
    assert m.RecoveryGrade.objects.filter(enrolment__exit_date=None).count() == len(
        examined
    )


def test_demo_moved_student_keeps_level_and_has_exit_reason(db, network):
    student = m.Student.objects.get(pk=17)
    before, after = student.enrolments.order_by("entry_date")
    to_another_school = m.Enrolment.objects.get(student=67, exit_date__isnull=False)

    assert before.grade_level == after.grade_level
    assert before.ending == "class_change"
    assert to_another_school.ending == "transferred"
    assert set(m.Enrolment.objects.filter(exit_date=None).values_list("ending")) == {
        ("",)
    }


def test_demo_enrolment_level_is_a_level_of_its_class(db, network):
    demo = DemoNetwork(1000)
    for number in range(1, demo.class_count + 1):
        levels = {
            demo.enrolment_row(enrolment)[3] for enrolment in demo.enrolments(number)
        }
        assert levels <= set(demo.levels_of(number))


def test_demo_sort_keys_match_sort_names(db, network):
    for model in (m.School, m.SchoolClass, m.Subject, m.Student):
        for record in model.objects.all():
            assert bytes(record.sort_key) == sort_key(record.sort_name())


def test_demo_contains_documents_and_social_names(db, network):
    with_social_name = m.Student.objects.exclude(social_name="").get()
    student = m.Student.objects.get(pk=1)
    hours = m.Offering.objects.filter(school_class=1).aggregate(sum=Sum("hours"))

    assert with_social_name.display_name != with_social_name.name
    assert all([student.birth_place, student.nationality, student.parents])
    assert m.School.objects.exclude(city="").exclude(state="").count() == 3
    assert hours["sum"] == 960


def test_demo_contains_prior_years(db, network):
    prior_year_rows = m.PriorYear.objects.values_list("student", "year", "grade_level")

    assert list(prior_year_rows)[-2:] == [
        (83, 2024, "Educação Infantil, 5 anos"),
        (83, 2025, "1º ano"),
    ]
    assert {year.subjects.count() for year in m.PriorYear.objects.all()} == {1, 4}


@pytest.mark.django_db(transaction=True)
def test_demo_command_repeated_loads_only_once(empty_database, capsys):
    call_command("demo", "--force", "--students", "60")
    first = capsys.readouterr().out
    call_command("demo", "--force", "--students", "60")

    assert "60 students" in first
    assert " s. " in first
    call_command("demo", "--force")

    again = capsys.readouterr().out
    assert again.count("The demo network of 60 students is already loaded.") == 2
    with pytest.raises(CommandError, match="holds a demo network of 60 students"):
        call_command("demo", "--force", "--students", "70")
    assert m.Student.objects.count() == 60
    assert {user.username for user in m.User.objects.all()} == {
        "admin", "secretary", "teacher", "guardian", "stranger",
    }  # fmt: skip


@pytest.mark.guarantee("A database gets users with a known password only by order.")
@pytest.mark.django_db(transaction=True)
def test_demo_command_without_force_changes_nothing(empty_database):
    with pytest.raises(CommandError, match="add --force"):
        call_command("demo", "--students", "60")

    assert not m.User.objects.exists()
    assert not m.Network.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_demo_command_after_interrupted_load_restarts(empty_database):
    class Interrupted(Exception):
        pass

    def interrupt(_classes: int) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        loading.load_network(DemoNetwork(60), interrupt)
    assert m.Student.objects.exists()

    call_command("demo", "--force", "--students", "60")

    assert m.Student.objects.count() == 60


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("foreign", ["user", "network", "subject"])
def test_demo_command_refuses_other_data(empty_database, foreign):
    if foreign == "user":
        m.User.objects.create(username="maria")
    elif foreign == "network":
        m.Network.objects.create(code="real", name="Real")
    else:
        m.Subject.objects.create(code="real", name="Real")

    with pytest.raises(CommandError, match="was not changed"):
        call_command("demo", "--force")

    assert not m.Student.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_new_record_after_demo_has_next_id(empty_database):
    call_command("demo", "--force", "--students", "60")

    school = m.School.objects.create(network_id=1, inep_code="99999999", name="New")

    assert school.pk > 3
