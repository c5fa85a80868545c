"""Closed years and the history of grades in the admin."""

import html

import pytest
from django.db.models import F

from school import models as m

pytestmark = pytest.mark.django_db
NO_FORMS = {
    f"{prefix}-{name}": "0"
    for prefix in ("terms", "rules", "enrolments", "offerings")
    for name in ("TOTAL_FORMS", "INITIAL_FORMS")
}


def text_of(page):
    return html.unescape(page.content.decode())


@pytest.fixture
def closed_year(network):
    m.SchoolYear.objects.filter(pk=1).update(is_closed=True)
    return m.SchoolYear.objects.get(pk=1)


@pytest.fixture
def grade(network):
    """A grade of class 1 with a value that no form of these tests sends."""
    grade = m.Grade.objects.filter(enrolment__school_class=1).order_by("pk").first()
    m.Grade.objects.filter(pk=grade.pk).update(tenths=33)
    m.GradeChange.objects.all().delete()
    grade.refresh_from_db()
    return grade


def post_grade(client, grade, value, **data):
    """Post the form of the grade with the value, or that of a new one in another term.

    Without a value the form is posted as it is.
    """
    page = client.get(f"/admin/school/grade/{grade.pk}/change/")
    form = page.context["adminform"].form
    fields = {name: form[name].value() for name in form.fields}
    if value is not None:
        fields[_grade_field(form)] = value
    data = {k: "" if v is None else v for k, v in {**fields, **data}.items()}
    url = (
        f"{grade.pk}/change/"
        if "term" not in data or data["term"] == grade.term
        else "add/"
    )
    return client.post(f"/admin/school/grade/{url}", data)


def _grade_field(form):
    """Return the name of the field with the grade itself."""
    known = {
        "enrolment",
        "offering",
        "term",
        "change_reason",
        "concept",
        "recovery_tenths",
    }
    (name,) = form.fields.keys() - known
    return name


@pytest.mark.guarantee("A form says that the school year of a grade is closed.")
def test_grade_of_closed_year_is_refused_at_the_form(log_in, grade, closed_year):
    client = log_in("superuser")
    for answer in (
        post_grade(client, grade, "6"),
        post_grade(client, grade, "6", term=9),
    ):
        assert answer.status_code == 200
        assert "O ano letivo 2026 está encerrado" in text_of(answer)
        assert "com uma justificativa" in text_of(answer)
    assert m.Grade.objects.get(pk=grade.pk).tenths == 33
    assert not m.Grade.objects.filter(term=9).exists()
    assert post_grade(client, grade, None).status_code == 302  # nothing changes


@pytest.mark.parametrize("page", ["delete", "action"])
def test_grade_of_closed_year_cannot_be_deleted_in_the_admin(
    log_in, grade, closed_year, page
):
    client = log_in("superuser")
    if page == "delete":
        answer = client.post(f"/admin/school/grade/{grade.pk}/delete/", {"post": "yes"})
    else:
        data = {"action": "delete_selected", "_selected_action": [grade.pk], "post": "yes"}  # fmt: skip
        answer = client.post("/admin/school/grade/", data)

    assert answer.status_code == 200
    assert "O ano letivo 2026 está encerrado" in text_of(answer)
    assert m.Grade.objects.filter(pk=grade.pk).exists()


def test_inline_row_of_closed_year_cannot_be_deleted(log_in, closed_year):
    client = log_in("superuser")
    offering = m.Offering.objects.create(
        school_class=_open_class(), subject=m.Subject.objects.first()
    )
    m.SchoolYear.objects.filter(year=2027).update(is_closed=True)
    url = f"/admin/school/schoolclass/{offering.school_class_id}/change/"
    form = client.get(url).context["adminform"].form
    data = {name: form[name].value() for name in form.fields}
    data = {k: "" if v is None else v for k, v in data.items()}
    data |= {
        "grade_levels": ["1"],
        "offerings-TOTAL_FORMS": "1", "offerings-INITIAL_FORMS": "1",
        "offerings-0-id": offering.pk, "offerings-0-school_class": offering.school_class_id,
        "offerings-0-subject": offering.subject_id, "offerings-0-DELETE": "on",
    }  # fmt: skip

    answer = client.post(url, data)

    assert answer.status_code == 200
    assert "O ano letivo 2027 está encerrado" in text_of(answer)
    assert m.Offering.objects.filter(pk=offering.pk).exists()


def _open_class():
    year = m.SchoolYear.objects.create(
        network_id=1, year=2027, starts_on="2027-02-01", ends_on="2027-12-01"
    )
    school_class = m.SchoolClass.objects.create(
        school_id=1, school_year=year, name="Next", shift="morning"
    )
    school_class.grade_levels.add(1)
    return school_class


@pytest.mark.guarantee("A closed year is reopened with a reason only, which is kept.")
def test_year_is_reopened_by_an_action_that_asks_why(log_in, viewers, closed_year):
    client = log_in("manager")
    url, action = "/admin/school/schoolyear/", {"action": "reopen_years", "_selected_action": [1]}  # fmt: skip

    asked = client.post(url, action)
    assert 'name="reason"' in text_of(asked)
    refused = client.post(url, {**action, "reason": "  "})
    assert "obrigatório" in text_of(refused)
    assert m.SchoolYear.objects.get(pk=1).is_closed
    done = client.post(url, {**action, "reason": "grade of 3º ano missing"}, follow=True)  # fmt: skip
    assert "Reabertos: 2026." in text_of(done)
    assert not m.SchoolYear.objects.get(pk=1).is_closed

    client.post(url, {**action, "action": "close_years"})
    assert m.SchoolYear.objects.get(pk=1).is_closed
    page = text_of(client.get("/admin/school/schoolyear/1/change/"))
    assert "reaberto, manager: grade of 3º ano missing" in page
    assert page.index("encerrado, manager") < page.index("reaberto, manager")
    events = m.SchoolYearEvent.objects.exclude(username="")
    assert {event.user_id for event in events} == {viewers["manager"].pk}


def test_form_cannot_reopen_a_year(log_in, closed_year):
    answer = log_in("superuser").post(
        "/admin/school/schoolyear/1/change/",
        {
            "network": "1", "year": "2026", "starts_on": "2026-02-09", "ends_on": "2026-12-30",
            **NO_FORMS,
        },
    )  # fmt: skip

    assert answer.status_code == 302
    year = m.SchoolYear.objects.get(pk=1)
    assert (year.is_closed, year.ends_on) == (True, closed_year.ends_on)


@pytest.mark.parametrize("viewer", ["secretary", "teacher"])
def test_year_is_not_reopened_by_who_may_not_change_it(log_in, closed_year, viewer):
    log_in(viewer).post(
        "/admin/school/schoolyear/",
        {"action": "reopen_years", "_selected_action": [1], "reason": "x"},
    )

    assert m.SchoolYear.objects.get(pk=1).is_closed


def test_manager_cannot_reopen_a_year_of_another_network(log_in, rival):
    m.SchoolYear.objects.filter(pk=rival.schoolyear.pk).update(is_closed=True)
    log_in("manager").post(
        "/admin/school/schoolyear/",
        {
            "action": "reopen_years",
            "_selected_action": [rival.schoolyear.pk],
            "reason": "x",
        },
    )

    assert m.SchoolYear.objects.get(pk=rival.schoolyear.pk).is_closed


@pytest.mark.guarantee("The admin attributes each change of a grade to its user.")
def test_grade_changed_in_the_admin_names_user_and_reason(log_in, viewers, grade):
    client = log_in("teacher")

    assert post_grade(client, grade, "6", change_reason="typing error").status_code == 302  # fmt: skip
    data = {"action": "delete_selected", "_selected_action": [grade.pk], "post": "yes"}
    client.post("/admin/school/grade/", data)

    changes = m.GradeChange.objects.order_by("pk")
    after = 60 if m.GradeChange.objects.filter(new_tenths=60).exists() else 6
    assert [(c.username, c.reason, c.old_tenths, c.new_tenths) for c in changes] == [
        ("teacher", "typing error", 33, after), ("teacher", "", after, None),
    ]  # fmt: skip
    page = text_of(client.get("/admin/school/gradechange/"))
    for text in ("3,3", "teacher", "typing error", "sem registro"):
        assert text in page


@pytest.mark.guarantee("The admin attributes each change of a grade to its user.")
def test_each_request_has_its_own_user(log_in, viewers, grade):
    for name in ("teacher", "secretary"):
        assert post_grade(log_in(name), grade, "5" if name == "teacher" else "4").status_code == 302  # fmt: skip
    m.Grade.objects.filter(pk=grade.pk).update(tenths=F("tenths") + 1)

    names = m.GradeChange.objects.order_by("pk").values_list("username", flat=True)
    assert list(names) == ["teacher", "secretary", ""]


def test_history_names_nobody_for_a_shell(log_in, grade):
    m.Grade.objects.filter(pk=grade.pk).update(tenths=44)

    page = text_of(log_in("superuser").get("/admin/school/gradechange/"))

    assert "ninguém conhecido (fora da administração)" in page
