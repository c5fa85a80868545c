"""Every page of the admin, for every model and viewer, against the oracle of reach."""

from importlib import import_module

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.models import ForeignKey
from django.forms import ModelChoiceField
from django.test.utils import CaptureQueriesContext

from school import models as m
from school import record_access
from school.admin.base import ScopedAdmin, ScopedPage
from tasks.models import AccessLogEntry, Task
from tests.school.admin.reach_oracle import (
    NETWORK,
    VIEWERS,
    all_records,
    may_attach,
    sees,
)
from tests.support.task_factories import queue_task

pytestmark = pytest.mark.django_db
import_module("school.urls")  # registers the pages
PAGES = list(admin.site._registry.values())
MODELS = [page.model for page in PAGES]
RIVAL_MODELS = [
    model for model in MODELS if model not in (m.GradeLevel, m.Subject, Group)
]
READ_ONLY = (Task, AccessLogEntry, m.GradeChange)
EDITABLE = [model for model in RIVAL_MODELS if model not in READ_ONLY]
WITHOUT_RELATIONS = (m.Network, m.RuleProfile, m.User)
"""Models whose form of a stored record has no relation to a record of one network."""
LONG_MATRIX = pytest.mark.deep_on_postgresql("the lists show the same in short")
UNASKED = {"user_permissions", "id"}
"""Choices that the oracle does not know, and the hidden id of an inline's row."""
NARROW_VIEWERS = [name for name in VIEWERS if name != "superuser"]
RELATIONS = sorted(
    {
        (part.model._meta.model_name, name)
        for page in PAGES
        for part in (page, *(i(page.model, admin.site) for i in page.inlines))
        for name in part.autocomplete_fields
    }
)


def url_of(model, page=""):
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{page}"


def post_data(response):
    """Return the data that a browser would post from the forms of the page."""
    forms = [response.context["adminform"].form]
    for inline in response.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    data = {}
    for form in forms:
        for bound in form:
            value = bound.value()
            if value is None or value is False:
                continue
            if isinstance(value, list):
                value = [getattr(item, "pk", item) for item in value]
            if hasattr(bound.field.widget, "decompress"):
                parts = bound.field.widget.decompress(value)
                data |= {f"{bound.html_name}_{i}": part for i, part in enumerate(parts)}
            data[bound.html_name] = "on" if value is True else value
    return data


def test_registered_pages_are_all_scoped():
    assert {type(page) for page in PAGES if not isinstance(page, ScopedAdmin)} == set()
    inlines = {inline for page in PAGES for inline in page.inlines}
    assert {inline for inline in inlines if not issubclass(inline, ScopedPage)} == set()


def test_registered_models_have_an_access_entry():
    models = {*MODELS, *(i.model for page in PAGES for i in page.inlines)}
    related = {
        field.remote_field.model
        for model in models
        for field in (*model._meta.fields, *model._meta.many_to_many)
        if field.is_relation
    }

    assert (models | related) - record_access.RECORD_ACCESS.keys() == set()


def test_pages_have_no_raw_ids():
    """The widget of a raw id shows the name of any record whose id is posted."""
    parts = [*PAGES, *(inline for page in PAGES for inline in page.inlines)]

    assert [part for part in parts if part.raw_id_fields] == []


@pytest.mark.guarantee("The admin lists the records in the viewer's reach only.")
@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("model", MODELS)
def test_list_shows_exactly_the_records_in_reach(log_in, rival, viewers, model, viewer):
    queue_task(viewers["superuser"])
    answer = log_in(viewer).get(url_of(model))

    assert answer.status_code == 200
    listed = list(answer.context["cl"].queryset.values_list("pk", flat=True))
    expected = {r.pk for r in all_records(model) if sees(viewer, r)}
    assert len(listed) == len(set(listed))
    assert set(listed) == expected


@LONG_MATRIX
@pytest.mark.guarantee("The admin lists the records in the viewer's reach only.")
@pytest.mark.parametrize("viewer", NARROW_VIEWERS)
@pytest.mark.parametrize("model", RIVAL_MODELS)
def test_pages_of_a_foreign_record_answer_like_those_of_a_missing_one(
    log_in, rival, model, viewer
):
    client, record = log_in(viewer), rival.by_model[model]
    missing = "0" if isinstance(record.pk, int) else str(rival.school.pk)
    before = model._default_manager.filter(pk=record.pk).values().get()

    for page in ("change", "delete", "history"):
        for send in (client.get, client.post):
            foreign, absent = (
                send(url_of(model, f"{pk}/{page}/"), {"post": "yes"})
                for pk in (record.pk, missing)
            )
            assert foreign.status_code == absent.status_code
            assert foreign.status_code in (302, 403)
            assert foreign.headers.get("Location") == absent.headers.get("Location")

    assert model._default_manager.filter(pk=record.pk).values().get() == before


@pytest.mark.guarantee("The admin's choosers offer records in the viewer's reach only.")
@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize(("model_name", "field_name"), RELATIONS)
def test_autocomplete_offers_exactly_the_records_in_reach(
    log_in, rival, model_name, field_name, viewer
):
    client = log_in(viewer)
    model = next(x for x in m.__dict__.values() if _name(x) == model_name)
    target = model._meta.get_field(field_name).remote_field.model
    ids, page, is_last = [], 1, False
    while not is_last:
        answer = client.post(
            "/admin/autocomplete/",
            {"app_label": "school", "model_name": model_name, "field_name": field_name,
             "term": "", "page": page},
        )  # fmt: skip
        assert answer.status_code == 200
        ids += [int(result["id"]) for result in answer.json()["results"]]
        page, is_last = page + 1, not answer.json()["pagination"]["more"]

    allows = may_attach if model is m.Attachment and field_name != "user" else sees
    assert sorted(ids) == sorted(
        record.pk for record in all_records(target) if allows(viewer, record)
    )


def _name(model):
    return model._meta.model_name if hasattr(model, "_meta") else None


@LONG_MATRIX
@pytest.mark.parametrize("viewer", NARROW_VIEWERS)
@pytest.mark.parametrize("model", EDITABLE)
def test_forms_offer_records_in_reach_only(log_in, rival, model, viewer):
    client = log_in(viewer)
    own = next(r for r in all_records(model) if sees(viewer, r))
    asked = 0
    for page in ("add/", f"{own.pk}/change/"):
        answer = client.get(url_of(model, page))
        if answer.status_code == 403:
            assert page == "add/"
            continue
        forms = [answer.context["adminform"].form]
        for inline in answer.context["inline_admin_formsets"]:
            forms += [*inline.formset.forms, inline.formset.empty_form]
        for form in forms:
            for name, field in form.fields.items():
                if isinstance(field, ModelChoiceField) and name not in UNASKED:
                    asked += 1
                    foreign = [r for r in field.queryset if not sees(viewer, r)]
                    assert (name, foreign) == (name, [])
        assert "Rival" not in answer.content.decode()
    if any(isinstance(field, ForeignKey) for field in model._meta.fields):
        user = answer.wsgi_request.user
        assert asked or not record_access.may_change(user, model)


@LONG_MATRIX
@pytest.mark.guarantee("A posted id of a record out of reach is refused by the admin.")
@pytest.mark.parametrize("viewer", NARROW_VIEWERS)
@pytest.mark.parametrize("model", EDITABLE)
def test_posted_foreign_id_is_refused(log_in, rival, model, viewer):
    client = log_in(viewer)
    own = next(r for r in all_records(model) if sees(viewer, r))
    url = url_of(model, f"{own.pk}/change/")
    page = client.get(url)
    form = page.context["adminform"].form
    relations = [
        name
        for name, field in form.fields.items()
        if isinstance(field, ModelChoiceField)
        and field.queryset.model in rival.by_model
    ]
    if not relations:
        is_read_only = client.post(url, {}).status_code == 403
        assert is_read_only or model in WITHOUT_RELATIONS
    before = model._default_manager.filter(pk=own.pk).values().get()
    for name in relations:
        foreign = rival.by_model[form.fields[name].queryset.model]
        answer = client.post(url, {**post_data(page), name: foreign.pk})

        assert answer.status_code == 200
        assert name in answer.context["adminform"].form.errors
        assert model._default_manager.filter(pk=own.pk).values().get() == before


def test_unchanged_form_is_saved(log_in, rival):
    """The form that the test of foreign ids posts would be saved without the foreign id."""
    client = log_in("secretary")
    url = url_of(m.Enrolment, "1/change/")

    answer = client.post(url, post_data(client.get(url)))

    assert (answer.status_code, answer.url) == (302, url_of(m.Enrolment))


@LONG_MATRIX
@pytest.mark.parametrize("viewer", NARROW_VIEWERS)
@pytest.mark.parametrize("model", EDITABLE)
def test_action_on_foreign_records_changes_nothing(log_in, rival, model, viewer):
    record = rival.by_model[model]
    data = {"action": "delete_selected", "_selected_action": [record.pk], "post": "yes"}
    count = model._default_manager.count()

    answer = log_in(viewer).post(url_of(model), data, follow=True)

    assert answer.status_code in (200, 403)
    assert "Rival" not in answer.content.decode()
    assert model._default_manager.count() == count


def test_network_action_passes_over_foreign_networks(log_in, rival):
    data = {"action": "add_default_profiles", "_selected_action": [rival.network.pk]}

    log_in("manager").post(url_of(m.Network), data)

    assert list(rival.network.rule_profiles.all()) == [rival.ruleprofile]


@LONG_MATRIX
@pytest.mark.parametrize("viewer", NARROW_VIEWERS)
@pytest.mark.parametrize("model", MODELS)
def test_list_filters_offer_records_in_reach_only(log_in, rival, model, viewer):
    other_year = m.SchoolYear.objects.create(
        network=rival.network, year=1999, starts_on="1999-02-01", ends_on="1999-12-01"
    )
    page = log_in(viewer).get(url_of(model))
    filters = page.context["cl"].filter_specs
    offered = [
        str(c["display"]) for f in filters for c in f.choices(page.context["cl"])
    ]

    assert str(other_year) not in offered
    assert not any("Rival" in text for text in offered)


@LONG_MATRIX
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("viewer", ["superuser", "secretary"])
def test_list_takes_as_many_queries_for_many_rows_as_for_few(
    log_in, rival, monkeypatch, model, viewer
):
    for _ in range(3):
        queue_task(m.User.objects.get(username="secretary"))
    client, counts = log_in(viewer), []
    for rows in (1, 50):
        page = admin.site.get_model_admin(model)
        monkeypatch.setattr(type(page), "list_per_page", rows)
        client.get(url_of(model))  # saves the session, once a minute
        with CaptureQueriesContext(connection) as queries:
            client.get(url_of(model))
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_deletion_that_touches_hidden_records_names_none(log_in, network):
    """Student 67 has moved from school 2 to school 3."""
    user = m.User.objects.get(username="secretary")
    user.attachments.update(school=2)
    old = m.Enrolment.objects.get(student=67, school_class__school=2)
    new = m.Enrolment.objects.get(student=67, school_class__school=3)
    client = log_in("secretary")
    user.attachments.update(school=2)

    page = client.get(url_of(m.Student, "67/delete/")).content.decode()

    assert str(new.school_class) not in page
    assert str(old.school_class) not in page
    assert "registros que você não pode ver" in page
    client.post(url_of(m.Student, "67/delete/"), {"post": "yes"})
    assert m.Student.objects.filter(pk=67).exists()


def test_student_page_lists_the_enrolments_in_reach_only(log_in, network):
    client = log_in("secretary")
    m.User.objects.get(username="secretary").attachments.update(school=2)

    page = client.get(url_of(m.Student, "67/change/"))

    formset = page.context["inline_admin_formsets"][0].formset
    schools = {form.instance.school_class.school_id for form in formset.initial_forms}
    assert schools == {2}


def test_posted_row_of_an_inline_out_of_reach_is_not_changed(log_in, network):
    client = log_in("secretary")
    m.User.objects.get(username="secretary").attachments.update(school=2)
    url = url_of(m.Student, "67/change/")
    hidden = m.Enrolment.objects.get(student=67, school_class__school=3)
    before = m.Enrolment.objects.filter(pk=hidden.pk).values().get()
    data = post_data(client.get(url))
    row = {"id": hidden.pk, "diary_number": 99, "DELETE": ""}
    rows = {f"enrolments-0-{name}": value for name, value in row.items()}

    client.post(url, {**data, **rows})
    client.post(url, {**data, **rows, "enrolments-0-DELETE": "on"})

    assert m.Enrolment.objects.filter(pk=hidden.pk).values().get() == before
    assert m.Student.objects.get(pk=67).enrolments.count() == 2


def test_tables_of_tokens_have_no_page(admin_client):
    for model in ("outstandingtoken", "blacklistedtoken"):
        assert admin_client.get(f"/admin/token_blacklist/{model}/").status_code == 404


@pytest.mark.parametrize(
    ("model", "viewer"),
    [
        (m.Network, "secretary"), (m.SchoolYear, "secretary"), (m.RuleProfile, "secretary"),
        (m.School, "teacher"), (m.SchoolYear, "teacher"),
        (m.GradeLevel, "manager"), (m.Subject, "manager"), (Group, "manager"),
    ],
)  # fmt: skip
def test_record_that_reaches_further_than_its_viewer_is_read_only(
    log_in, rival, model, viewer
):
    own = next(r for r in all_records(model) if sees(viewer, r))
    client = log_in(viewer)

    assert client.get(url_of(model, f"{own.pk}/change/")).status_code == 200
    assert client.post(url_of(model, f"{own.pk}/change/"), {}).status_code == 403
    assert client.get(url_of(model, "add/")).status_code == 403


def test_guardian_with_permissions_changes_nothing(log_in, viewers):
    """A guardian sees the child's records, and Django's permissions do not change that."""
    user = viewers["secretary"]
    user.attachments.all().delete()
    m.Attachment.objects.create(user=user, student_id=1)
    m.User.objects.filter(pk=user.pk).update(role="guardian")
    client = log_in("secretary")

    assert client.get(url_of(m.Student, "1/change/")).status_code == 200
    assert client.post(url_of(m.Student, "1/change/"), {}).status_code == 403
    assert client.get(url_of(m.Student, "2/change/")).status_code == 302


def test_student_is_added_by_staff_with_an_enrolment_only(log_in, network):
    client = log_in("secretary")
    url = url_of(m.Student, "add/")
    data = {
        **post_data(client.get(url)), "network": NETWORK, "registration": "new",
        "name": "Nova", "birth_date": "2016-01-01",
    }  # fmt: skip

    assert client.post(url, data).status_code == 200
    enrolment = {
        "enrolments-0-school_class": 2, "enrolments-0-grade_level": 1,
        "enrolments-0-diary_number": 90, "enrolments-0-entry_date": "2026-03-02",
    }  # fmt: skip
    assert client.post(url, {**data, **enrolment}).status_code == 302
    assert m.Student.objects.get(registration="new").enrolments.count() == 1


def test_record_out_of_its_writers_reach_is_not_saved(log_in, viewers):
    """Without the inline of enrolments a new student would belong to no school."""
    viewers["secretary"].user_permissions.remove(*_permissions("enrolment"))
    client = log_in("secretary")
    url = url_of(m.Student, "add/")
    data = {
        **post_data(client.get(url)), "network": NETWORK, "registration": "new",
        "name": "Nova", "birth_date": "2016-01-01",
    }  # fmt: skip

    answer = client.post(url, data, follow=True)

    assert "fora do seu alcance" in answer.content.decode()
    assert not m.Student.objects.filter(registration="new").exists()


def _permissions(model_name):
    return Permission.objects.filter(content_type__model=model_name)


@pytest.mark.parametrize(
    ("model", "pk", "name"),
    [(m.SchoolClass, 1, "school_year"), (m.Enrolment, 1, "school_class"), (m.Enrolment, 1, "student")],
)  # fmt: skip
def test_records_of_different_networks_are_not_joined(log_in, rival, model, pk, name):
    client = log_in("superuser")
    url = url_of(model, f"{pk}/change/")
    page = client.get(url)
    target = page.context["adminform"].form.fields[name].queryset.model

    answer = client.post(url, {**post_data(page), name: rival.by_model[target].pk})

    assert answer.status_code == 200
    errors = answer.context["adminform"].form.non_field_errors()
    assert "Estes registros são de redes diferentes." in errors


def test_lookups_beyond_the_list_filters_are_refused(log_in, network):
    client = log_in("superuser")

    assert client.get(url_of(m.Student, "?name__startswith=A")).status_code == 400
    assert client.get(url_of(m.Enrolment, "?student__name=A")).status_code == 400
    assert (
        client.get(url_of(m.Enrolment, "?ending__exact=transferred")).status_code == 200
    )
