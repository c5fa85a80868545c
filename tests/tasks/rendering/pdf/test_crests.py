"""Crests on papers: the right one, read by who draws it alone, and never worth a report."""

import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader
from structlog.testing import capture_logs

from school.models import Crest
from tasks import artifacts
from tasks.rendering.columns import Column
from tasks.rendering.pdf import layout as pdf_layout
from tasks.rendering.table import Layout, Letterhead, Table
from tasks.reporting import registry
from tests.school.crests.test_crests import make_png
from tests.support.task_factories import run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("a crest is drawn once its bytes are read"),
]

RED = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9" fill="#ff0000"/></svg>'
BLUE = RED.replace("#ff0000", "#0000ff")
FILLS = {RED: b"1 0 0 sc", BLUE: b"0 0 1 sc"}


@pytest.fixture(autouse=True)
def crests(network):
    """School 1 has a red one, the network a blue one."""
    Crest.objects.all().delete()
    Crest.objects.create(school_id=1, image=RED.encode())
    Crest.objects.create(network_id=1, image=BLUE.encode())


def first_page_content(task) -> bytes:
    assert task.state == "succeeded", task.error
    reader = PdfReader(io.BytesIO(artifacts.read_artifact(task.artifact)))
    return reader.pages[0].get_contents().get_data()


@pytest.mark.parametrize(
    ("parameters", "crest"),
    [({"class_id": 1}, RED), ({"school_id": 2}, BLUE), ({}, BLUE)],
    ids=["its own", "a school without one", "several schools"],
)
def test_paper_has_the_crest_of_its_school(admin, parameters, crest):
    page = first_page_content(run_task(admin, parameters, format="pdf"))

    assert {image for image, fill in FILLS.items() if fill in page} == {crest}


@pytest.mark.parametrize("format", registry.format_classes())
def test_crest_is_read_where_it_is_drawn_alone(admin, format):
    kind = "report_card" if format == "zip" else "class_performance"

    with CaptureQueriesContext(connection) as queries:
        run_task(admin, kind=kind, format=format)

    read = [query for query in queries if "school_crest" in query["sql"]]
    assert len(read) == (format in {"pdf", "zip"})


@pytest.mark.guarantee("A crest that cannot be drawn does not fail a report.")
@pytest.mark.parametrize("broken", [b"\x89PNG\r\n\x1a\n\0", b"<svg", b"\0" * 99])
def test_crest_that_cannot_be_drawn_costs_no_report(admin, broken):
    Crest.objects.filter(school=1).update(image=broken)

    with capture_logs() as logs:
        page = first_page_content(run_task(admin, format="pdf"))

    told = [log["stderr"] for log in logs if log["event"] == "typesetter_stderr"]
    assert len(told) == 1
    assert "the crest was left out" in told[0]
    assert not any(fill in page for fill in FILLS.values())


def render_page(crest: bytes) -> bytes:
    letterhead = Letterhead(network="Rede", load_crest=lambda: crest)
    file = io.BytesIO()
    table = Table("T", [Column("a", "A")], iter([("x",)]), letterhead)
    registry.format_classes()["pdf"]().write_table(table, file)
    return PdfReader(file).pages[0].get_contents().get_data()


def test_paper_whose_crest_is_left_out_is_as_one_that_has_none():
    assert render_page(b"broken") == render_page(b"") != render_page(RED.encode())


def test_picture_is_once_in_a_file_bound_of_many(monkeypatch):
    monkeypatch.setattr(pdf_layout, "PAGES_PER_DOCUMENT", 2)
    about = Letterhead(network="Rede", load_crest=make_png)
    layout = Layout(heading=("a",), page_per_section=True)
    rows = iter([(f"{n}", "x") for n in range(9)])
    file = io.BytesIO()

    registry.format_classes()["pdf"]().write_table(
        Table("T", [Column("a", "A"), Column("b", "B")], rows, about, layout), file
    )

    pages = PdfReader(file, strict=True).pages
    [drawn] = {page["/Resources"]["/XObject"].raw_get("/x0").idnum for page in pages}
    assert len(pages) == 9
    assert {page["/Resources"]["/XObject"]["/x0"]["/Width"] for page in pages} == {100}
    # With its mask.
    assert file.getvalue().count(b"/Subtype/Image") == 2


def test_crest_need_not_be_read_out():
    before, _crest, _after = render_page(RED.encode()).partition(FILLS[RED])

    assert before.rfind(b"/Artifact") > before.rfind(b"EMC")
