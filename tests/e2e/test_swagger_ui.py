"""Swagger UI and Redoc in Chromium."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Locator, Page, Response

from tests.support.chromium import REQUIRES_CHROMIUM, PageMonitor
from tests.support.contract import load_spec
from tests.support.stack import Stack

pytestmark = [
    REQUIRES_CHROMIUM,
    pytest.mark.deep("it needs a real browser"),
    pytest.mark.one_database("the pages do not depend on the database"),
]

PATHS = load_spec()["paths"]
LOGIN_CONTENT, SUBMIT_CONTENT = (
    PATHS[path]["post"]["requestBody"]["content"]["application/json"]
    for path in ("/auth/token", "/reports")
)
JSON_EXAMPLES = [name for name in SUBMIT_CONTENT["examples"] if name.endswith(", json")]
LOGIN_BLOCK = "[id^=operations-][id$=-log_in]"
"""Selector of the log-in in either language: the id contains the name of the tag."""
USER = LOGIN_CONTENT["example"]["username"]


def _is_api_response(response: Response) -> bool:
    return response.request.resource_type == "fetch"


class SwaggerUI:
    """Page object of Swagger UI."""

    def __init__(self, page: Page, base: str, language: str = "en") -> None:
        self.page = page
        self.labels = {"Authorized": "Autorizado"} if language == "pt-BR" else {}
        self.monitor = PageMonitor(page)
        page.goto(f"{base}/docs?lang={language}")

    def operation(self, tag: str, name: str) -> Locator:
        """Expand an operation; return its block."""
        block = self.page.locator(f"#operations-{tag}-{name}")
        block.wait_for()
        if "is-open" not in (block.get_attribute("class") or ""):
            block.locator(".opblock-summary-control").click()
        block.locator("button.execute").wait_for()
        return block

    def execute(self, block: Locator) -> tuple[int, Any]:
        """Click Execute; return the displayed status and the body of the response."""
        # Not the response of the page's icon, which the browser may fetch at the same time.
        with self.page.expect_response(_is_api_response) as response_info:
            block.locator("button.execute").click()
        status_cell = block.locator(".live-responses-table .response-col_status").nth(1)
        status_cell.wait_for()
        return int(status_cell.inner_text().split()[0]), response_info.value.json()

    def authorize(self, token: str) -> None:
        with self._authorization_form("bearer") as auth_form:
            assert "without Bearer" in auth_form.inner_text()
            auth_form.locator("input").fill(token)

    def log_in(self, username: str, password: str) -> None:
        """Log in inside the Authorize dialog."""
        with self._authorization_form("password (OAuth2") as auth_form:
            auth_form.locator("#oauth_username").fill(username)
            auth_form.locator("#oauth_password").fill(password)

    @contextmanager
    def _authorization_form(self, title: str) -> Iterator[Locator]:
        """Open the dialog, yield the form of a scheme, send it, and close the dialog."""
        self.page.locator(".scheme-container button.authorize").click()
        dialog = self.page.locator(".modal-ux")
        auth_form = dialog.locator(".auth-container", has_text=title)
        yield auth_form
        auth_form.locator("button.authorize").click()
        title = self.labels.get("Authorized", "Authorized")
        auth_form.locator("h6").get_by_text(title, exact=True).wait_for()
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
    """Swagger UI, logged in as the user of the login example."""
    status, tokens = docs.execute(docs.operation("auth", "log_in"))
    assert status == 200
    docs.authorize(tokens["access"])
    return docs


def test_page_on_a_phone_fits_and_answers_in_its_language(
    browser: Browser, stack: Stack
):
    viewport = {"width": 390, "height": 844}
    with browser.new_context(viewport=viewport, locale="en-US") as context:
        context.set_default_timeout(20_000)
        docs = SwaggerUI(context.new_page(), stack.base_url, "pt-BR")
        docs.log_in("teacher", "demo")
        status, task = docs.execute(docs.operation("relatórios", "create_report"))
        width = docs.page.evaluate("document.documentElement.scrollWidth")

    assert status == 202
    assert task["language"] == "pt-BR"
    assert width == viewport["width"]


@pytest.mark.timeout(240)  # about forty examples: every kind in every format
def test_every_example_request_succeeds(stack: Stack):
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
def test_every_kind_is_requested_by_one_click(authorized_docs: SwaggerUI, stack: Stack):
    block = authorized_docs.operation("reports", "create_report")
    example_select = block.locator(".opblock-section-request-body select").last

    client = stack.as_user(USER)
    states = {}
    for name in JSON_EXAMPLES:
        example_select.select_option(name)
        status, task = authorized_docs.execute(block)
        assert status == 202
        states[name] = stack.wait_until_final(client, task)["state"]

    assert states == dict.fromkeys(JSON_EXAMPLES, "succeeded")
    assert len(JSON_EXAMPLES) > 5
    assert (
        authorized_docs.monitor.errors,
        authorized_docs.monitor.foreign_requests,
    ) == ([], [])


def test_parameter_choice_is_shown_and_can_be_edited(authorized_docs: SwaggerUI):
    block = authorized_docs.operation("reports", "create_report")
    body = block.locator(".opblock-section-request-body")
    body.locator("select").last.select_option("attendance_summary, json")
    textarea = body.locator("textarea")
    submission = json.loads(textarea.input_value())
    assert submission["parameters"] == {"class_id": 1, "list": "all"}

    submission["parameters"]["list"] = "council"
    textarea.fill(json.dumps(submission))
    _status, task = authorized_docs.execute(block)
    result = authorized_docs.wait_until_final(task["task_id"])["result"]

    assert result["rows"] == len(result["data"]) > 0
    assert {row["council_list"] for row in result["data"]} == {True}
    submission["parameters"]["list"] = "everyone"
    textarea.fill(json.dumps(submission))
    status, problem = authorized_docs.execute(block)
    (error,) = problem["errors"]
    assert (status, error["pointer"]) == (400, "/parameters/list")
    assert "below_minimum" in error["detail"]


@pytest.mark.guarantee(
    "Swagger UI makes every report by one click, and sends what it shows."
)
def test_header_examples_are_not_sent(authorized_docs: SwaggerUI):
    """Header examples are shown, but not filled in: an idempotency key would be sent."""
    block = authorized_docs.operation("reports", "create_report")

    with authorized_docs.page.expect_request("**/reports") as request_info:
        authorized_docs.execute(block)

    assert not {"idempotency-key", "prefer"} & request_info.value.headers.keys()
    assert request_info.value.url.endswith("/reports")


@pytest.mark.guarantee("Swagger UI logs in with user name and password.")
def test_login_inside_authorize_dialog_works(docs: SwaggerUI):
    docs.log_in(USER, "demo")

    status, catalogue = docs.execute(docs.operation("reports", "list_reports"))

    assert status == 200
    assert catalogue["results"]


def test_request_without_login_shows_problem(docs: SwaggerUI):
    status, problem = docs.execute(docs.operation("reports", "list_reports"))

    assert (status, problem["code"]) == (401, "not_authenticated")


def test_operation_shows_response_examples_and_problem_links(docs: SwaggerUI):
    block = docs.operation("tasks", "get_task")

    row = block.locator("tr.response[data-code='200']")
    options = row.locator("select").last.locator("option").all_inner_texts()
    assert {"queued", "running", "succeeded", "failed", "canceled", "expired"} <= {
        *options
    }
    row.locator("select").last.select_option("failed")
    assert '"code": "timeout"' in row.locator("pre").first.inner_text()
    link = block.locator("tr.response[data-code='410'] a", has_text="purged")
    assert link.get_attribute("href") == "/problems/purged"
    states = docs.page.get_by_role("heading", name="States")
    assert not states.is_visible()
    docs.page.get_by_text("Guide: log in").click()
    assert states.is_visible()


def test_deep_link_opens_its_operation(docs: SwaggerUI):
    docs.page.goto(f"{docs.page.url}#/tasks/cancel_task")
    docs.page.reload()

    docs.page.locator("#operations-tasks-cancel_task.is-open").wait_for()


@pytest.mark.guarantee("The documentation pages load nothing from other hosts.")
def test_redoc_loads_nothing_from_other_hosts(browser: Browser, stack: Stack):
    with browser.new_context() as context:
        page = context.new_page()
        monitor = PageMonitor(page)
        page.goto(f"{stack.base_url}/redoc")

        page.get_by_role("heading", name="Request a report").wait_for()
        page.get_by_role("heading", name="States").first.wait_for()
        page.wait_for_load_state("networkidle")
        assert (monitor.errors, monitor.foreign_requests) == ([], [])


def _is_pdf_viewer(frame: Frame) -> bool:
    return frame.url.startswith("chrome-extension:")


@contextmanager
def first_screen(
    browser: Browser, stack: Stack, locale: str, query: str = ""
) -> Iterator[Page]:
    """Open the documentation in a window of 1280x800."""
    window = {"width": 1280, "height": 800}
    with browser.new_context(viewport=window, locale=locale) as context:
        page = context.new_page()
        page.goto(f"{stack.base_url}/docs{query}")
        page.locator(LOGIN_BLOCK).wait_for()
        yield page


@pytest.mark.guarantee("Swagger UI logs in with user name and password.")
@pytest.mark.parametrize("locale", ["pt-BR", "en-US"])
def test_first_screen_has_login_and_operations(
    browser: Browser, stack: Stack, locale: str
):
    with first_screen(browser, stack, locale) as page:
        button = page.locator(".scheme-container button.authorize")
        first_operation = page.locator(LOGIN_BLOCK)
        guide = page.locator(".folded-info details")

        assert page.evaluate("window.scrollY") == 0
        for element in (button, first_operation):
            box = element.bounding_box()
            assert box
            assert 0 <= box["y"] <= 800 - box["height"]
        assert guide.get_attribute("open") is None


def test_examples_are_grouped_by_kind(docs: SwaggerUI):
    block = docs.operation("reports", "create_report")
    groups = block.locator(".examples-select select").first.locator("optgroup")

    options = {
        groups.nth(index).get_attribute("label"): groups.nth(index)
        .locator("option")
        .all_inner_texts()
        for index in range(groups.count())
    }

    kinds = {example["x-group"] for example in SUBMIT_CONTENT["examples"].values()}
    assert options.keys() >= kinds
    assert all(
        option.startswith(f"{kind} (") for kind in kinds for option in options[kind]
    )
    shown = {option for kind in kinds for option in options[kind]}
    assert shown == {it["summary"] for it in SUBMIT_CONTENT["examples"].values()}


def test_language_can_be_changed(browser: Browser, stack: Stack):
    with first_screen(browser, stack, "en-US") as page:
        page.get_by_role("link", name="Português (Brasil)").click()

        page.get_by_role("heading", name="Relatórios escolares").wait_for()
        page.locator(LOGIN_BLOCK, has_text="Entrar").wait_for()
        assert page.locator("html").get_attribute("lang") == "pt-BR"


ENGLISH_LABEL = re.compile(
    r"[\w ]*\b(authori[sz]e[ds]?|authorizations|cancel|clear|close|code|copy|"
    r"default value|details|download|examples?|execute|filter|flow|headers?|loading|logout|"
    r"media|name|no|password|reset|responses?|request|schemas?|server|try|type|username|"
    r"values?)\b[\w ]*:?\s*",
    re.I,
)


def english_labels(page: Page) -> set[str]:
    """Return the visible English texts of Swagger UI, outside data and code."""
    texts: list[str] = page.evaluate(
        """() => {
            const texts = [];
            const all = document.querySelectorAll("#swagger-ui *");
            for (const element of all) {
                const isCode = "code, pre, textarea, option, .opblock-summary-path";
                const isText = ".json-schema-2020-12, .renderedMarkdown";
                if (!element.checkVisibility() || element.closest(isCode)
                    || element.closest(isText)) continue;
                for (const node of element.childNodes)
                    if (node.nodeType === Node.TEXT_NODE) texts.push(node.data);
                for (const name of ["placeholder", "title", "aria-label"])
                    texts.push(element.getAttribute(name) ?? "");
            }
            return texts;
        }"""
    )
    return {text for text in texts if ENGLISH_LABEL.fullmatch(text)}


@pytest.mark.guarantee("The contract is complete in Portuguese.")
def test_labels_of_portuguese_page_are_portuguese(browser: Browser, stack: Stack):
    with browser.new_context(viewport={"width": 1300, "height": 1000}) as context:
        context.set_default_timeout(20_000)
        docs = SwaggerUI(context.new_page(), stack.base_url, "pt-BR")
        button = docs.page.get_by_role("button", name="Autorizar", exact=True)
        button.click()
        in_dialog = english_labels(docs.page)
        docs.page.get_by_role("button", name="Fechar").first.click()
        docs.log_in(USER, "demo")
        docs.execute(docs.operation("relatórios", "create_report"))
        docs.operation("tarefas", "list_tasks")
        for name in ("Executar", "Limpar", "Cancelar"):
            docs.page.get_by_role("button", name=name, exact=True).first.wait_for()
        for name in ("Respostas", "Parâmetros", "Resposta do servidor"):
            docs.page.get_by_role("heading", name=name, exact=True).first.wait_for()

        # Names of the contract: the place of a parameter, and a scheme.
        assert in_dialog | english_labels(docs.page) == {"header", "password"}
        assert docs.monitor.errors == []


@pytest.mark.guarantee(
    "A PDF can be shown in the browser, without what it may contain."
)
def test_pdf_is_shown_in_the_browser(browser: Browser, stack: Stack):
    client = stack.as_user("teacher")
    request = {
        "report": "report_card", "parameters": {"class_id": 1}, "format": "pdf",
    }  # fmt: skip
    task = stack.wait_until_final(client, client.request_report(request))
    path = f"/tasks/{task['task_id']}/result/link"
    link = client.request("POST", path, {"expires_in": 600})["url"]

    with browser.new_context() as context:
        page = context.new_page()
        with page.expect_event("framenavigated", _is_pdf_viewer):
            page.goto(f"{stack.base_url}{link}&inline=1")
        with page.expect_download() as download_info:
            page.evaluate("url => { location.href = url; }", f"{stack.base_url}{link}")
        assert download_info.value.suggested_filename == task["result"]["filename"]
