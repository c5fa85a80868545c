"""Columns of results: a client without words of its own can show every cell to people."""

import io
import json
import re

import pytest
from pypdf import PdfReader

from school.grading.labels import REASON_LABELS
from school.grading.outcome import ReasonCode
from school.models import Enrolment, SchoolClass
from tasks import artifacts
from tasks.rendering.columns import COLUMN_TYPES
from tasks.reporting.export_fields import LABELS
from tasks.reporting.export_tables import EXPORTS
from tests.support.result_readers import read_result
from tests.support.task_factories import read_rows, run_task
from tests.tasks.reports.figures.expected import EXPECTED

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("columns and labels do not depend on the database"),
]

KIND_PARAMETERS = [
    *((kind, {"year": year}) for kind in EXPECTED if kind != "data_export" for year in (2025, 2026)),
    *(("data_export", {"table": table}) for table in EXPORTS),
]  # fmt: skip
TEXT_COLUMNS = {"code", "explanation", "nationality"}
"""Columns with texts in small letters that are no codes of the service, but sentences or as
recorded: a network's own codes have the record's name beside them."""
NUMERIC = ("integer", "identifier")
NO_QUANTITY = re.compile(r"(.*_)?(id|year|term|number|order)")
"""Names of columns whose numbers nobody adds up."""
CODES = re.compile(r"[a-z]+(_[a-z]+)*( [a-z]+(_[a-z]+)*)*")
"""Codes of the service, one or several; texts for people begin with a capital or a number."""


@pytest.fixture
def administrator(edge_network):
    return edge_network.viewers["administrator"]


def run_kind(viewer, kind, parameters, **options):
    task = run_task(viewer, parameters, kind=kind, **options)
    assert task.state == "succeeded", task.error
    return task


def label_cell(column, cell):
    """Return the text of a cell as a client shows it that knows the columns only."""
    if isinstance(cell, bool):
        return column["labels"][json.dumps(cell)]
    if not column["labels"] or not cell:
        return cell
    return ", ".join(column["labels"][code] for code in cell.split(" "))


@pytest.mark.parametrize("language", ["pt-BR", "en"])
@pytest.mark.parametrize(("kind", "parameters"), KIND_PARAMETERS)
def test_columns_of_json_result_label_every_code(
    administrator, kind, parameters, language
):
    task = run_kind(administrator, kind, parameters, language=language)
    columns = {column["name"]: column for column in task.result["columns"]}

    assert {column["type"] for column in columns.values()} <= set(COLUMN_TYPES)
    assert all(column["title"] for column in columns.values())
    for row in read_rows(task):
        assert row.keys() == columns.keys()
        for name, cell in row.items():
            label = label_cell(columns[name], cell)
            is_code = isinstance(label, str) and CODES.fullmatch(label)
            assert not is_code or name in TEXT_COLUMNS, (name, cell)
            # A code that this test did not recognise could lack its label.
            has_codes = columns[name]["type"] == "text" and columns[name]["labels"]
            assert not (has_codes and cell) or CODES.fullmatch(cell), (name, cell)


@pytest.mark.parametrize(("kind", "parameters"), KIND_PARAMETERS)
def test_only_quantities_are_integers(administrator, kind, parameters):
    """Show a year with its digits grouped, and it is 2.026."""
    columns = run_kind(administrator, kind, parameters).result["columns"]

    numbers = {c["name"]: c["type"] for c in columns if c["type"] in NUMERIC}
    assert numbers, "each kind has numbers"
    for name, type in numbers.items():
        assert (type == "identifier") == bool(NO_QUANTITY.fullmatch(name)), name


def test_columns_have_texts_in_language_of_task(administrator):
    columns = {
        language: run_kind(
            administrator, "data_export", {"table": "enrolments"}, language=language
        ).result["columns"]
        for language in ("pt-BR", "en")
    }

    picked = {
        language: {c["name"]: (c["title"], c["labels"]) for c in described}
        for language, described in columns.items()
    }
    assert picked["en"]["student"] == ("Student", {})
    assert picked["pt-BR"]["student"] == ("Aluno", {})
    assert picked["en"]["retained_by_council"][1] == {"true": "Yes", "false": "No"}
    assert picked["pt-BR"]["retained_by_council"][1] == {"true": "Sim", "false": "Não"}
    assert picked["en"]["ending"][1]["abandoned"] == "Abandoned school"
    assert picked["pt-BR"]["ending"][1]["abandoned"] == "Abandono"


def test_columns_of_subjects_are_named_by_subjects(administrator, edge_network):
    task = run_kind(administrator, "final_results", {"year": 2026})

    titles = {
        column["name"]: column["title"]
        for column in task.result["columns"]
        if column["name"].startswith("subject_")
    }
    assert titles == {
        f"subject_{subject.code}": subject.name
        for subject in edge_network.subjects.values()
    }


def test_codes_have_a_label_and_no_space():
    codes = [
        (ReasonCode, REASON_LABELS),
        (Enrolment.Ending.values, LABELS["ending"]),
        (SchoolClass.Kind.values, LABELS["kind"]),
        (SchoolClass.Shift.values, LABELS["shift"]),
    ]

    for values, labels in codes:
        assert set(values) == set(labels)
        assert not any(" " in code for code in labels)


@pytest.mark.parametrize("kind", EXPECTED)
def test_files_have_columns_of_their_audience(administrator, kind):
    parameters = {"year": 2026, **EXPECTED[kind].required_parameters}
    columns = run_kind(administrator, kind, parameters).result["columns"]
    names = [column["name"] for column in columns]
    titles = [column["title"] for column in columns if column["for"] == "people"]

    for format, header in (("csv", names), ("csv-br", titles), ("xlsx", titles)):
        task = run_kind(administrator, kind, parameters, format=format)

        content = artifacts.read_artifact(task.artifact)
        assert read_result(format, content)[0] == header
        is_for_people = format != "csv"
        assert task.result.get("columns") == (None if is_for_people else columns)


def test_paper_leaves_out_columns_for_programs(administrator):
    parameters = {"year": 2026}
    columns = run_kind(administrator, "class_performance", parameters).result["columns"]

    task = run_kind(administrator, "class_performance", parameters, format="pdf")

    content = artifacts.read_artifact(task.artifact)
    text = PdfReader(io.BytesIO(content)).pages[0].extract_text()
    is_on_paper = {c["name"]: c["title"] in text for c in columns}
    assert is_on_paper["mean"]
    assert not is_on_paper["class_id"]
    assert not is_on_paper["school_id"]
