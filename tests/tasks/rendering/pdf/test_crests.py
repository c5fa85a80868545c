"""Crests in PDF and ZIP reports: selection, loading and broken images."""

import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pypdf import PageObject, PdfReader
from structlog.testing import capture_logs

from school.models import Crest
from tasks import artifacts
from tasks.rendering.columns import Column
from tasks.rendering.pdf import layout as pdf_layout
from tasks.rendering.table import Layout, Letterhead, Table
from tasks.reporting import registry
from tests.support.crest_images import make_png, make_svg
from tests.support.task_factories import run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("drawing a crest does not use the database"),
]

RED, BLUE = make_png(colour=b"\xff\0\0\xff"), make_png(colour=b"\0\0\xff\xff")
PIXELS = {RED: b"\xff\0\0", BLUE: b"\0\0\xff"}
SVG = make_svg()


@pytest.fixture(autouse=True)
def crests(network):
    """Red crest of school 1 and blue crest of the network."""
    Crest.objects.all().delete()
    Crest.objects.create(school_id=1, image=RED)
    Crest.objects.create(network_id=1, image=BLUE)


def read_first_page(task) -> PageObject:
    assert task.state == "succeeded", task.error
    return PdfReader(io.BytesIO(artifacts.read_artifact(task.artifact))).pages[0]


def first_pixels(page: PageObject) -> list[bytes]:
    """Return the first pixel of each image of the page."""
    images = page["/Resources"].get("/XObject", {})
    return [images[name].get_data()[:3] for name in images]


@pytest.mark.parametrize(
    ("parameters", "crest"),
    [({"class_id": 1}, RED), ({"school_id": 2}, BLUE), ({}, BLUE)],
    ids=["own crest", "school without crest", "several schools"],
)
def test_pdf_shows_crest_of_its_school(admin, parameters, crest):
    page = read_first_page(run_task(admin, parameters, format="pdf"))

    assert first_pixels(page) == [PIXELS[crest]]


@pytest.mark.parametrize("format", registry.format_classes())
def test_crest_is_queried_only_by_formats_that_draw_it(admin, format):
    kind = "report_card" if format == "zip" else "class_performance"

    with CaptureQueriesContext(connection) as queries:
        run_task(admin, kind=kind, format=format)

    crest_queries = [query for query in queries if "school_crest" in query["sql"]]
    assert len(crest_queries) == (format in {"pdf", "zip"})


@pytest.mark.guarantee("A crest that cannot be drawn does not fail a report.")
@pytest.mark.parametrize("broken", [b"\x89PNG\r\n\x1a\n\0", SVG, b"\0" * 99])
def test_broken_crest_is_omitted_and_logged(admin, broken):
    Crest.objects.filter(school=1).update(image=broken)

    with capture_logs() as logs:
        page = read_first_page(run_task(admin, format="pdf"))

    messages = [log["stderr"] for log in logs if log["event"] == "typesetter_stderr"]
    assert len(messages) == 1
    assert "the crest was left out" in messages[0]
    assert first_pixels(page) == []


def render_page(crest: bytes) -> bytes:
    letterhead = Letterhead(network="Rede", load_crest=lambda: crest)
    file = io.BytesIO()
    table = Table("T", [Column("a", "A")], iter([("x",)]), letterhead)
    registry.format_classes()["pdf"]().write_table(table, file)
    return PdfReader(file).pages[0].get_contents().get_data()


def test_pdf_with_broken_crest_equals_pdf_without_crest():
    assert render_page(SVG) == render_page(b"broken") == render_page(b"")
    assert render_page(b"") != render_page(RED)


def test_merged_pdf_embeds_crest_image_once(monkeypatch):
    monkeypatch.setattr(pdf_layout, "PAGES_PER_DOCUMENT", 2)
    letterhead = Letterhead(network="Rede", load_crest=make_png)
    layout = Layout(heading=("a",), page_per_section=True)
    rows = iter([(f"{n}", "x") for n in range(9)])
    file = io.BytesIO()

    registry.format_classes()["pdf"]().write_table(
        Table("T", [Column("a", "A"), Column("b", "B")], rows, letterhead, layout), file
    )

    pages = PdfReader(file, strict=True).pages
    [image_id] = {page["/Resources"]["/XObject"].raw_get("/x0").idnum for page in pages}
    assert len(pages) == 9
    assert {page["/Resources"]["/XObject"]["/x0"]["/Width"] for page in pages} == {100}
    # The image and its mask.
    assert file.getvalue().count(b"/Subtype/Image") == 2


def test_crest_is_tagged_as_artifact():
    before, crest, _after = render_page(RED).partition(b"/x0 Do")

    assert crest
    assert before.rfind(b"/Artifact") > before.rfind(b"EMC")
