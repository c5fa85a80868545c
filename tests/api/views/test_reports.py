import pytest
from jsonschema import Draft202012Validator

from school.models import SchoolClass, SchoolYear
from tasks.models import AccessLogEntry, Task
from tasks.rendering.format_registry import default_formats
from tests.tasks.reports.figures.expected import EXPECTED

pytestmark = pytest.mark.django_db

REPORT_REQUEST = {"report": "class_performance", "parameters": {"class_id": 1}}


def error_codes(response):
    return {(error["pointer"], error["code"]) for error in response.json()["errors"]}


def test_catalogue_entry_describes_its_kind(as_user, teacher):
    entry = as_user(teacher).get("/reports/class_performance").json()

    assert [one["format"] for one in entry["formats"]] == list(default_formats())
    assert entry["example"]["parameters"] == {"class_id": 1}
    assert set(entry["parameters"]["properties"]) == {
        "year", "school_id", "class_id", "class_ids", "term",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("language", "label"),
    [("pt-BR", "CSV para planilhas"), ("en", "CSV for spreadsheets")],
)
def test_catalogue_format_has_label_media_type_and_audience(
    as_user, teacher, language, label
):
    headers = {"Accept-Language": language}
    entry = as_user(teacher).get("/reports/class_performance", headers=headers).json()

    formats = {one.pop("format"): one for one in entry["formats"]}
    assert formats["csv-br"] == {
        "label": label,
        "media_type": "text/csv; charset=utf-8",
        "for": "people",
    }
    assert formats["json"]["for"] == "programs"
    assert all(one["label"] for one in formats.values())


@pytest.mark.parametrize("has_open_year", [True, False])
@pytest.mark.parametrize(
    ("kind", "alternatives"),
    [
        ("report_card", ["class_id", "class_ids", "year"]),
        ("class_performance", ["class_id", "class_ids", "year"]),
        (
            "transcript",
            ["student_id", "student_ids", "class_id", "class_ids", "year"],
        ),
    ],
)
def test_catalogue_schema_requires_one_of_the_alternatives(
    as_user, secretary, kind, alternatives, has_open_year
):
    SchoolYear.objects.update(is_closed=not has_open_year)
    client = as_user(secretary)
    schema = client.get(f"/reports/{kind}").json()["parameters"]

    branches = [one["required"] for one in schema["anyOf"] if "required" in one]
    assert branches == [[name] for name in alternatives]
    assert len(schema["anyOf"]) == len(alternatives) + has_open_year
    assert all(one["title"] for one in schema["anyOf"])
    assert schema["properties"]["year"]["default"] == (2026 if has_open_year else None)
    validator = Draft202012Validator(schema)
    values = {"class_id": 1, "class_ids": [1, 2], "year": 2026, "school_id": 1}
    for parameters in (
        {},
        {"class_id": 1, "class_ids": [2]},
        {"class_id": None, "class_ids": [2]},
        {"year": None, "class_id": None},
        *({name: value} for name, value in values.items()),
    ):
        body = {"report": kind, "parameters": parameters}
        answer = client.post_json("/reports", body)
        assert validator.is_valid(parameters) == (answer.status_code == 202)
        if answer.status_code != 202:
            assert error_codes(answer) == {("/parameters", "value_error")}


def test_catalogue_publishes_the_defaults_that_a_task_stores(as_user, guardian):
    client = as_user(guardian)
    properties = client.get("/reports/report_card").json()["parameters"]["properties"]
    defaults = {name: part["default"] for name, part in properties.items()}

    task = client.post_json("/reports", {"report": "report_card"}).json()

    assert task["parameters"] == {"year": 2026, "student_ids": [1, 27]}
    assert task["parameters"] == {n: v for n, v in defaults.items() if v is not None}


def enumerations(schema):
    """Yield each list of values in the schema: with titles, and without them."""
    for property_schema in schema["properties"].values():
        parts = [property_schema, *property_schema.get("anyOf", ())]
        for part in parts:
            if "oneOf" in part:
                yield {one["const"]: one["title"] for one in part["oneOf"]}
            if "enum" in part or "$ref" in part:
                yield None


@pytest.mark.guarantee("A client can show every value of a parameter in words.")
def test_catalogue_names_every_value_in_both_languages(as_user, admin):
    client = as_user(admin)

    def choices(language):
        headers = {"Accept-Language": language}
        return {
            entry["report"]: list(enumerations(entry["parameters"]))
            for entry in client.get("/reports", headers=headers).json()["results"]
            if entry["report"] in EXPECTED
        }

    portuguese, english = choices("pt-BR"), choices("en")
    assert portuguese.keys() == set(EXPECTED)
    assert len(portuguese["data_export"]) == len(portuguese["attendance_summary"]) == 1
    for kind, lists in portuguese.items():
        for titles, english_titles in zip(lists, english[kind], strict=True):
            assert titles.keys() == english_titles.keys()
            assert all(titles[v] != english_titles[v] for v in titles), titles


def test_catalogue_lookups_fill_the_parameters(as_user, teacher):
    client = as_user(teacher)
    entry = client.get("/reports/report_card").json()

    values = {}
    for name, source in entry["lookups"].items():
        ask = client.post_json if source["method"] == "POST" else client.get
        record = ask(source["href"]).json()["results"][0]
        value = record[source["value"]]
        values[name] = [value] if source["multiple"] else value
        assert record[source["label"]]

    assert set(values) == {
        "year", "school_id", "class_id", "class_ids", "student_id", "student_ids",
    }  # fmt: skip
    for several in (True, False):
        chosen = {
            name: value
            for name, value in values.items()
            if name in {"year", "school_id"} or name.endswith("s") == several
        }
        body = {"report": "report_card", "parameters": chosen}
        assert client.post_json("/reports", body).status_code == 202


def test_catalogue_schema_has_title_and_lookups(as_user, teacher):
    entry = as_user(teacher).get("/reports/class_performance").json()

    assert entry["parameters"]["title"] == entry["title"]
    assert list(entry["lookups"]) == ["year", "school_id", "class_id", "class_ids"]


@pytest.mark.parametrize(
    ("language", "title", "description", "first"),
    [
        ("pt-BR", "Lista", "Só alunos abaixo", "Todos os alunos"),
        ("en", "List", "Only students below", "All students"),
    ],
)
def test_catalogue_choice_has_translated_texts(
    as_user, teacher, language, title, description, first
):
    client = as_user(teacher)
    headers = {"Accept-Language": language}
    entry = client.get("/reports/attendance_summary", headers=headers).json()

    choice = entry["parameters"]["properties"]["list"]
    values = [one["const"] for one in choice["oneOf"]]
    assert values == ["all", "below_minimum", "council", "benefit"]
    assert choice["oneOf"][0]["title"] == first
    assert (choice["type"], choice["default"]) == ("string", "all")
    assert choice["title"] == title
    assert choice["description"].startswith(description)
    for one in values:
        parameters = {"class_id": 1, "list": one}
        body = {"report": "attendance_summary", "parameters": parameters}
        assert client.post_json("/reports", body).json()["parameters"] == parameters


def test_submit_returns_202_with_the_task(as_user, teacher):
    answer = as_user(teacher).post_json("/reports", REPORT_REQUEST)

    task = Task.objects.get()
    document = answer.json()
    assert answer.status_code == 202
    assert answer["Location"] == f"/tasks/{task.pk}"
    assert int(answer["Retry-After"]) >= 1
    assert document["task_id"] == str(task.pk)
    assert document["state"] == "queued"
    assert document["format"] == "json"
    assert document["language"] == "pt-BR"


def test_submit_with_trailing_slash_is_accepted(as_user, teacher):
    assert as_user(teacher).post_json("/reports/", REPORT_REQUEST).status_code == 202


def test_submit_is_written_to_the_access_log(as_user, teacher):
    as_user(teacher).post_json("/reports", REPORT_REQUEST)

    entry = AccessLogEntry.objects.get()
    task = Task.objects.get()
    assert (entry.viewer, entry.action, entry.task_id) == (teacher, "created", task.pk)
    assert entry.scope == {"role": "teacher", "ids": [1]}
    assert entry.request_id


@pytest.mark.parametrize(
    ("header", "language"),
    [("pt-BR", "pt-BR"), ("en-GB,en;q=0.9", "en"), ("fr", "pt-BR")],
)
def test_task_language_follows_accept_language(as_user, teacher, header, language):
    answer = as_user(teacher).post(
        "/reports",
        REPORT_REQUEST,
        content_type="application/json",
        headers={"Accept-Language": header},
    )

    assert answer.json()["language"] == language


@pytest.mark.parametrize(
    ("change", "expected_error"),
    [
        ({"report": "nothing"}, ("/report", "unknown_report")),
        ({"report": None}, ("/report", "null")),
        ({"format": "docx"}, ("/format", "unknown_format")),
        ({"language": "tlh"}, ("/language", "invalid_choice")),
        ({"color": "red"}, ("/color", "unknown_field")),
        ({"a/b~c": 1}, ("/a~1b~0c", "unknown_field")),
        ({"parameters": {"class_id": "1"}}, ("/parameters/class_id", "int_type")),
        ({"parameters": {"class_id": True}}, ("/parameters/class_id", "int_type")),
        ({"parameters": {"class_id": 1.5}}, ("/parameters/class_id", "int_type")),
        ({"parameters": {"class_id": 0}}, ("/parameters/class_id", "greater_than_equal")),
        ({"parameters": {"class_id": 2**80}}, ("/parameters/class_id", "less_than_equal")),
        ({"parameters": {"class_id": 999}}, ("/parameters/class_id", "not_found")),
        ({"parameters": {"class_id": 3}}, ("/parameters/class_id", "not_found")),
        ({"parameters": {"school_id": 2}}, ("/parameters/school_id", "not_found")),
        ({"parameters": {"x": 1}}, ("/parameters/x", "unknown_field")),
        ({"parameters": [1]}, ("/parameters", "model_type")),
    ],
)  # fmt: skip
def test_invalid_request_has_pointer_and_creates_no_task(
    as_user, teacher, change, expected_error
):
    assert SchoolClass.objects.filter(pk=3).exists()

    answer = as_user(teacher).post_json("/reports", {**REPORT_REQUEST, **change})

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert expected_error in error_codes(answer)
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"", 400),
        (b"[]", 400),
        (b'"report"', 400),
        (b'{"report": NaN}', 400),
        (b"\xff\xfe", 400),
        (b'{"report": "\\ud800"}', 400),
        (b"[" * 30_000, 400),
        (b'{"report": "' + b"x" * 70_000 + b'"}', 413),
    ],
)
def test_unreadable_body_returns_a_problem_document(as_user, teacher, body, status):
    answer = as_user(teacher).post("/reports", body, content_type="application/json")

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("number", "status"),
    [("1.0", 202), ("10e-1", 202), ("1.5", 400), ("1e300", 400), ("1e999", 400)],
)
def test_integer_may_be_written_as_a_decimal(as_user, teacher, number, status):
    body = f'{{"report": "report_card", "parameters": {{"class_id": {number}}}}}'

    answer = as_user(teacher).post("/reports", body, content_type="application/json")

    assert answer.status_code == status


def test_form_encoded_body_returns_415(as_user, teacher):
    answer = as_user(teacher).post("/reports", REPORT_REQUEST)

    assert answer.status_code == 415


@pytest.mark.parametrize("sent_id", ["fits-0.1_2", "", "x" * 65, "two words", "é"])
def test_request_id_of_client_is_used_if_valid(as_user, teacher, sent_id):
    answer = as_user(teacher).post(
        "/reports",
        REPORT_REQUEST,
        content_type="application/json",
        headers={"X-Request-ID": sent_id},
    )

    logged_id = AccessLogEntry.objects.get().request_id
    assert answer["X-Request-ID"] == logged_id
    assert (logged_id == sent_id) == (sent_id == "fits-0.1_2")


def test_unknown_host_returns_a_problem_document(client):
    answer = client.get("/healthz", headers={"Host": "evil.example"})

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


def test_problem_has_rfc_9457_members_and_a_page(as_user, guardian):
    client = as_user(guardian)
    answer = client.post_json("/reports", REPORT_REQUEST)

    problem = answer.json()
    assert problem["status"] == 403
    assert problem["instance"] == "/reports"
    assert problem["request_id"] == answer["X-Request-ID"]
    assert client.get(problem["type"]).status_code == 200
