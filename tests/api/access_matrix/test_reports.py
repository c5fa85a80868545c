"""Each kind of report, asked for by everybody, about what is theirs and what is not.

Three things decide what somebody gets. Each has its own rows here:

- The person and the object. `tasks.reporting.parameters` checks both before any kind is known
  to run, so one kind, which every role may ask for, has a row for every object and a cell
  for every person: `report_card`.
- The code that reads the records. The kinds that go through `school/records` differ by
  their reach alone; each has the rows in `SAMPLE`, where a reach that is too wide would
  show: all of a person's own, a class, a school, and students who moved. `class_performance`
  and `data_export` write SQL of their own and have tables of their own; an export has a row
  for each of its tables.
- The role. Who is not of a kind's audience is refused in every row of that kind.

A sample needs one person for each role: a superuser sees all there is, `teacher` sees the
classes of `colleague` and one more, and `neighbour` is of the staff as `stranger` is.
`test_reaching` has the students who moved for every kind and both of their schools.
"""

import json
import uuid

import pytest

from tasks.models import Task
from tasks.reporting import registry
from tasks.reporting.export_tables import EXPORTS
from tasks.worker.tasks import generate_report
from tests.api.access_matrix.actions import comparable_response, outcome_of, parse_table
from tests.api.access_matrix.expected_access import (
    ALLOWED_ROLES,
    EXPECTED_ACCESS,
    ROLES,
)
from tests.api.access_matrix.expected_rows import EXPECTED_AND_ACTUAL

pytestmark = pytest.mark.django_db

# `made` is made, with rows; `bare` is made, and has none. A parameter's name is where
# the flaw of a 400 points to; it reads like one for an id that is nobody's. A kind's table
# has no column for those who are not of its audience.
OBJECTS = parse_table("""
                          superuser  administrator secretary  teacher    colleague  guardian   stranger   neighbour
year=2026                 made       made          made       made       made       made       made       made
year=1999                 bare       bare          bare       bare       bare       bare       bare       bare
class_id=1                made       made          made       made       made       made       class_id   class_id
class_id=2                made       made          made       made       class_id   made       class_id   class_id
class_id=3                made       made          class_id   class_id   class_id   class_id   made       class_id
class_id=4                made       made          class_id   class_id   class_id   class_id   class_id   made
class_id=5                made       class_id      class_id   class_id   class_id   class_id   class_id   class_id
class_id=999              class_id   class_id      class_id   class_id   class_id   class_id   class_id   class_id
school_id=1,year=2026     made       made          made       made       made       made       school_id  school_id
school_id=2,year=2026     made       made          school_id  school_id  school_id  school_id  made       school_id
school_id=4,year=2026     made       school_id     school_id  school_id  school_id  school_id  school_id  school_id
school_id=999,year=2026   school_id  school_id     school_id  school_id  school_id  school_id  school_id  school_id
school_id=2,class_id=1    bare       bare          school_id  school_id  school_id  school_id  class_id   both
school_id=3,class_id=3    bare       bare          both       both       both       both       school_id  class_id
student_id=1,year=2026    made       made          made       made       made       made       student_id student_id
student_id=2,year=2026    made       made          made       made       made       student_id student_id student_id
student_id=27,year=2026   made       made          made       made       student_id made       student_id student_id
student_id=17,year=2026   made       made          made       made       made       student_id student_id student_id
student_id=67,year=2026   made       made          student_id student_id student_id student_id made       made
student_id=67,class_id=3  made       made          both       both       both       both       made       class_id
student_id=67,class_id=4  made       made          both       both       both       both       class_id   made
student_id=101,year=2026  made       student_id    student_id student_id student_id student_id student_id student_id
student_id=999,year=2026  student_id student_id    student_id student_id student_id student_id student_id student_id
class_id=1,year=1999      bare       bare          bare       bare       bare       bare       class_id   class_id
student_id=52,year=2026   made       made          student_id student_id student_id student_id made       student_id
student_id=17,class_id=2  made       made          made       made       class_id   student_id both       both
student_id=1,class_id=2   bare       bare          bare       bare       class_id   bare       both       both
student_id=1,year=1999    bare       bare          bare       bare       bare       bare       student_id student_id
""")  # fmt: skip
"""What each person may see of every object, for a kind that every role may ask for."""
SAMPLE = (
    "year=2026", "class_id=2", "school_id=2,year=2026", "student_id=17,year=2026",
    "student_id=67,year=2026", "student_id=67,class_id=3",
)  # fmt: skip
SAMPLED = ("administrator", "secretary", "colleague", "guardian", "stranger")


def sampled(kind):
    """The sample of the rows, for one person of each role of the kind's audience."""
    people = [name for name in SAMPLED if ROLES[name] in ALLOWED_ROLES[kind]]
    return {row: {name: OBJECTS[row][name] for name in people} for row in SAMPLE}


OUTCOME_TABLES = {
    "report_card": OBJECTS,
    "transcript": sampled("transcript"),
    "final_results": sampled("final_results"),
    "attendance_summary": sampled("attendance_summary"),
    # The sample, with students of whom some are at risk, and some were until they moved.
    "at_risk_students": parse_table("""
                          administrator secretary  colleague  stranger
year=2026                 made          made       made       made
class_id=2                made          made       class_id   class_id
school_id=2,year=2026     made          school_id  school_id  made
student_id=17,year=2026   made          made       bare       student_id
student_id=17,class_id=1  bare          bare       bare       both
student_id=54,class_id=3  made          both       both       made
student_id=67,year=2026   bare          student_id student_id bare
student_id=76,year=2026   made          student_id student_id student_id
"""),
    "class_performance": parse_table("""
                        superuser administrator secretary teacher   colleague stranger  neighbour
-                       made      made          made      made      made      made      made
class_id=2              made      made          made      made      class_id  class_id  class_id
class_id=3              made      made          class_id  class_id  class_id  made      class_id
class_id=5              made      class_id      class_id  class_id  class_id  class_id  class_id
school_id=2             made      made          school_id school_id school_id made      school_id
school_id=2,class_id=1  bare      bare          school_id school_id school_id class_id  both
school_id=3,class_id=3  bare      bare          both      both      both      school_id class_id
year=2026,term=2        made      made          made      made      made      made      made
"""),
    "data_export": {
        **parse_table("""
                                     superuser administrator secretary stranger  neighbour
table=grades                         made      made          made      made      made
table=grades,class_id=3              made      made          class_id  made      class_id
table=grades,class_id=5              made      class_id      class_id  class_id  class_id
table=grades,school_id=2             made      made          school_id made      school_id
table=grades,school_id=2,class_id=1  bare      bare          school_id class_id  both
table=grades,school_id=3,class_id=3  bare      bare          both      school_id class_id
table=grades,year=1999               bare      bare          bare      bare      bare
"""),
        **parse_table("""
                                     administrator secretary stranger
table=schools                        made          made      made
table=school_years                   made          made      made
table=terms                          made          made      made
table=grade_levels                   made          made      made
table=subjects                       made          made      made
table=classes                        made          made      made
table=class_subjects                 made          made      made
table=class_days                     made          made      made
table=students                       made          made      made
table=enrolments                     made          made      made
table=recovery_exams                 made          made      made
table=absences                       made          made      made
table=class_days,class_id=3          made          class_id  made
table=students,class_id=3            made          class_id  made
"""),
    },
}  # fmt: skip
"""By kind and row, what each person of its audience is told."""
IN_SHORT = {"transcript", "class_performance", "data_export"}
"""The kinds whose SQL differs most; the others read as `transcript` does."""
EACH_KIND = [
    kind
    if kind in IN_SHORT
    else pytest.param(kind, marks=pytest.mark.deep_on_postgresql("as `IN_SHORT`"))
    for kind in OUTCOME_TABLES
]
MISSING_ID = 999
ACCEPTED_OUTCOMES = {"made", "bare"}
REFUSED_OUTCOMES = {"both", "class_id", "school_id", "student_id"}


def select_cells(kind, outcomes):
    """Each cell of the kind that says one of these: its row, its person and what it says."""
    return [
        (row, name, cell)
        for row, cells in OUTCOME_TABLES[kind].items()
        for name, cell in cells.items()
        if cell in outcomes
    ]


def parse_parameters(row):
    pairs = (part.split("=") for part in row.split(",") if "=" in part)
    return {name: int(value) if value.isdigit() else value for name, value in pairs}


def submit(client, kind, parameters):
    return client.post_json("/reports", {"report": kind, "parameters": parameters})


def test_tables_are_whole():
    cells = [
        c
        for rows in OUTCOME_TABLES.values()
        for row in rows.values()
        for c in row.values()
    ]
    ours = {
        k
        for k, r in registry.report_classes().items()
        if r.__module__.startswith("tasks.")
    }

    assert set(cells) == ACCEPTED_OUTCOMES | REFUSED_OUTCOMES
    assert set(OUTCOME_TABLES) == set(EXPECTED_AND_ACTUAL) == set(ALLOWED_ROLES) == ours
    assert ALLOWED_ROLES["report_card"] == set(ROLES.values())
    assert all(set(row) == set(EXPECTED_ACCESS) for row in OBJECTS.values())
    for kind, rows in OUTCOME_TABLES.items():
        for row in rows.values():
            assert {ROLES[name] for name in row} == ALLOWED_ROLES[kind]


def test_every_table_of_the_export_has_a_row():
    rows = (parse_parameters(row) for row in OUTCOME_TABLES["data_export"])

    assert {row["table"] for row in rows} == set(EXPORTS)


@pytest.mark.guarantee("A report shows what its viewer may see and nothing else.")
@pytest.mark.parametrize("kind", EACH_KIND)
def test_report_shows_what_its_viewer_may_see(users, clients, kind):
    should, does = EXPECTED_AND_ACTUAL[kind]

    for row, name, cell in select_cells(kind, ACCEPTED_OUTCOMES):
        parameters = parse_parameters(row)
        accepted = submit(clients[name], kind, parameters)
        assert outcome_of(accepted) == "202", (row, name)
        generate_report(accepted.json()["task_id"])
        rows = b"".join(clients[name].get(accepted.json()["links"]["result"]))
        shown = does(json.loads(rows))
        assert shown == should(name, parameters), (row, name)
        assert bool(shown) == (cell == "made"), (row, name)


@pytest.mark.guarantee(
    "A parameter that names somebody else's record is refused like one that names none."
)
@pytest.mark.parametrize("kind", OUTCOME_TABLES)
def test_what_is_not_theirs_is_refused_as_what_is_not_there(users, clients, kind):
    for row, name, cell in select_cells(kind, REFUSED_OUTCOMES):
        parameters = parse_parameters(row)
        refused = submit(clients[name], kind, parameters)
        named = [key for key in parameters if key.endswith("_id")]
        pointed = sorted(named) if cell == "both" else [cell]
        nobody_s = {**parameters, **dict.fromkeys(pointed, MISSING_ID)}
        flaws = [flaw["pointer"] for flaw in refused.json()["errors"]]
        wanted = [f"/parameters/{key}" for key in pointed]
        assert sorted(flaws) == wanted, (row, name)
        like = comparable_response(submit(clients[name], kind, nobody_s), uuid.uuid4())
        assert comparable_response(refused, uuid.uuid4()) == like, (row, name)

    assert not Task.objects.exists()


@pytest.mark.parametrize("name", EXPECTED_ACCESS)
def test_catalogue_has_what_is_for_the_role(users, clients, name):
    client = clients[name]
    offered = {
        kind for kind, audience in ALLOWED_ROLES.items() if ROLES[name] in audience
    }

    listed = {entry["report"] for entry in client.get("/reports").json()["results"]}

    assert listed & set(ALLOWED_ROLES) == offered
    for kind in ALLOWED_ROLES:
        entry, none = client.get(f"/reports/{kind}"), client.get("/reports/none")
        assert outcome_of(entry) == ("200" if kind in offered else "not_found")
        if kind not in offered:
            assert entry.json()["detail"] == none.json()["detail"]


@pytest.mark.parametrize("kind", OUTCOME_TABLES)
def test_kind_is_refused_to_whoever_is_not_of_its_audience(users, clients, kind):
    outside = [
        name for name in EXPECTED_ACCESS if ROLES[name] not in ALLOWED_ROLES[kind]
    ]

    for row in OUTCOME_TABLES[kind]:
        for name in outside:
            refused = submit(clients[name], kind, parse_parameters(row))
            assert outcome_of(refused) == "not_for_your_role", (row, name)

    assert not Task.objects.exists()
