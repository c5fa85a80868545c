import hashlib

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F, Q

from school import models as m
from school.demo import loading
from school.demo.network import DemoNetwork


@pytest.fixture
def empty(transactional_db: None) -> None:
    call_command("flush", "--no-input", verbosity=0)


def digest(students: int) -> str:
    demo = DemoNetwork(students)
    made = hashlib.sha256()
    for number in range(1, demo.classes + 1):
        for row in [demo.class_row(number), *demo.student_rows(number)]:
            made.update(repr(row).encode())
        for place in demo.places(number):
            made.update(repr(list(demo.grade_rows(place))).encode())
            made.update(repr(list(demo.absence_rows(place))).encode())
    return made.hexdigest()


def test_same_size_gives_the_same_network():
    assert digest(60) == digest(60)


def test_size_is_as_promised():
    city = DemoNetwork(100_000)

    assert (city.schools, city.classes) == (200, 4000)
    assert len(city.days) == 200
    absences = sum(
        len(list(city.absence_rows(place)))
        for number in range(1, 201)
        for place in city.places(number)
    )
    assert absences * 20 == pytest.approx(1_700_000, rel=0.05)


def test_oddities_are_there(db, network):
    assert m.SchoolClass.objects.filter(enrolments__exit_date__isnull=False).exists()
    assert m.Grade.objects.filter(tenths=None).exists() or network.students < 500
    assert len(DemoNetwork(1000).levels_of(10)) == 2


def test_everything_recorded_belongs_together(db, network):
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


@pytest.mark.django_db(transaction=True)
def test_command_says_what_it_did_and_does_it_once(empty, capsys):
    call_command("demo", "--students", "60")
    first = capsys.readouterr().out
    call_command("demo", "--students", "60")

    assert "60 students" in first
    assert " s. " in first
    call_command("demo")

    again = capsys.readouterr().out
    assert again.count("The demo network of 60 students is there.") == 2
    with pytest.raises(CommandError, match="holds a demo network of 60 students"):
        call_command("demo", "--students", "70")
    assert m.Student.objects.count() == 60
    assert {user.username for user in m.User.objects.all()} == {
        "admin", "secretary", "teacher", "guardian", "stranger",
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_half_finished_load_is_begun_anew(empty):
    class CutOff(Exception):
        pass

    def cut(_classes: int) -> None:
        raise CutOff

    with pytest.raises(CutOff):
        loading.load(DemoNetwork(60), cut)
    assert m.Student.objects.exists()

    call_command("demo", "--students", "60")

    assert m.Student.objects.count() == 60


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("foreign", ["user", "network", "subject"])
def test_database_that_holds_anything_else_is_refused(empty, foreign):
    if foreign == "user":
        m.User.objects.create(username="maria")
    elif foreign == "network":
        m.Network.objects.create(code="real", name="Real")
    else:
        m.Subject.objects.create(code="real", name="Real")

    with pytest.raises(CommandError, match="left alone"):
        call_command("demo")

    assert not m.Student.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_new_records_follow_the_demo_s_ids(empty):
    call_command("demo", "--students", "60")

    school = m.School.objects.create(network_id=1, inep_code="99999999", name="New")

    assert school.pk > 3
