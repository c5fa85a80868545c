import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.test import Client
from django.urls import get_resolver
from openapi_spec_validator import validate

from api.urls import urlpatterns
from school.processes import MANAGE
from tests.contract import SPEC

PAGES = {"docs", "redoc", "problems", "problems/<slug:code>", ""}
OUTSIDE = {"openapi.yaml", *PAGES}


@pytest.fixture(scope="module")
def spec():
    return yaml.safe_load(SPEC.read_text())


def test_committed_document_is_what_the_code_makes(tmp_path, monkeypatch):
    made = tmp_path / "openapi.yaml"
    monkeypatch.delenv("REPORT_PACKAGES")

    command = ["spectacular", "--validate", "--fail-on-warn", "--file", str(made)]
    subprocess.run([sys.executable, str(MANAGE), *command], check=True)

    assert made.read_text() == SPEC.read_text(), "run `make generate`"


def test_document_is_valid_openapi_3_1(spec):
    validate(spec)

    assert spec["openapi"] == "3.1.1"


def test_version_is_the_changelog_s(spec):
    changelog = (SPEC.parent / "CHANGELOG.md").read_text()

    assert spec["info"]["version"] == re.search(r"^## (\S+)", changelog, re.M)[1]


def test_every_route_is_documented_and_every_path_routed(spec):
    routes = {route.pattern._route for route in urlpatterns} - OUTSIDE
    documented = {re.sub(r"<\w+:(\w+)>", r"{\1}", f"/{route}") for route in routes}

    assert documented == set(spec["paths"])
    assert get_resolver().resolve("/reports")


def test_every_operation_has_a_sample_and_every_kind_an_example(spec):
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


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
@pytest.mark.django_db
def test_pages_load_everything_from_here(path):
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
def test_served_document_is_yaml(client):
    answer = client.get("/openapi.yaml")

    assert yaml.safe_load(answer.content)["info"]["title"] == "School reports"


@pytest.mark.django_db
def test_served_document_has_no_versions(client):
    assert client.get("/openapi.yaml?version=%00").status_code == 400


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_pages_have_no_other_methods(client, path):
    assert client.options(path).status_code == 405
    assert client.post(path).status_code == 405


def test_every_link_leads_to_a_parameter(spec):
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
