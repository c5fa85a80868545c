from datetime import UTC, datetime

import pytest

from school.access import visible_enrolments
from school.models import School
from tasks.making import heading
from tasks.models import Task
from tasks.reports.class_performance import ClassPerformance, Parameters

pytestmark = pytest.mark.django_db


def about(viewer, *, second, class_id=1):
    moment = datetime(2026, 11, 26, 15, 12, second, 7, tzinfo=UTC)
    enrolments = visible_enrolments(viewer).filter(school_class=class_id)
    report = ClassPerformance(Parameters(), enrolments)
    return heading.about(Task(created_at=moment), report, viewer, moment)


def test_what_is_asked_for_twice_in_a_minute_is_headed_the_same(secretary):
    first, second = (about(secretary, second=second) for second in (1, 59))

    assert (first.issued_at, first.data_as_of) == (second.issued_at, second.data_as_of)
    assert f"{first.issued_at:%H:%M:%S}" == "11:12:00"  # in Manaus


def test_school_is_told_with_its_code_and_address(secretary):
    School.objects.filter(pk=1).update(
        inep_code="13012345", address="Rua das Flores, 10", city="Manaus", state="AM"
    )

    told = about(secretary, second=0)

    assert told.inep_code == "13012345"
    assert told.address == "Rua das Flores, 10, Manaus – AM"
    School.objects.filter(pk=1).update(address="", city="Manaus", state="")
    assert about(secretary, second=0).address == "Manaus"


def test_of_nobody_it_names_the_viewer_s_school(secretary, admin):
    of_school = about(secretary, second=0, class_id=3)
    of_network = about(admin, second=0, class_id=0)

    assert of_school.school == about(secretary, second=0).school
    assert (of_network.school, bool(of_network.network)) == ("", True)
