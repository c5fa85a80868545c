from datetime import UTC, datetime

import pytest

from school.models import Crest, Network, School, User
from tasks.models import Task
from tasks.reporting import letterhead
from tasks.reports.class_performance import ClassPerformance

pytestmark = pytest.mark.django_db


def build_letterhead(viewer, *, second=0, **parameters):
    created_at = datetime(2026, 11, 26, 15, 12, second, 7, tzinfo=UTC)
    report = ClassPerformance.build(ClassPerformance.select(viewer, parameters))
    return letterhead.build_letterhead(
        Task(created_at=created_at), report, viewer, created_at
    )


@pytest.fixture
def new_school(network):
    """School of the same network without enrolments."""
    return School.objects.create(network_id=1, inep_code="13099999", name="Nova")


def test_letterheads_within_a_minute_are_equal(secretary):
    first, second = (
        build_letterhead(secretary, second=second, class_id=1) for second in (1, 59)
    )

    assert (first.issued_at, first.data_as_of) == (second.issued_at, second.data_as_of)
    assert f"{first.issued_at:%H:%M:%S}" == "11:12:00"  # in Manaus


@pytest.mark.parametrize(
    ("network_zone", "school_zone", "parameters", "expected"),
    [
        ("", "", {"school_id": 1}, "11:12 America/Manaus"),
        ("America/Rio_Branco", "", {"school_id": 1}, "10:12 America/Rio_Branco"),
        ("America/Rio_Branco", "America/Noronha", {"school_id": 1}, "13:12 America/Noronha"),
        ("America/Rio_Branco", "America/Noronha", {"school_id": 2}, "10:12 America/Rio_Branco"),
        ("America/Rio_Branco", "America/Noronha", {"year": 2026}, "10:12 America/Rio_Branco"),
        # Without students.
        ("America/Rio_Branco", "America/Noronha", {"year": 2020}, "10:12 America/Rio_Branco"),
        ("", "America/Noronha", {"year": 2020, "school_id": 1}, "13:12 America/Noronha"),
    ],
)  # fmt: skip
def test_letterhead_times_are_in_the_zone_of_the_schools(
    admin, network_zone, school_zone, parameters, expected
):
    Network.objects.update(time_zone=network_zone)
    School.objects.filter(pk=1).update(time_zone=school_zone)

    built = build_letterhead(admin, **parameters)

    for moment in (built.issued_at, built.data_as_of):
        assert f"{moment:%H:%M} {moment.tzinfo}" == expected


def test_letterhead_of_networks_with_different_zones_has_that_of_the_service(
    new_school,
):
    Network.objects.update(time_zone="America/Rio_Branco")
    other = Network.objects.create(code="o", name="O", time_zone="America/Noronha")
    School.objects.create(network=other, inep_code="13088888", name="A de outra")
    root = User.objects.create(username="root", is_superuser=True)

    assert str(build_letterhead(root, year=2020).time_zone) == "America/Manaus"


def test_letterhead_has_school_code_and_address(secretary):
    School.objects.filter(pk=1).update(
        inep_code="13012345", address="Rua das Flores, 10", city="Manaus", state="AM"
    )

    built = build_letterhead(secretary, class_id=1)

    assert built.inep_code == "13012345"
    assert built.address == "Rua das Flores, 10, Manaus – AM"
    School.objects.filter(pk=1).update(address="", city="Manaus", state="")
    assert build_letterhead(secretary, class_id=1).address == "Manaus"


def test_letterhead_without_students_names_requested_school(
    admin, secretary, new_school
):
    secretary.attachments.create(school=new_school)

    for viewer in (admin, secretary):
        built = build_letterhead(viewer, school_id=new_school.pk)
        assert (built.school, built.inep_code) == ("Nova", "13099999")
        # The school has no crest of its own, so the crest of its network is used.
        assert built.load_crest() == Crest.image_for([new_school])


def test_letterhead_without_students_names_network(admin, new_school):
    built = build_letterhead(admin, year=2020)

    assert (built.school, built.network) == ("", new_school.network.name)


def test_letterhead_of_several_networks_names_none(new_school):
    other_network = Network.objects.create(code="other", name="Outra Rede")
    School.objects.create(
        network=other_network, inep_code="13088888", name="A de outra"
    )
    root = User.objects.create(username="root", is_superuser=True)

    built = build_letterhead(root, year=2020)

    assert (built.school, built.network, built.load_crest()) == ("", "", b"")
