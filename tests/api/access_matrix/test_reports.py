"""Access matrix of the reports: every kind, requested by every user for every object.

Three things decide the outcome. Each has its own rows here:

- The user and the object. `tasks.reporting.parameters` checks both independently of the
  kind, so one kind that every role may request (`report_card`) has a row for every object
  and a cell for every user.
- The code that reads the records. The kinds that go through `school/records` differ by
  their reach only; each has the rows in `outcome_tables.SAMPLE`, which detect a reach that
  is too wide: everything the user sees, a class, a school, and students who moved.
  `class_performance` and `data_export` use their own SQL and have their own outcome tables
  in `tests/tasks/reports/figures/expected`; an export has a row for each of its tables.
- The role. A user outside the allowed roles of a kind is refused in every row of that kind.

A sample needs one user per role: a superuser sees everything, `teacher` sees the classes
of `colleague` and one more, and `neighbour` is staff like `stranger`. `test_report_reach`
covers students who moved, for every kind and both of their schools.
"""

import json
import uuid

import pytest

from tasks.models import Task
from tasks.reporting.export_tables import EXPORTS
from tasks.worker.tasks import generate_report
from tests.api.access_matrix.actions import comparable_response, outcome_of
from tests.api.access_matrix.expected_access import (
    EXPECTED_ACCESS,
    ROLES,
    expected_enrolments,
)
from tests.api.access_matrix.outcome_tables import OBJECTS, sample_outcomes
from tests.support.oracle.selection import Dataset, Selection
from tests.support.oracle.visibility import select_enrolments
from tests.tasks.reports.figures.expected import ALLOWED_ROLES, EXPECTED
from tests.tasks.reports.figures.expected.base import KeyedRows

pytestmark = pytest.mark.django_db

OUTCOME_TABLES = {
    kind: expected.outcomes or sample_outcomes(ALLOWED_ROLES[kind])
    for kind, expected in EXPECTED.items()
}
"""Expected outcome by kind, row and user."""
EACH_KIND = [
    kind
    if EXPECTED[kind].has_own_sql
    else pytest.param(
        kind, marks=pytest.mark.deep_on_postgresql("see `ExpectedReport.has_own_sql`")
    )
    for kind in OUTCOME_TABLES
]
MISSING_ID = 999
ACCEPTED_OUTCOMES = {"made", "bare"}
REFUSED_OUTCOMES = {"both", "class_id", "school_id", "student_id"}


def select_cells(kind, outcomes):
    """Return row, user and cell of each cell of the kind that has one of the outcomes."""
    return [
        (row, name, cell)
        for row, cells in OUTCOME_TABLES[kind].items()
        for name, cell in cells.items()
        if cell in outcomes
    ]


def parse_parameters(row):
    pairs = (part.split("=") for part in row.split(",") if "=" in part)
    return {name: int(value) if value.isdigit() else value for name, value in pairs}


def whole_rows(kind):
    """Return the expectation of a kind without a simpler one: all of its rows in order."""
    expected = EXPECTED[kind]

    def rows_of_user(name, parameters):
        dataset, visible_enrolments = Dataset(), set(expected_enrolments(name, {}))
        visible = [e for e in dataset.enrolments if e in visible_enrolments]
        selected = select_enrolments(visible, parameters)
        return expected.rows(Selection(dataset, visible, selected, parameters))

    return KeyedRows(rows_of_user, expected.drop_texts)


def submit(client, kind, parameters):
    return client.post_json("/reports", {"report": kind, "parameters": parameters})


def test_outcome_tables_are_complete():
    cells = [
        c
        for rows in OUTCOME_TABLES.values()
        for row in rows.values()
        for c in row.values()
    ]

    assert set(cells) == ACCEPTED_OUTCOMES | REFUSED_OUTCOMES
    assert ALLOWED_ROLES["report_card"] == set(ROLES.values())
    assert all(set(row) == set(EXPECTED_ACCESS) for row in OBJECTS.values())
    for kind, rows in OUTCOME_TABLES.items():
        for row in rows.values():
            assert {ROLES[name] for name in row} == ALLOWED_ROLES[kind]


def test_export_outcomes_contain_every_table():
    rows = (parse_parameters(row) for row in OUTCOME_TABLES["data_export"])

    assert {row["table"] for row in rows} == set(EXPORTS)


@pytest.mark.guarantee("A report shows what its viewer may see and nothing else.")
@pytest.mark.parametrize("kind", EACH_KIND)
def test_report_shows_exactly_what_its_viewer_may_see(users, clients, kind):
    keyed_rows = EXPECTED[kind].keyed_rows or whole_rows(kind)

    for row, name, cell in select_cells(kind, ACCEPTED_OUTCOMES):
        parameters = parse_parameters(row)
        accepted = submit(clients[name], kind, parameters)
        assert outcome_of(accepted) == "202", (row, name)
        generate_report(accepted.json()["task_id"])
        rows = b"".join(clients[name].get(accepted.json()["links"]["result"]))
        actual = keyed_rows.actual(json.loads(rows))
        assert actual == keyed_rows.expected(name, parameters), (row, name)
        assert bool(actual) == (cell == "made"), (row, name)


@pytest.mark.guarantee(
    "A parameter with a record that the viewer may not see is refused like a missing record."
)
@pytest.mark.parametrize("kind", OUTCOME_TABLES)
def test_parameter_of_invisible_record_equals_missing_record(users, clients, kind):
    for row, name, cell in select_cells(kind, REFUSED_OUTCOMES):
        parameters = parse_parameters(row)
        refused = submit(clients[name], kind, parameters)
        id_parameters = [key for key in parameters if key.endswith("_id")]
        refused_parameters = sorted(id_parameters) if cell == "both" else [cell]
        missing_parameters = {
            **parameters,
            **dict.fromkeys(refused_parameters, MISSING_ID),
        }
        pointers = [error["pointer"] for error in refused.json()["errors"]]
        expected_pointers = [f"/parameters/{key}" for key in refused_parameters]
        assert sorted(pointers) == expected_pointers, (row, name)
        response_to_missing = comparable_response(
            submit(clients[name], kind, missing_parameters), uuid.uuid4()
        )
        assert comparable_response(refused, uuid.uuid4()) == response_to_missing, (
            row,
            name,
        )

    assert not Task.objects.exists()


@pytest.mark.parametrize("name", EXPECTED_ACCESS)
def test_catalogue_lists_kinds_of_the_role(users, clients, name):
    client = clients[name]
    offered = {
        kind for kind, audience in ALLOWED_ROLES.items() if ROLES[name] in audience
    }

    kinds = {entry["report"] for entry in client.get("/reports").json()["results"]}

    assert kinds & set(ALLOWED_ROLES) == offered
    for kind in ALLOWED_ROLES:
        entry, missing = client.get(f"/reports/{kind}"), client.get("/reports/none")
        assert outcome_of(entry) == ("200" if kind in offered else "not_found")
        if kind not in offered:
            assert entry.json()["detail"] == missing.json()["detail"]


@pytest.mark.parametrize("kind", OUTCOME_TABLES)
def test_kind_for_role_outside_its_audience_is_refused(users, clients, kind):
    outsiders = [
        name for name in EXPECTED_ACCESS if ROLES[name] not in ALLOWED_ROLES[kind]
    ]

    for row in OUTCOME_TABLES[kind]:
        for name in outsiders:
            refused = submit(clients[name], kind, parse_parameters(row))
            assert outcome_of(refused) == "not_for_your_role", (row, name)

    assert not Task.objects.exists()
