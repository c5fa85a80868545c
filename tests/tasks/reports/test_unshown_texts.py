"""Texts that the fonts of the PDFs cannot show, in reports of every kind."""

import io
import zipfile

import pytest
from pypdf import PdfReader

from school import models as m
from tasks import artifacts
from tasks.reporting import registry
from tasks.reporting.unshown_texts import MAX_EXAMPLE_LENGTH, MAX_EXAMPLES
from tasks.status import document
from tests.support.task_factories import run_task
from tests.tasks.rendering.pdf.test_glyphs import NOTES, has_boxes

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("signs are looked for in rows, alike on both databases"),
]
KIND_FORMATS = [
    pytest.param(kind, format, marks=pytest.mark.deep("a ZIP of many files"))
    if (kind, format) == ("transcript", "zip")
    else (kind, format)
    for kind, report in registry.report_classes().items()
    for format in report.formats
    if report.__module__.startswith("tasks.reports.") and format in {"pdf", "zip"}
]


def skipped_signs(task):
    """Return the reason of the texts with signs that the fonts lack; None if there is none."""
    reasons = {reason["code"]: reason for reason in task.result["skipped"]["reasons"]}
    return reasons.get("signs_not_in_fonts")


def read_papers(task):
    content = io.BytesIO(artifacts.read_artifact(task.artifact))
    if task.format == "pdf":
        return [PdfReader(content)]
    archive = zipfile.ZipFile(content)
    return [PdfReader(io.BytesIO(archive.read(name))) for name in archive.namelist()]


@pytest.fixture
def foreign_names(network):
    """Names that no font of ours has, of every record that a paper names."""
    for model in (
        m.Student,
        m.School,
        m.SchoolClass,
        m.Subject,
        m.Network,
        m.GradeLevel,
    ):
        for record in model.objects.all():
            record.name = f"日本 {record.pk}"
            record.save()
    m.Student.objects.update(social_name="")
    m.User.objects.filter(username="admin").update(first_name="さくら")


@pytest.mark.guarantee(
    "A sign that the fonts lack is said, on paper and in the result."
)
@pytest.mark.parametrize(
    "language",
    ["pt-BR", pytest.param("en", marks=pytest.mark.deep("the same with other texts"))],
)
@pytest.mark.parametrize(("kind", "format"), KIND_FORMATS)
def test_every_kind_says_which_texts_it_cannot_show(
    foreign_names, admin, kind, format, language
):
    example = dict(registry.get_report_class(kind).example)

    task = run_task(admin, example, kind=kind, format=format, language=language)

    reason = skipped_signs(task)
    assert reason["count"] >= len(reason["examples"]) > 1
    assert all("日本" in text or text == "さくら" for text in reason["examples"])
    assert task.result["skipped"]["total"] >= reason["count"]
    papers = read_papers(task)
    assert any(map(has_boxes, papers))
    for paper in papers:
        text = "".join(page.extract_text() for page in paper.pages)
        assert (NOTES[language.lower()] in text) == has_boxes(paper)
    last_words = " ".join(papers[-1].pages[-1].extract_text().split())
    assert f"({reason['count']})" in last_words


@pytest.mark.deep("each kind once more; the tests of the typeset signs show the same")
@pytest.mark.parametrize(("kind", "format"), KIND_FORMATS)
def test_no_kind_mentions_signs_that_the_fonts_have(network, admin, kind, format):
    example = dict(registry.get_report_class(kind).example)

    task = run_task(admin, example, kind=kind, format=format)

    assert skipped_signs(task) is None
    assert not any(map(has_boxes, read_papers(task)))


@pytest.mark.guarantee(
    "A sign that the fonts lack is said, on paper and in the result."
)
def test_one_name_is_counted_once_and_named(network, teacher):
    student = m.Enrolment.objects.filter(school_class=1).first().student
    student.name, student.social_name = "田中 さくら", ""
    student.save()

    task = run_task(teacher, {"class_id": 1}, kind="report_card", format="pdf")

    reason = skipped_signs(task)
    assert (reason["count"], reason["examples"]) == (1, ["田中 さくら"])
    with_note = [
        NOTES["pt-br"] in page.extract_text() for page in read_papers(task)[0].pages
    ]
    assert with_note.count(True) == 1


def test_names_out_of_reach_are_not_named(network, teacher):
    """The teacher sees the classes 1 and 2 alone."""
    inside = m.Student.objects.filter(enrolments__school_class__in=(1, 2))
    m.Student.objects.exclude(pk__in=inside.values("pk")).update(
        name="田中", social_name=""
    )

    task = run_task(teacher, {"year": 2026}, kind="report_card", format="pdf")

    assert task.result["rows"] > 0
    assert skipped_signs(task) is None


@pytest.mark.parametrize("format", ["json", "csv", "csv-br", "xlsx"])
def test_formats_that_show_every_sign_mention_none(foreign_names, admin, format):
    task = run_task(admin, {"class_id": 1}, format=format)

    assert skipped_signs(task) is None


@pytest.mark.guarantee("A poll document stays small.")
def test_examples_are_few_and_short(foreign_names, admin):
    for number, student in enumerate(m.Student.objects.all()):
        student.name = f"{number} " + "日" * 110
        student.save()

    task = run_task(admin, {"year": 2026}, kind="final_results", format="pdf")

    reason = skipped_signs(task)
    assert reason["count"] > MAX_EXAMPLES == len(reason["examples"])
    assert max(map(len, reason["examples"])) <= MAX_EXAMPLE_LENGTH
    body = document.serialize_document(document.build_document(task))
    assert len(body) < 10_000
