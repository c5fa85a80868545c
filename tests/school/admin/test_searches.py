"""Searches of the admin, whose words stand in no URL."""

import pytest
from django.test import Client

from school import models as m
from school.admin import searches
from tests.school.admin.reach_oracle import CLASS

pytestmark = pytest.mark.django_db
STUDENTS = "/admin/school/student/"


@pytest.fixture
def pupils(network):
    for number in range(120):
        m.Student.objects.create(
            network_id=1, registration=f"z{number}", name=f"Zulmira {number:03}",
            birth_date="2015-05-05",
        )  # fmt: skip


def search(client, words, url=STUDENTS):
    return client.post(url, {"q": words})


@pytest.mark.guarantee("No search in the admin stands in a URL.")
def test_search_moves_to_a_url_without_the_words(admin_client, pupils):
    answer = search(admin_client, "Zulmira")

    assert answer.status_code == 302
    assert "zulmira" not in answer.url.lower()
    page = admin_client.get(answer.url)
    assert page.context["cl"].result_count == 120
    assert 'value="Zulmira"' in page.content.decode()
    links = page.content.decode().split('href="')[1:]
    assert not [link for link in links if "zulmira" in link.split('"')[0].lower()]


def test_search_goes_on_through_pages_and_sorting(admin_client, pupils):
    url = search(admin_client, "Zulmira", f"{STUDENTS}?o=-1&p=2").url

    assert "o=-1" in url
    assert "p=2" not in url
    second = admin_client.get(f"{url}&p=2").context["cl"]
    assert len(second.result_list) == 20
    assert second.get_query_string({"p": 1}).count("s=") == 1


def test_search_is_kept_by_the_form_of_a_record(admin_client, pupils):
    url = search(admin_client, "Zulmira 001").url
    student = m.Student.objects.get(name="Zulmira 001")
    key = url.split("s=")[1]
    change = f"{STUDENTS}{student.pk}/change/?_changelist_filters=s%3D{key}"

    assert change in admin_client.get(url).content.decode().replace("&amp;", "&")


def test_filter_joins_a_search(admin_client, network):
    url = search(
        admin_client, "a", "/admin/school/enrolment/?ending__exact=class_change"
    ).url

    changelist = admin_client.get(url).context["cl"]

    assert "ending__exact=class_change" in url
    found = set(changelist.queryset.values_list("ending", flat=True))
    assert found == {"class_change"}


def test_action_works_on_a_search(admin_client, pupils):
    url = search(admin_client, '"Zulmira 00"').url
    action = {"action": "delete_selected", "select_across": "1", "index": "0",
              "_selected_action": [m.Student.objects.get(name="Zulmira 001").pk]}  # fmt: skip

    page = admin_client.post(url, action)

    assert len(page.context["queryset"]) == 10


def test_empty_search_shows_the_whole_list(admin_client, network):
    key_url = search(admin_client, "Ana").url

    assert search(admin_client, " ", key_url).url == STUDENTS


def test_words_in_the_url_are_dropped(admin_client, network):
    assert admin_client.get(f"{STUDENTS}?q=Ana&o=1").url == f"{STUDENTS}?o=1"


def test_unknown_key_is_said_and_shows_no_list_as_if_it_were_found(
    admin_client, network
):
    answer = admin_client.get(f"{STUDENTS}?s=unknown&o=1", follow=True)

    assert answer.redirect_chain == [(f"{STUDENTS}?o=1", 302)]
    assert "Esta pesquisa expirou" in answer.content.decode()


def test_session_remembers_the_newest_searches_only(admin_client, network):
    first = search(admin_client, "word 0").url
    for number in range(1, searches.MAX_SEARCHES):
        search(admin_client, f"word {number}")
    assert search(admin_client, "word 0").url == first
    search(admin_client, "one more")

    remembered = admin_client.session[searches.SESSION_MEMBER].values()
    assert list(remembered)[-2:] == ["word 0", "one more"]
    assert len(remembered) == searches.MAX_SEARCHES
    assert "word 1" not in remembered


def test_search_needs_the_right_to_see_the_list(client, secretary):
    secretary.is_staff = True
    secretary.save()
    client.force_login(secretary)

    assert search(client, "Ana").status_code == 403


@pytest.mark.guarantee("No search in the admin stands in a URL.")
def test_autocomplete_takes_words_by_post_only(admin_client, network):
    student = m.Student.objects.first()
    data = {"app_label": "school", "model_name": "enrolment", "field_name": "student",
            "term": student.registration}  # fmt: skip

    assert admin_client.get("/admin/autocomplete/", data).status_code == 405
    answer = admin_client.post("/admin/autocomplete/", data)
    assert answer.json()["results"] == [{"id": str(student.pk), "text": str(student)}]


def test_autocomplete_refuses_posts_without_a_csrf_token(admin):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)

    assert client.post("/admin/autocomplete/", {}).status_code == 403


NAME = "Łúkja D’Ávila Ʉmʉkomahsã"
TYPED = ["davila", "D'Avila", "umuko", "lukja davila", '"lukja"', "LÚKJA"]


@pytest.fixture
def named_records(rival):
    """One record of each model of the admin that is found by a name, all with one name."""
    for model in (m.Network, m.School, m.SchoolClass, m.RuleProfile, m.Student):
        record = rival.by_model[model]
        record.name = NAME
        record.save()
    rival.user.first_name, rival.user.last_name = NAME.split(" ", 1)
    rival.user.save(update_fields=["first_name", "last_name"])
    for model in (m.Subject, m.GradeLevel):
        model.objects.create(name=NAME, code="named", order=99)
    subject = m.Subject.objects.get(code="named")
    m.Offering.objects.filter(pk=rival.offering.pk).update(subject=subject)


FOUND_BY_NAME = ["network", "school", "schoolclass", "ruleprofile", "student", "user",
    "subject", "gradelevel", "offering", "enrolment", "grade", "recoverygrade", "exemption",
    "prioryear", "absence", "classsession"]  # fmt: skip


@pytest.mark.guarantee("Names are found by the letters of an ordinary keyboard.")
@pytest.mark.parametrize("page", FOUND_BY_NAME)
def test_every_list_finds_names_by_an_ordinary_keyboard(
    admin_client, named_records, page
):
    found = {
        words: admin_client.get(search(admin_client, words, f"/admin/school/{page}/").url)
        .context["cl"].result_count
        for words in [*TYPED, "davilo", "%", "lukja nobody"]
    }  # fmt: skip

    assert found == dict.fromkeys(TYPED, 1) | {"davilo": 0, "%": 0, "lukja nobody": 0}


def test_student_with_social_name_is_found_by_both_names(admin_client, named_records):
    student = m.Student.objects.get(name=NAME)
    student.social_name = "Zoë Kọ́lá"
    student.save(update_fields=["social_name"])

    for words in ("zoe kola", "davila", student.registration):
        page = admin_client.get(search(admin_client, words).url)
        assert list(page.context["cl"].queryset) == [student]

    student.social_name = ""
    student.save()
    assert bytes(student.civil_name_key) == b""


def test_autocomplete_finds_names_by_an_ordinary_keyboard(admin_client, network):
    student = m.Enrolment.objects.filter(school_class=CLASS).first().student
    student.name, student.social_name = NAME, ""
    student.save()
    data = {"app_label": "school", "model_name": "enrolment", "field_name": "student"}

    answer = admin_client.post("/admin/autocomplete/", {**data, "term": "davila umuko"})

    assert answer.json()["results"] == [{"id": str(student.pk), "text": NAME}]
