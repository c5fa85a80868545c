"""A client without texts of its own shows the list, the form and the table of every kind."""

import re

import pytest

from tests.support.generic_client import GenericClient, table
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.deep("it makes every kind of report for each user of the demo network"),
    pytest.mark.one_database("texts do not depend on the database"),
    pytest.mark.timeout(300),
]
CODE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")
"""Codes are for programs: `class_id`, `in_progress`."""
KIND_COUNTS = {"admin": 7, "secretary": 7, "teacher": 4, "guardian": 1, "stranger": 7}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stack")
    with Stack(folder, REPORT_PACKAGES="tasks.reports") as stack:
        yield stack


@pytest.mark.guarantee(
    "A client needs no text of its own for the form, the list and the table of any kind."
)
@pytest.mark.parametrize("language", ["pt-BR", "en"])
@pytest.mark.parametrize("username", sorted(KIND_COUNTS))
def test_client_without_texts_shows_every_kind(service, username, language):
    client = service.as_user(username)
    client.language = language
    generic = GenericClient(client)
    kinds = generic.kinds()
    texts, tasks = generic.user(), []

    for entry in kinds:
        texts += [entry["title"], *(format["label"] for format in entry["formats"])]
        for _name, title, labels in generic.form(entry):
            texts += [title, *labels]
        tasks.append(generic.submit(entry))
    finals = [service.wait_until_final(client, task, 120) for task in tasks]
    texts += generic.list()
    for task in finals:
        assert task["state"] == "succeeded", task
        result = task["result"]
        if "data" in result:
            titles, rows = table(result)
            texts += [*titles, *(cell for row in rows for cell in row)]

    assert len(kinds) == KIND_COUNTS[username]
    assert all("data" in task["result"] or task["result"]["columns"] for task in finals)
    assert [text for text in texts if CODE.fullmatch(text)] == []
    assert "2,026" not in texts
