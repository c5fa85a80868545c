"""`GET /`: links for programs, the documentation for people."""

import pytest
from django.test import Client

from api.paths import PATHS
from tests.support.contract import ContractClient


@pytest.mark.parametrize(
    "accept", ["application/json", "application/json, text/html;q=0.5"]
)
def test_program_that_asks_for_json_gets_links(accept):
    answer = ContractClient().get("/", headers={"Accept": accept})

    assert answer.status_code == 200
    assert answer.json()["links"] == PATHS
    assert "Accept" in answer["Vary"]


@pytest.mark.parametrize(
    "accept", ["text/html,application/xhtml+xml,*/*;q=0.8", "*/*", "", "image/png"]
)
def test_browser_is_sent_to_the_documentation(accept):
    answer = ContractClient().get("/", headers={"Accept": accept})

    assert (answer.status_code, answer["Location"]) == (302, "/docs")


@pytest.mark.django_db
def test_every_link_leads_somewhere():
    statuses = {path: Client().get(path).status_code for path in PATHS.values()}

    assert set(statuses.values()) <= {200, 401, 405, 503}, statuses
