"""Cross-origin use of the API from pages in Chromium."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.support.chromium import REQUIRES_CHROMIUM, PageMonitor, serve_pages
from tests.support.stack import Stack

pytestmark = [
    REQUIRES_CHROMIUM,
    pytest.mark.deep("it needs a real browser"),
    pytest.mark.one_database("headers and origins do not depend on the database"),
]

STATUSES = {
    "login": 200, "catalogue": 200, "submit": 202, "repeat with wait": 200, "poll": 200,
    "poll again": 304, "file": 200, "part": 206, "link": 200, "by link": 200,
    "delete": 204, "unknown path": 404, "deleted task": 410, "large body": 413,
    "invalid token": 401, "logout": 204,
}  # fmt: skip


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        yield context.new_page()


@pytest.fixture(scope="module")
def trip_result(browser: Browser, stack: Stack) -> Any:
    """Recorded responses of a page of a configured origin, by step."""
    with browser.new_context() as context, serve_pages(stack.pages_origin) as origin:
        page = context.new_page()
        monitor = PageMonitor(page)
        page.goto(f"{origin}/index.html")
        result = page.evaluate("base => trip(base)", stack.base_url)
        return {
            **result,
            "foreign_requests": monitor.foreign_requests,
            "stored_cookies": context.cookies(),
        }


def test_page_of_configured_origin_completes_every_step(trip_result):
    assert {step: trip_result[step]["status"] for step in STATUSES} == STATUSES
    result = trip_result["poll"]["body"]["result"]
    assert trip_result["total bytes"] == result["bytes"]
    assert trip_result["by link"]["body"] == trip_result["file"]["body"]
    assert trip_result["foreign_requests"] == []


def test_page_of_configured_origin_reads_response_headers(trip_result):
    def headers(step):
        return trip_result[step]["headers"]

    task = trip_result["submit"]["body"]
    assert headers("submit")["Location"] == task["links"]["self"]
    assert int(headers("submit")["Retry-After"]) >= 1
    assert headers("submit")["X-Request-ID"] == "page-42"
    assert headers("repeat with wait")["Idempotency-Replayed"] == "true"
    assert headers("repeat with wait")["Preference-Applied"] == "wait=20"
    assert headers("poll")["ETag"] == headers("poll again")["ETag"]
    assert "filename*=UTF-8''" in headers("file")["Content-Disposition"]
    assert headers("part")["Content-Range"].startswith("bytes 10-19/")
    assert len(trip_result["part"]["body"].encode()) == 10


@pytest.mark.guarantee("A page of a configured origin can read every problem.")
def test_page_of_configured_origin_reads_problems(trip_result):
    codes = {
        "unknown path": "not_found", "deleted task": "purged",
        "large body": "body_too_large", "invalid token": "token_not_valid",
    }  # fmt: skip

    assert {step: trip_result[step]["body"]["code"] for step in codes} == codes
    assert all(trip_result[step]["headers"]["X-Request-ID"] for step in codes)


def test_service_sets_no_cookies(trip_result):
    assert (trip_result["cookies"], trip_result["stored_cookies"]) == ("", [])


@pytest.mark.guarantee("Only pages of configured origins may call the API.")
def test_page_of_other_origin_gets_no_response(stack: Stack, page: Page):
    before = stack.query("SELECT count(*) FROM tasks_task")

    with serve_pages() as origin:
        page.goto(f"{origin}/index.html")
        results = page.evaluate("base => tryForbiddenRequests(base)", stack.base_url)

    assert origin != stack.pages_origin
    assert set(results.values()) == {"TypeError"}
    assert stack.query("SELECT count(*) FROM tasks_task") == before


def test_preflight_of_repeated_requests_is_sent_once(stack: Stack, page: Page):
    path = f"/tasks/{uuid.uuid4()}"
    with serve_pages(stack.pages_origin) as origin:
        page.goto(f"{origin}/index.html")
        page.evaluate(
            """async url => {
                const headers = { Authorization: "Bearer none" };
                for (let n = 0; n < 5; n++) await fetch(url, { headers });
            }""",
            stack.base_url + path,
        )

    log = stack.supervisor.log_path("web").read_text()
    assert log.count(f"OPTIONS {path}") == 1
    assert log.count(f"GET {path}") == 5
