import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.support.chromium import REQUIRES_CHROMIUM, PageMonitor
from tests.support.contract import load_spec
from tests.support.stack import Stack

pytestmark = [
    REQUIRES_CHROMIUM,
    pytest.mark.deep("it works in a real browser"),
    pytest.mark.one_database("the page and its requests know nothing of the database"),
]

PATHS = load_spec()["paths"]
LOGIN_CONTENT, SUBMIT_CONTENT = (
    PATHS[path]["post"]["requestBody"]["content"]["application/json"]
    for path in ("/auth/token", "/reports")
)
JSON_EXAMPLES = [name for name in SUBMIT_CONTENT["examples"] if name.endswith(", json")]
USER = LOGIN_CONTENT["example"]["username"]


class SwaggerUI:
    """The page as somebody who tests by hand works with it."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.monitor = PageMonitor(page)
        page.goto(f"{base}/docs")

    def operation(self, tag: str, name: str) -> Locator:
        """The operation, unfolded."""
        block = self.page.locator(f"#operations-{tag}-{name}")
        block.wait_for()
        if "is-open" not in (block.get_attribute("class") or ""):
            block.locator(".opblock-summary-control").click()
        block.locator("button.execute").wait_for()
        return block

    def execute(self, block: Locator) -> tuple[int, Any]:
        """Press the button; the status shown, and the body of the answer."""
        with self.page.expect_response(lambda _: True) as response_info:
            block.locator("button.execute").click()
        status_cell = block.locator(".live-responses-table .response-col_status").nth(1)
        status_cell.wait_for()
        return int(status_cell.inner_text().split()[0]), response_info.value.json()

    def authorize(self, token: str) -> None:
        self.page.locator(".scheme-container button.authorize").click()
        dialog = self.page.locator(".modal-ux")
        auth_form = dialog.locator(".auth-container", has_text="bearer")
        assert "without Bearer" in auth_form.inner_text()
        auth_form.locator("input").fill(token)
        auth_form.locator("button.authorize").click()
        auth_form.get_by_text("Authorized").wait_for()
        dialog.locator("button.close-modal").click()

    def wait_until_final(self, task_id: str) -> Any:
        block = self.operation("tasks", "get_task")
        block.locator("[data-param-name=task_id] input").fill(task_id)
        block.locator("[data-param-name=wait] input").fill("20")
        status, task = self.execute(block)
        assert status == 200
        return task


@pytest.fixture
def docs(browser: Browser, stack: Stack) -> Iterator[SwaggerUI]:
    with browser.new_context(viewport={"width": 1300, "height": 1000}) as context:
        context.set_default_timeout(20_000)
        yield SwaggerUI(context.new_page(), stack.base_url)


@pytest.fixture
def authorized_docs(docs: SwaggerUI) -> SwaggerUI:
    """As the user that the example of logging in names."""
    status, tokens = docs.execute(docs.operation("auth", "log_in"))
    assert status == 200
    docs.authorize(tokens["access"])
    return docs


@pytest.mark.timeout(240)  # there are some forty: every kind in every format
def test_every_example_makes_its_report(stack: Stack):
    client = stack.as_user(USER)

    states = {}
    for name, example in SUBMIT_CONTENT["examples"].items():
        task = client.request_report(example["value"])
        states[name] = stack.wait_until_final(client, task)["state"]

    assert states == dict.fromkeys(SUBMIT_CONTENT["examples"], "succeeded")


@pytest.mark.guarantee(
    "Swagger UI makes every report by one click, and sends what it shows."
)
@pytest.mark.guarantee("The documentation pages load nothing from other hosts.")
@pytest.mark.timeout(240)
def test_every_kind_is_made_by_one_click(authorized_docs: SwaggerUI, stack: Stack):
    block = authorized_docs.operation("reports", "create_report")
    choice = block.locator(".opblock-section-request-body select").last

    client = stack.as_user(USER)
    states = {}
    for name in JSON_EXAMPLES:
        choice.select_option(name)
        status, task = authorized_docs.execute(block)
        assert status == 202
        states[name] = stack.wait_until_final(client, task)["state"]

    assert states == dict.fromkeys(JSON_EXAMPLES, "succeeded")
    assert len(JSON_EXAMPLES) > 5
    assert (
        authorized_docs.monitor.errors,
        authorized_docs.monitor.foreign_requests,
    ) == ([], [])


def test_choice_of_a_parameter_is_shown_and_can_be_made(authorized_docs: SwaggerUI):
    block = authorized_docs.operation("reports", "create_report")
    body = block.locator(".opblock-section-request-body")
    body.locator("select").last.select_option("attendance_summary, json")
    typed = body.locator("textarea")
    asked = json.loads(typed.input_value())
    assert asked["parameters"] == {"class_id": 1, "list": "all"}

    asked["parameters"]["list"] = "council"
    typed.fill(json.dumps(asked))
    _status, task = authorized_docs.execute(block)
    result = authorized_docs.wait_until_final(task["task_id"])["result"]

    assert result["rows"] == len(result["data"]) > 0
    assert {row["council_list"] for row in result["data"]} == {True}
    asked["parameters"]["list"] = "everyone"
    typed.fill(json.dumps(asked))
    status, problem = authorized_docs.execute(block)
    (flaw,) = problem["errors"]
    assert (status, flaw["pointer"]) == (400, "/parameters/list")
    assert "below_minimum" in flaw["detail"]


@pytest.mark.guarantee(
    "Swagger UI makes every report by one click, and sends what it shows."
)
def test_nothing_is_sent_that_was_not_typed(authorized_docs: SwaggerUI):
    """Examples of headers are shown; filled in they would make each request another."""
    block = authorized_docs.operation("reports", "create_report")

    with authorized_docs.page.expect_request("**/reports") as sent:
        authorized_docs.execute(block)

    assert not {"idempotency-key", "prefer"} & sent.value.headers.keys()
    assert sent.value.url.endswith("/reports")


def test_problem_is_shown_to_who_is_not_logged_in(docs: SwaggerUI):
    status, problem = docs.execute(docs.operation("reports", "list_reports"))

    assert (status, problem["code"]) == (401, "not_authenticated")


def test_page_tells_what_each_answer_looks_like(docs: SwaggerUI):
    block = docs.operation("tasks", "get_task")

    shown = block.locator("tr.response[data-code='200']")
    offered = shown.locator("select").last.locator("option").all_inner_texts()
    assert {"queued", "running", "succeeded", "failed", "canceled", "expired"} <= {
        *offered
    }
    shown.locator("select").last.select_option("failed")
    assert '"code": "timeout"' in shown.locator("pre").first.inner_text()
    page = block.locator("tr.response[data-code='410'] a", has_text="purged")
    assert page.get_attribute("href") == "/problems/purged"
    assert docs.page.get_by_role("heading", name="States").is_visible()


def test_link_leads_to_its_operation(docs: SwaggerUI):
    docs.page.goto(f"{docs.page.url}#/tasks/cancel_task")
    docs.page.reload()

    docs.page.locator("#operations-tasks-cancel_task.is-open").wait_for()


@pytest.mark.guarantee("The documentation pages load nothing from other hosts.")
def test_redoc_shows_the_same_and_asks_nobody_else(browser: Browser, stack: Stack):
    with browser.new_context() as context:
        page = context.new_page()
        watched = PageMonitor(page)
        page.goto(f"{stack.base_url}/redoc")

        page.get_by_role("heading", name="Ask for a report").wait_for()
        page.get_by_role("heading", name="States").first.wait_for()
        page.wait_for_load_state("networkidle")
        assert (watched.errors, watched.foreign_requests) == ([], [])
