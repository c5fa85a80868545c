"""Crests: what is taken for one, whose it is, and how it comes in by the admin."""

import struct
import zlib

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.utils import translation

from school.crests import sandbox, validation
from school.demo import crests
from school.models import Crest, Network, School

MAX_BYTES = validation.MAX_BYTES


def make_png(width=100, height=100) -> bytes:
    rows = (b"\0" + b"\x1f\x3a\x5f\xff" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )  # fmt: skip


def make_svg(
    inside='<rect width="3" height="3"/>', size='viewBox="0 0 9 9"', before=""
):
    space = 'xmlns="http://www.w3.org/2000/svg" xmlns:l="http://www.w3.org/1999/xlink"'
    return f"{before}<svg {space} {size}>{inside}</svg>".encode()


PUBLIC = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/x.dtd">'
GRADIENT = (
    '<style>.a{fill:url(#g)}</style><linearGradient id="g"><stop stop-color="red"/>'
    '</linearGradient><rect class="a" width="9" height="9"/>'
)


@pytest.mark.parametrize(
    "image",
    [
        make_png(),
        make_png(48, 190),
        make_png(2000, 501),
        make_svg(),
        make_svg(size='width="10mm" height="40mm"'),
        make_svg(size='width="100%" height="100%" viewBox="0,0,9,9"'),
        make_svg(GRADIENT),
        make_svg('<g id="a"><path d="M0 0h9"/></g><use l:href="#a"/>', before=PUBLIC),
        make_svg('<x:view xmlns:x="http://inkscape.example"/>'),
        *map(crests.draw_crest, range(12)),
    ],
)
def test_png_and_svg_within_the_bounds_are_taken(image):
    validation.validate_crest(image)


NESTED_USE = (
    '<g id="a"><rect width="1" height="1"/></g>'
    '<g id="b"><use l:href="#a"/><use l:href="#a"/></g><use l:href="#b"/>'
)
REFUSED_FILES = {
    "larger than": [make_png() + bytes(MAX_BYTES), make_svg() + b" " * MAX_BYTES],
    "2001 × 600 pixels": [make_png(2001, 600)],
    "40 × 40 pixels": [make_png(40, 40)],
    "too long": [make_png(48, 193), make_svg(size='viewBox="0 0 9 37"')],
    "neither a PNG nor an SVG": [
        b"", b"\xff\xd8\xff\xe0JFIF", b"GIF89a", b"%PDF-1.7", make_svg()[:-3], b"<svg/>", b"<html/>",
        make_svg("&bomb;"),
    ],
    "broken": [make_png()[:-40], make_png()[:50] + b"x" + make_png()[51:]],
    "how large it is": [
        make_svg(size=""), make_svg(size='width="0" height="1"'), make_svg(size='viewBox="0 0 x 9"'),
        make_svg(size='width="1e999" height="1"'), make_svg(size='width="50%" height="50%"'),
    ],
    "a script": [make_svg('<rect onclick="x()"/>'), make_svg('<g ONLOAD="x()"/>')],
    "<script>": [make_svg("<script>x()</script>")],
    "<text>": [make_svg("<text>Escola</text>")],
    "<image>": [make_svg('<image href="x.png"/>')],
    "<foreignObject>": [make_svg("<foreignObject/>")],
    "<animate>": [make_svg("<animate/>")],
    "from elsewhere": [
        make_svg('<use l:href="http://x.example/a.svg#a"/>'),
        make_svg('<use href="data:image/svg+xml,x"/>'),
        make_svg('<rect fill="url(http://x.example/a)"/>'),
        make_svg("""<rect style="fill:URL( 'x.svg#a')"/>"""),
        make_svg(r'<rect style="fill:u\72l(x)"/>'),
        make_svg("<style>@import 'x.css';</style>"),
        make_svg("<style>.a{fill:url(x.svg)}</style>"),
        make_svg("<style>" + " " * 9000 + "@font-face{}</style>"),
        make_svg(before='<?xml-stylesheet href="x.css"?>'),
    ],
    "entities": [make_svg("&a;", before='<!DOCTYPE svg [<!ENTITY a "b">]>')],
    "show other parts again": [
        make_svg(NESTED_USE), make_svg('<g id="a"><use l:href="#a"/></g>'),
        make_svg('<g id="a"/>' + '<use l:href="#a"/>' * 61),
    ],
    "too many parts": [make_svg("<g>" * 41 + "</g>" * 41), make_svg("<g/>" * 5001)],
    "too much detail": [
        make_svg("".join(f'<path d="M0 {n}L9 {n**3 % 9973}V{n**5 % 9967}z"/>' for n in range(4900)))
    ],
}  # fmt: skip


@pytest.mark.guarantee("A crest runs no script and loads no address.")
@pytest.mark.parametrize(
    ("words", "image"),
    [(words, image) for words, images in REFUSED_FILES.items() for image in images],
)
def test_what_is_no_crest_is_refused_in_words(words, image):
    with translation.override("en"), pytest.raises(ValidationError) as refused:
        validation.validate_crest(image)

    assert words in refused.value.messages[0]


def test_picture_that_takes_too_long_is_refused(monkeypatch, tmp_path):
    sleeper = tmp_path / "draw.py"
    sleeper.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(sandbox, "CHILD_SCRIPT", sleeper)
    monkeypatch.setattr(sandbox, "TIMEOUT_SECONDS", 0.3)

    with translation.override("en"), pytest.raises(ValidationError, match="too long"):
        validation.validate_crest(make_png())


@pytest.mark.django_db
def test_crest_is_the_school_s_own_or_else_its_network_s(network):
    schools = list(School.objects.order_by("pk"))
    own = bytes(Crest.objects.get(school=1).image)
    of_network = bytes(Crest.objects.get(network=1).image)

    assert not Crest.objects.filter(school=schools[-1]).exists()
    assert Crest.image_for(schools[:1]) == own != of_network
    assert Crest.image_for(schools[-1:]) == Crest.image_for(schools[:2]) == of_network
    Crest.objects.all().delete()
    assert Crest.image_for(schools[:1]) == Crest.image_for([]) == b""


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"school_id": 3, "network_id": 1},
        {},
        {"school_id": 3, "image": bytes(MAX_BYTES + 1)},
        {"school_id": 1},
    ],
)
def test_database_keeps_crests_bounded_and_one_for_each(network, wrong):
    with pytest.raises(DatabaseError), transaction.atomic():
        Crest.objects.create(**{"image": b"x", **wrong})


@pytest.fixture
def admin_client(client, admin):
    client.force_login(admin)
    return client


def save_page(admin_client, record, content=None, **fields):
    """Save the school's or network's page, with a file chosen or not."""
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
@pytest.mark.parametrize("held", [True, False])
def test_chosen_file_is_the_school_s_crest_and_shown(admin_client, image, held):
    school = School.objects.get(pk=1 if held else 3)

    assert save_page(admin_client, school, image).status_code == 302

    assert bytes(Crest.objects.get(school=school).image) == image
    page = admin_client.get(
        f"/admin/school/school/{school.pk}/change/"
    ).content.decode()
    assert f'<img alt="" height="64" src="data:{validation.media_type(image)}' in page


@pytest.mark.django_db
def test_saving_without_a_file_leaves_the_crest_as_it_is(admin_client):
    network, before = Network.objects.get(), Crest.objects.get(network=1).image

    assert save_page(admin_client, network).status_code == 302

    assert Crest.objects.get(network=1).image == before


@pytest.mark.django_db
def test_crest_is_taken_away(admin_client):
    assert save_page(admin_client, Network.objects.get(), **{"crest-0-DELETE": "on"})

    assert not Crest.objects.filter(network=1).exists()


@pytest.mark.django_db
def test_broken_file_is_told_on_the_page_and_nothing_is_saved(admin_client):
    before = Crest.objects.get(school=1).image

    page = save_page(
        admin_client, School.objects.get(pk=1), make_png()[:-40], name="Other"
    )

    assert page.status_code == 200
    assert "Está danificado" in page.content.decode()
    assert Crest.objects.get(school=1).image == before
    assert School.objects.get(pk=1).name != "Other"
