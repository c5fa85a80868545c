from datetime import UTC, datetime

import pytest

from school.access import visible_enrolments
from school.models import Crest, Network, School, User
from tasks.models import Task
from tasks.reporting import letterhead
from tasks.reporting.parameters import filter_enrolments
from tasks.reports.class_performance import ClassPerformance, Parameters

pytestmark = pytest.mark.django_db


def build_letterhead(viewer, *, second=0, **parameters):
    created_at = datetime(2026, 11, 26, 15, 12, second, 7, tzinfo=UTC)
    request = Parameters(**parameters)
    enrolments = filter_enrolments(visible_enrolments(viewer), request)
    report = ClassPerformance(request, enrolments)
    return letterhead.build_letterhead(
        Task(created_at=created_at), report, viewer, created_at
    )


@pytest.fixture
def new_school(network):
    """A school of the same network in which nobody is enrolled yet."""
    return School.objects.create(network_id=1, inep_code="13099999", name="Nova")


def test_what_is_asked_for_twice_in_a_minute_is_headed_the_same(secretary):
    first, second = (
        build_letterhead(secretary, second=second, class_id=1) for second in (1, 59)
    )

    assert (first.issued_at, first.data_as_of) == (second.issued_at, second.data_as_of)
    assert f"{first.issued_at:%H:%M:%S}" == "11:12:00"  # in Manaus


def test_school_is_told_with_its_code_and_address(secretary):
    School.objects.filter(pk=1).update(
        inep_code="13012345", address="Rua das Flores, 10", city="Manaus", state="AM"
    )

    told = build_letterhead(secretary, class_id=1)

    assert told.inep_code == "13012345"
    assert told.address == "Rua das Flores, 10, Manaus – AM"
    School.objects.filter(pk=1).update(address="", city="Manaus", state="")
    assert build_letterhead(secretary, class_id=1).address == "Manaus"


def test_of_nobody_it_names_the_school_that_was_asked_for(admin, secretary, new_school):
    secretary.attachments.create(school=new_school)

    for viewer in (admin, secretary):
        told = build_letterhead(viewer, school_id=new_school.pk)
        assert (told.school, told.inep_code) == ("Nova", "13099999")
        assert told.load_crest() == Crest.image_for([new_school])  # its network's


def test_of_nobody_and_no_school_it_names_the_network_alone(admin, new_school):
    told = build_letterhead(admin, year=2020)

    assert (told.school, told.network) == ("", new_school.network.name)


def test_of_several_networks_none_is_named(new_school):
    other = Network.objects.create(code="other", name="Outra Rede")
    School.objects.create(network=other, inep_code="13088888", name="A de outra")
    root = User.objects.create(username="root", is_superuser=True)

    told = build_letterhead(root, year=2020)

    assert (told.school, told.network, told.load_crest()) == ("", "", b"")
