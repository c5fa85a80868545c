"""PDF/UA-1 conformance of reports, checked with the pdfua library."""

import io
from dataclasses import replace

import pdfua
import pytest
from pypdf import PdfReader, PdfWriter

from school.models import Crest, School
from tasks import artifacts
from tasks.rendering.pdf import layout as pdf_layout
from tasks.reporting import registry
from tests.support.crest_images import make_png
from tests.support.task_factories import run_task
from tests.tasks.rendering.pdf.test_pdf import (
    CARD_LAYOUT,
    LETTERHEAD,
    make_table,
    sample_rows,
    walk_tags,
)

KINDS = [
    kind
    for kind, report in registry.report_classes().items()
    if report.__module__.startswith("tasks.reports.") and "pdf" in report.formats
]
UNCHECKED_RULES = {"UA-14-001"}
"""Rules skipped because they fail in pdfua 0.1.3 with pikepdf 10 (empty headings)."""


def validate_pdf(path, content: bytes) -> list[str]:
    """Return the findings of pdfua, and of our own check for empty headings."""
    path.write_bytes(content)
    report = pdfua.validate(str(path))
    skipped_rules = {one.rule_id for one in report.outcomes if one.skipped_reason}
    assert skipped_rules <= UNCHECKED_RULES
    assert len(report.outcomes) - len(skipped_rules) >= 11
    tags = list(
        walk_tags(PdfReader(io.BytesIO(content)).root_object["/StructTreeRoot"])
    )
    headings = [tag for tag in tags if tag["/S"] == "/H1"]
    empty = [f"empty {tag['/S']}" for tag in headings if not len(tag["/K"])]
    assert headings
    return [finding.message for finding in report.findings] + empty


@pytest.mark.django_db
@pytest.mark.one_database("tagging a page does not use the database")
@pytest.mark.parametrize(
    "language",
    [
        "pt-BR",
        pytest.param("en", marks=pytest.mark.deep("the same tags with other texts")),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_no_pdf_ua_findings(admin, tmp_path, kind, language):
    parameters = dict(registry.get_report_class(kind).example)

    task = run_task(admin, parameters, kind=kind, format="pdf", language=language)

    assert (task.state, task.error) == ("succeeded", None)
    assert Crest.objects.filter(school=School.objects.get(classes=1)).exists()
    assert (
        validate_pdf(tmp_path / "a.pdf", artifacts.read_artifact(task.artifact)) == []
    )


def render_pdf(table) -> bytes:
    file = io.BytesIO()
    registry.format_classes()["pdf"]().write_table(table, file)
    return file.getvalue()


@pytest.mark.parametrize("layout", [CARD_LAYOUT, {"heading": ("student",)}, {}])
@pytest.mark.parametrize("chart", [(), ("mean",)])
def test_merged_pdf_has_no_pdf_ua_findings(tmp_path, monkeypatch, layout, chart):
    monkeypatch.setattr(pdf_layout, "PAGES_PER_DOCUMENT", 2)

    content = render_pdf(
        make_table(sample_rows(students=9, subjects=30), **layout, chart=chart)
    )

    assert len(PdfReader(io.BytesIO(content)).pages) >= 5
    assert validate_pdf(tmp_path / "a.pdf", content) == []


def test_png_crest_and_empty_table_have_no_findings(tmp_path):
    letterhead = replace(LETTERHEAD, load_crest=make_png)

    assert (
        validate_pdf(
            tmp_path / "a.pdf",
            render_pdf(replace(make_table(sample_rows()), letterhead=letterhead)),
        )
        == []
    )
    assert validate_pdf(tmp_path / "b.pdf", render_pdf(make_table([]))) == []  # fmt: skip


@pytest.mark.parametrize(
    "entry", ["/Lang", "/MarkInfo", "/Metadata", "/ViewerPreferences"]
)
def test_validator_reports_missing_entry(tmp_path, entry):
    writer = PdfWriter(
        clone_from=io.BytesIO(render_pdf(make_table(sample_rows(), chart=("mean",))))
    )
    del writer.root_object[entry]
    file = io.BytesIO()
    writer.write(file)

    assert len(validate_pdf(tmp_path / "a.pdf", file.getvalue())) == 1


def test_validator_reports_chart_without_alt_text(tmp_path):
    writer = PdfWriter(
        clone_from=io.BytesIO(render_pdf(make_table(sample_rows(), chart=("mean",))))
    )
    for tag in walk_tags(writer.root_object["/StructTreeRoot"]):
        tag.pop("/Alt", None)
    file = io.BytesIO()
    writer.write(file)

    assert "Figure" in validate_pdf(tmp_path / "a.pdf", file.getvalue())[0]
