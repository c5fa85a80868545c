"""Crests: fallback to the network, upload in the admin, and migration to PNG."""

from importlib import import_module

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction

from school.crests import conversion
from school.crests.conversion import MAX_BYTES
from school.models import Crest, Network, School
from tests.support.crest_images import GRADIENT, make_png, make_svg


@pytest.mark.django_db
def test_crest_of_school_falls_back_to_network(network):
    schools = list(School.objects.order_by("pk"))
    own_image = bytes(Crest.objects.get(school=1).image)
    network_image = bytes(Crest.objects.get(network=1).image)

    assert not Crest.objects.filter(school=schools[-1]).exists()
    assert Crest.image_for(schools[:1]) == own_image != network_image
    assert (
        Crest.image_for(schools[-1:]) == Crest.image_for(schools[:2]) == network_image
    )
    Crest.objects.all().delete()
    assert Crest.image_for(schools[:1]) == Crest.image_for([]) == b""


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values",
    [
        {"school_id": 3, "network_id": 1},
        {},
        {"school_id": 3, "image": bytes(MAX_BYTES + 1)},
        {"school_id": 1},
    ],
)
def test_invalid_or_second_crest_is_refused_by_the_database(network, values):
    with pytest.raises(DatabaseError), transaction.atomic():
        Crest.objects.create(**{"image": b"x", **values})


def save_page(admin_client, record, content=None, **fields):
    """Post the admin page of a school or network, with or without a file."""
    model = record._meta.model_name
    page = f"/admin/school/{model}/{record.pk}/change/"
    form = admin_client.get(page).context["adminform"].form
    form_data = {name: value or "" for name, value in form.initial.items()}
    crest = Crest.objects.filter(**{model: record}).first()
    rows = {
        "crest-TOTAL_FORMS": 1, "crest-INITIAL_FORMS": int(crest is not None),
        "crest-0-id": crest.pk if crest else "", f"crest-0-{model}": record.pk,
    }  # fmt: skip
    if content is not None:
        rows["crest-0-file"] = SimpleUploadedFile("brasão.png", content)
    return admin_client.post(page, {**form_data, **rows, **fields})


@pytest.mark.django_db
@pytest.mark.parametrize("image", [make_png(), make_svg()])
@pytest.mark.parametrize("has_crest", [True, False])
def test_uploaded_crest_is_saved_and_shown(admin_client, image, has_crest):
    school = School.objects.get(pk=1 if has_crest else 3)

    assert save_page(admin_client, school, image).status_code == 302

    stored = bytes(Crest.objects.get(school=school).image)
    assert stored == conversion.convert_crest(image)
    page = admin_client.get(
        f"/admin/school/school/{school.pk}/change/"
    ).content.decode()
    assert '<img alt="" height="64" src="data:image/png;base64,' in page


@pytest.mark.django_db
def test_saving_without_a_file_keeps_the_crest(admin_client):
    network, before = Network.objects.get(), Crest.objects.get(network=1).image

    assert save_page(admin_client, network).status_code == 302

    assert Crest.objects.get(network=1).image == before


@pytest.mark.django_db
def test_crest_is_deleted_by_the_form(admin_client):
    assert save_page(admin_client, Network.objects.get(), **{"crest-0-DELETE": "on"})

    assert not Crest.objects.filter(network=1).exists()


@pytest.mark.django_db
def test_broken_crest_shows_error_and_is_not_saved(admin_client):
    before = Crest.objects.get(school=1).image

    page = save_page(
        admin_client, School.objects.get(pk=1), make_png()[:-40], name="Other"
    )

    assert page.status_code == 200
    assert "Está danificado" in page.content.decode()
    assert Crest.objects.get(school=1).image == before
    assert School.objects.get(pk=1).name != "Other"


@pytest.mark.django_db
def test_stored_svg_is_not_shown(admin_client):
    Crest.objects.filter(school=1).update(image=make_svg())

    page = admin_client.get("/admin/school/school/1/change/").content.decode()

    assert "data:image" not in page


@pytest.mark.django_db
def test_migration_converts_stored_svgs_and_names_the_others(network, capsys):
    migration = import_module("school.migrations.0006_crests_as_png")
    stored = dict(Crest.objects.exclude(school=1).values_list("pk", "image"))
    Crest.objects.filter(school=1).update(image=make_svg())
    Crest.objects.filter(school=2).update(image=b"<svg")
    Crest.objects.filter(network=1).update(image=make_svg(GRADIENT))

    migration.convert_svgs(apps, None)

    crest_of = Crest.objects.get
    assert bytes(crest_of(school=1).image) == conversion.convert_crest(make_svg())
    assert bytes(crest_of(network=1).image) == conversion.convert_crest(
        make_svg(GRADIENT)
    )
    assert bytes(crest_of(school=2).image) == b"<svg"
    output = capsys.readouterr().out
    assert "The crest of school 2 cannot be converted to PNG" in output
    assert output.count("cannot be converted") == 1
    unchanged = Crest.objects.filter(pk__in=stored).exclude(school=2).exclude(network=1)
    assert all(bytes(crest.image) == bytes(stored[crest.pk]) for crest in unchanged)
