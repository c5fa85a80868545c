import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.test import Client
from django.urls import get_resolver
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from api.problems.registry import PROBLEMS
from api.urls import urlpatterns
from api.views import contract
from school.runtime.processes import MANAGE_PY
from tasks.states import State
from tests.support.contract import SPEC_PATH, load_spec

HTML_PATHS = {"docs", "redoc", "problems", "problems/<slug:code>"}
UNDOCUMENTED_PATHS = {
    ".well-known/security.txt", "openapi.yaml", "openapi.json", *HTML_PATHS,
}  # fmt: skip


@pytest.fixture(scope="module")
def spec():
    return load_spec()


@pytest.mark.guarantee("The contract is English, and matches the code.")
def test_committed_document_equals_generated_one(tmp_path, monkeypatch):
    generated = tmp_path / "openapi.yaml"
    monkeypatch.delenv("REPORT_PACKAGES")

    command = ["spectacular", "--validate", "--fail-on-warn", "--file", str(generated)]
    subprocess.run([sys.executable, str(MANAGE_PY), *command], check=True)

    assert generated.read_text() == SPEC_PATH.read_text(), "run `make generate`"


def test_document_is_valid_openapi_3_1(spec):
    validate(spec)

    assert spec["openapi"] == "3.1.1"


def test_document_version_equals_changelog_version(spec):
    changelog = (SPEC_PATH.parent / "CHANGELOG.md").read_text()

    assert spec["info"]["version"] == re.search(r"^## (\S+)", changelog, re.M)[1]


def test_document_paths_equal_routes(spec):
    routes = {route.pattern._route for route in urlpatterns} - UNDOCUMENTED_PATHS
    documented = {re.sub(r"<\w+:(\w+)>", r"{\1}", f"/{route}") for route in routes}

    assert documented == set(spec["paths"])
    assert get_resolver().resolve("/reports")


def test_operations_have_samples_and_kinds_examples(spec):
    operations = [op for path in spec["paths"].values() for op in path.values()]
    examples = spec["paths"]["/reports"]["post"]["requestBody"]["content"][
        "application/json"
    ]["examples"]

    assert all(op["x-codeSamples"][0]["source"] for op in operations)
    assert all(op["summary"] for op in operations)
    kinds = {path.stem for path in Path("tasks/reports").glob("*.py")} - {
        "__init__",
        "base",
    }
    assert {e["value"]["report"] for e in examples.values()} == kinds


def test_problem_schemas_list_all_codes_by_status(spec):
    schemas = spec["components"]["schemas"]
    codes = {
        code: schema["properties"]["status"]["const"]
        for name, schema in schemas.items()
        if name.startswith("Problem")
        for code in schema["properties"]["code"]["enum"]
    }

    assert codes.keys() == PROBLEMS.keys()
    assert all(PROBLEMS[code][0] == status for code, status in codes.items())


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
@pytest.mark.django_db
def test_docs_page_loads_local_assets_only(path):
    client = Client()
    page = client.get(path)
    html = page.content.decode()

    sources = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert page.status_code == 200
    assert sources
    assert not [source for source in sources if "//" in source]
    policy = page["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives.get("script-src", directives["default-src"]) == "'self'"


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "pt-BR"])
def test_yaml_and_json_are_the_same_document(client, language):
    as_yaml = client.get(f"/openapi.yaml?lang={language}")
    as_json = client.get(f"/openapi.json?lang={language}")

    assert yaml.load(as_yaml.content, yaml.CSafeLoader) == as_json.json()
    assert as_json["Content-Type"] == "application/json; charset=utf-8"
    assert as_yaml["Content-Language"] == as_json["Content-Language"] == language
    assert 'filename="openapi.json"' in as_json["Content-Disposition"]


@pytest.mark.django_db
def test_served_document_is_the_committed_one(client, spec):
    served = client.get("/openapi.json").json()

    assert (
        served["components"]["schemas"].keys() >= spec["components"]["schemas"].keys()
    )
    assert served["info"] == spec["info"]


@pytest.mark.guarantee("The served contract is built once.")
@pytest.mark.django_db
def test_served_document_is_built_once(client):
    contract.render_document.cache_clear()
    contract._build_document.cache_clear()

    first = client.get("/openapi.yaml")
    again = client.get("/openapi.yaml", headers={"Accept-Language": "pt-BR"})
    client.get("/openapi.json")

    assert again.content == first.content
    assert contract.render_document.cache_info().misses == 2
    assert contract._build_document.cache_info().misses == 1


def iter_schema_holders(operation):
    """Yield each part of the operation that has a schema, with its location."""
    for parameter in operation.get("parameters", []):
        yield parameter["name"], parameter
    request = {"request": operation.get("requestBody", {})}
    for part, body in (request | operation["responses"]).items():
        for content in body.get("content", {}).values():
            yield part, content
        for name, header in body.get("headers", {}).items():
            if "$ref" not in header:
                yield f"{part} {name}", header


def example_values(spec, holder):
    """Yield the examples next to a schema and inside it."""
    for example in holder.get("examples", {}).values():
        name = example.get("$ref", "").rpartition("/")[2]
        yield (spec["components"]["examples"][name] if name else example)["value"]
    if "example" in holder:
        yield holder["example"]
    yield from holder["schema"].get("examples", [])


def iter_all_holders(spec):
    for path, operations in spec["paths"].items():
        for operation in operations.values():
            for where, holder in iter_schema_holders(operation):
                yield f"{operation['operationId']} {path} {where}", holder


@pytest.mark.guarantee("Every example matches its schema.")
def test_examples_match_their_schemas(spec):
    checker = Draft202012Validator.FORMAT_CHECKER
    violations = []
    for where, holder in iter_all_holders(spec):
        schema = {**holder["schema"], "components": spec["components"]}
        validator = Draft202012Validator(schema, format_checker=checker)
        for value in example_values(spec, holder):
            violations += [
                (where, error.message) for error in validator.iter_errors(value)
            ]

    assert violations == []


def test_parameters_headers_and_bodies_have_examples(spec):
    holders = list(iter_all_holders(spec))

    with_example = {
        where for where, holder in holders if [*example_values(spec, holder)]
    }
    assert {where for where, _holder in holders} - with_example == {
        "get_result /tasks/{task_id}/result 206",  # the body is bytes of a file
    }  # fmt: skip


def test_query_parameters_and_headers_have_descriptions(spec):
    undescribed = {
        (path, parameter["name"])
        for path, operations in spec["paths"].items()
        for operation in operations.values()
        for parameter in operation.get("parameters", ())
        if parameter["in"] != "path" and not parameter.get("description")
    }

    assert undescribed == set()


def test_responses_have_common_and_status_headers(spec):
    shared = spec["components"]["headers"]

    for operations in spec["paths"].values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                assert "X-Request-ID" in answer["headers"]
                assert ("Allow" in answer["headers"]) == (status == "405")
    assert all(header["example"] for header in shared.values())


def test_states_and_problem_codes_have_examples(spec):
    examples = spec["components"]["examples"]
    states = {e["value"]["state"] for e in examples.values() if "state" in e["value"]}
    codes = {e["value"]["code"] for e in examples.values() if "code" in e["value"]}

    assert states == set(State)
    assert codes == PROBLEMS.keys()


@pytest.mark.django_db
def test_request_schema_requires_parameters_where_one_is_required(spec, as_user, admin):
    schemas = spec["components"]["schemas"]
    for kind, ref in schemas["ReportRequest"]["discriminator"]["mapping"].items():
        schema = schemas[ref.rpartition("/")[2]]
        answer = as_user(admin).post_json("/reports", {"report": kind})
        errors = answer.json().get("errors", [])
        has_missing = any(error["code"] == "missing" for error in errors)
        assert ("parameters" in schema["required"]) == has_missing, kind


def test_guide_lists_states_and_demo_users(spec):
    guide = spec["info"]["description"]

    assert all(f"| `{state}` |" in guide for state in State)
    for user in ("admin", "secretary", "teacher", "guardian", "stranger"):
        assert f"| `{user}` |" in guide
    assert "poll_after_ms" in guide


@pytest.mark.django_db
def test_served_document_refuses_version_parameter(client):
    assert client.get("/openapi.yaml?version=%00").status_code == 400


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_docs_page_refuses_other_methods(client, path):
    assert client.options(path).status_code == 405
    assert client.post(path).status_code == 405


def test_openapi_links_use_existing_parameters(spec):
    operations = [op for path in spec["paths"].values() for op in path.values()]
    named = {
        op["operationId"]: {p["name"] for p in op["parameters"]} for op in operations
    }
    links = [
        link
        for op in operations
        for answer in op["responses"].values()
        for link in answer.get("links", {}).values()
    ]

    assert len(links) > 20
    assert all(set(it["parameters"]) <= named[it["operationId"]] for it in links)


def iter_descriptions(node):
    """Every description of the document: of schemas, parameters, responses and operations."""
    if isinstance(node, dict):
        if isinstance(description := node.get("description"), str):
            yield description
        for value in node.values():
            yield from iter_descriptions(value)
    elif isinstance(node, list):
        for value in node:
            yield from iter_descriptions(value)


def is_published(node):
    """Return whether the method's docstring is its description in the document."""
    return any(
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Name)
        and decorator.func.id == "operation"
        for decorator in getattr(node, "decorator_list", ())
    )


def internal_docstrings():
    """Docstrings of all modules, classes and functions but the described operations."""
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for package in ("api", "school", "tasks"):
        for path in sorted((SPEC_PATH.parent / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, documented) and not is_published(node):
                    yield ast.get_docstring(node)


def test_internal_docstrings_are_not_published(spec):
    def normalize(text):
        return " ".join(text.split())

    docstrings = {normalize(text) for text in internal_docstrings() if text}
    descriptions = {normalize(text) for text in iter_descriptions(spec)}

    assert len(docstrings) > 500
    assert descriptions & docstrings == set()


def test_operation_docstrings_are_published(spec):
    operations = {
        operation["operationId"]: operation
        for path in spec["paths"].values()
        for operation in path.values()
    }

    assert operations["get_task"]["description"].startswith("Repeat the request")
