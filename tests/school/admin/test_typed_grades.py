"""Grades and rules as people type them: with a decimal comma or point."""

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError

from school import models as m
from tests.school.admin.test_reach import post_data

pytestmark = pytest.mark.django_db
GRADE = "/admin/school/grade/"
RECOVERY = "/admin/school/recoverygrade/"


@pytest.fixture
def missing_grade(network):
    """Form data of a grade and an exam that are not stored yet."""
    m.Grade.objects.filter(enrolment=1, offering=1, term=1).delete()
    m.RecoveryGrade.objects.filter(enrolment=1, offering=1).delete()
    return {"enrolment": 1, "offering": 1, "term": 1}


@pytest.mark.parametrize(
    ("text", "tenths"),
    [
        ("7,5", 75), ("7.5", 75), ("8", 80), (" 10 ", 100), ("10,0", 100), ("0", 0),
        ("0,1", 1), ("07,50", 75), ("", None),
    ],
)  # fmt: skip
def test_typed_grade_is_saved_in_tenths(admin_client, missing_grade, text, tenths):
    answer = admin_client.post(f"{GRADE}add/", {**missing_grade, "tenths": text})

    assert answer.status_code == 302
    assert m.Grade.objects.get(enrolment=1, offering=1, term=1).tenths == tenths


@pytest.mark.parametrize("text", ["75", "10,1", "7,55", "-1", "sete", "7,", "1e1", "٧"])
def test_text_that_is_no_grade_is_refused(admin_client, missing_grade, text):
    answer = admin_client.post(f"{GRADE}add/", {**missing_grade, "tenths": text})

    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors["tenths"] == [
        f"“{text}” não é uma nota: escreva um número de 0 a 10 com no máximo uma casa "
        "decimal, como 7,5."
    ]
    assert not m.Grade.objects.filter(enrolment=1, offering=1, term=1).exists()


@pytest.mark.parametrize("url", [GRADE, RECOVERY])
def test_grade_field_is_named_nota_and_shows_a_comma(admin_client, missing_grade, url):
    model = m.Grade if url == GRADE else m.RecoveryGrade
    values = {"term": 1} if url == GRADE else {}
    record = model.objects.create(enrolment_id=1, offering_id=1, tenths=75, **values)

    page = admin_client.get(f"{url}{record.pk}/change/")
    listed = admin_client.get(url)

    field = page.context["adminform"].form["tenths"]
    assert field.label == "Nota"
    assert 'value="7,5"' in str(field)
    assert 'type="text"' in str(field)
    assert "7,5" in str(record)
    assert "Nota" in listed.content.decode()
    assert '<td class="field-grade">7,5</td>' in listed.content.decode()


def test_unchanged_grade_form_saves_the_same_grade(admin_client, missing_grade):
    grade = m.Grade.objects.create(enrolment_id=1, offering_id=1, term=1, tenths=75)
    url = f"{GRADE}{grade.pk}/change/"
    form = admin_client.get(url).context["adminform"].form

    answer = admin_client.post(url, {**missing_grade, "tenths": form["tenths"].value()})

    grade.refresh_from_db()
    assert (answer.status_code, grade.tenths) == (302, 75)
    assert (
        LogEntry.objects.latest("pk").get_change_message() == "Nenhum campo modificado."
    )


def test_typed_exam_is_saved_in_tenths(admin_client, missing_grade):
    del missing_grade["term"]
    answer = admin_client.post(f"{RECOVERY}add/", {**missing_grade, "tenths": "6,5"})

    assert answer.status_code == 302
    assert m.RecoveryGrade.objects.get(enrolment=1, offering=1).tenths == 65


def test_empty_grade_form_is_refused_field_by_field(admin_client, network):
    answer = admin_client.post(f"{GRADE}add/", {})

    errors = answer.context["adminform"].form.errors
    assert set(errors) == {"enrolment", "offering", "term"}


@pytest.mark.parametrize("tenths", [-1, 101])
def test_full_clean_of_impossible_tenths_names_the_field(missing_grade, tenths):
    grade = m.Grade(enrolment_id=1, offering_id=1, term=1, tenths=tenths)

    with pytest.raises(ValidationError) as refusal:
        grade.full_clean()
    assert list(refusal.value.message_dict) == ["tenths"]


@pytest.mark.parametrize("text", ["6,5", "6.5"])
def test_rule_takes_a_decimal_comma(admin_client, network, text):
    profile = m.RuleProfile.objects.first()
    url = f"/admin/school/ruleprofile/{profile.pk}/change/"
    page = admin_client.get(url)

    answer = admin_client.post(url, {**post_data(page), "pass_mark": text})

    assert answer.status_code == 302
    assert profile.latest_version().rules.pass_mark == Decimal("6.5")
    form = page.context["adminform"].form
    assert form["council_absences"].value() == "7,5"
