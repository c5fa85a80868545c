"""Admin pages of subjects of classes, and of exemptions."""

import pytest

from school import models as m
from tests.school.admin.test_reach import post_data

pytestmark = pytest.mark.django_db


@pytest.fixture
def offering(network):
    """Subject of a class with the levels 1 and 9."""
    offering = m.Offering.objects.order_by("pk").first()
    offering.school_class.grade_levels.set(
        [offering.school_class.enrolments.first().grade_level_id, 9]
    )
    return offering


def save(admin_client, offering, **values):
    url = f"/admin/school/offering/{offering.pk}/change/"
    return admin_client.post(url, {**post_data(admin_client.get(url)), **values})


def test_levels_of_a_subject_are_saved(admin_client, offering):
    answer = save(admin_client, offering, grade_levels=[9], is_optional="on")

    assert answer.status_code == 302
    offering.refresh_from_db()
    assert [level.pk for level in offering.grade_levels.all()] == [9]
    assert offering.is_optional


def test_level_that_the_class_lacks_is_refused_at_its_field(admin_client, offering):
    page = save(admin_client, offering, grade_levels=[5])

    assert page.context["adminform"].form.errors == {
        "grade_levels": ["A turma não tem esta etapa."]
    }


def test_levels_of_a_closed_year_are_refused_at_their_field(admin_client, offering):
    m.SchoolYear.objects.filter(pk=offering.school_class.school_year_id).update(
        is_closed=True
    )

    page = save(admin_client, offering, grade_levels=[9])

    assert "grade_levels" in page.context["adminform"].form.errors
    assert not offering.grade_levels.exists()


def test_exemption_is_saved_with_its_reason(admin_client, offering):
    enrolment = offering.school_class.enrolments.first()
    values = {
        "enrolment": enrolment.pk,
        "offering": offering.pk,
        "term": "",
        "reason": "Laudo",
    }

    answer = admin_client.post("/admin/school/exemption/add/", values)

    assert answer.status_code == 302
    exemption = m.Exemption.objects.get()
    assert (exemption.term, exemption.reason) == (None, "Laudo")


def test_exemption_without_reason_or_of_an_unknown_term_is_refused(
    admin_client, offering
):
    enrolment = offering.school_class.enrolments.first()
    values = {
        "enrolment": enrolment.pk,
        "offering": offering.pk,
        "term": "5",
        "reason": "",
    }

    page = admin_client.post("/admin/school/exemption/add/", values)

    assert set(page.context["adminform"].form.errors) == {"term", "reason"}
