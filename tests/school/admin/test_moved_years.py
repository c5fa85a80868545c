"""School years and their terms, moved together on the page of the year."""

from datetime import date

import pytest

from school import models as m
from tests.school.admin.test_reach import post_data

pytestmark = pytest.mark.django_db
URL = "/admin/school/schoolyear/1/change/"


@pytest.fixture
def move(admin_client, network):
    """Function that posts the page of the demo's year with other values."""

    def move(**values):
        page = admin_client.get(URL)
        fields = {name.replace("__", "-"): value for name, value in values.items()}
        return admin_client.post(URL, {**post_data(page), **fields})

    return move


def errors_of(answer):
    assert answer.status_code == 200
    terms = answer.context["inline_admin_formsets"][0].formset
    errors = [*terms.errors, answer.context["adminform"].form.errors]
    return {name for form_errors in errors for name in form_errors}


def test_year_and_last_term_are_extended_together(move):
    answer = move(ends_on="2027-02-26", terms__3__ends_on="2027-02-26")

    assert answer.status_code == 302
    year = m.SchoolYear.objects.get(pk=1)
    assert year.ends_on == year.terms.get(number=4).ends_on == date(2027, 2, 26)


def test_year_and_first_term_begin_later_together(move):
    m.Absence.objects.filter(session__date__lt="2026-03-02").delete()
    m.ClassSession.objects.filter(date__lt="2026-03-02").delete()

    answer = move(starts_on="2026-03-02", terms__0__starts_on="2026-03-02")

    assert answer.status_code == 302
    year = m.SchoolYear.objects.get(pk=1)
    assert year.starts_on == year.terms.get(number=1).starts_on == date(2026, 3, 2)


def test_year_that_ends_before_its_lessons_is_refused(move):
    answer = move(ends_on="2026-11-02", terms__3__ends_on="2026-11-02")

    assert "starts_on" in errors_of(answer)


def test_term_outside_the_new_year_is_refused_at_its_field(move):
    assert errors_of(move(terms__3__ends_on="2027-02-26")) == {"ends_on"}


def test_term_with_grades_is_not_deleted_without_rules(move, network):
    m.YearRules.objects.all().delete()

    answer = move(terms__3__DELETE="on")

    terms = answer.context["inline_admin_formsets"][0].formset
    assert terms.non_form_errors() == ["2026/4: Há notas ou aulas neste período."]
    assert m.Term.objects.filter(school_year=1, number=4).exists()


def test_class_in_a_year_of_another_network_is_refused_at_the_field(
    admin_client, network
):
    other = m.Network.objects.create(code="other", name="Other")
    year = m.SchoolYear.objects.create(
        network=other, year=2026, starts_on="2026-02-02", ends_on="2026-12-18"
    )
    url = "/admin/school/schoolclass/3/change/"

    answer = admin_client.post(
        url, {**post_data(admin_client.get(url)), "school_year": year.pk}
    )

    assert "school_year" in answer.context["adminform"].form.errors
    assert m.SchoolClass.objects.get(pk=3).school_year_id == 1
