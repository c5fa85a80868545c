import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.support.chromium import REQUIRES_CHROMIUM, PageMonitor, serve_pages
from tests.support.stack import Stack

pytestmark = [
    REQUIRES_CHROMIUM,
    pytest.mark.deep("it works in a real browser"),
    pytest.mark.one_database("headers and origins know nothing of the database"),
]

STATUSES = {
    "login": 200, "catalogue": 200, "submit": 202, "again, waiting": 200, "poll": 200,
    "poll again": 304, "file": 200, "part": 206, "link": 200, "by link": 200,
    "erase": 204, "not there": 404, "erased": 410, "too much": 413, "no token": 401,
    "logout": 204,
}  # fmt: skip


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        yield context.new_page()


@pytest.fixture(scope="module")
def trip_result(browser: Browser, stack: Stack) -> Any:
    """What a page of an origin that is configured saw on its trip."""
    with browser.new_context() as context, serve_pages(stack.pages_origin) as origin:
        page = context.new_page()
        monitor = PageMonitor(page)
        page.goto(f"{origin}/index.html")
        result = page.evaluate("base => trip(base)", stack.base_url)
        return {
            **result,
            "outside": monitor.foreign_requests,
            "kept": context.cookies(),
        }


def test_page_of_a_configured_origin_goes_the_whole_way(trip_result):
    assert {step: trip_result[step]["status"] for step in STATUSES} == STATUSES
    result = trip_result["poll"]["body"]["result"]
    assert trip_result["bytes in all"] == result["bytes"]
    assert trip_result["by link"]["body"] == trip_result["file"]["body"]
    assert trip_result["outside"] == []


def test_page_reads_what_answers_tell_in_headers(trip_result):
    def headers(step):
        return trip_result[step]["headers"]

    task = trip_result["submit"]["body"]
    assert headers("submit")["Location"] == task["links"]["self"]
    assert int(headers("submit")["Retry-After"]) >= 1
    assert headers("submit")["X-Request-ID"] == "page-42"
    assert headers("again, waiting")["Idempotency-Replayed"] == "true"
    assert headers("again, waiting")["Preference-Applied"] == "wait=20"
    assert headers("poll")["ETag"] == headers("poll again")["ETag"]
    assert "filename*=UTF-8''" in headers("file")["Content-Disposition"]
    assert headers("part")["Content-Range"].startswith("bytes 10-19/")
    assert len(trip_result["part"]["body"].encode()) == 10


@pytest.mark.guarantee("A page of a configured origin can read every problem.")
def test_page_reads_problems(trip_result):
    codes = {
        "not there": "not_found", "erased": "purged",
        "too much": "body_too_large", "no token": "token_not_valid",
    }  # fmt: skip

    assert {step: trip_result[step]["body"]["code"] for step in codes} == codes
    assert all(trip_result[step]["headers"]["X-Request-ID"] for step in codes)


def test_nothing_is_kept_in_cookies(trip_result):
    assert (trip_result["cookies"], trip_result["kept"]) == ("", [])


@pytest.mark.guarantee("Only pages of configured origins may call the API.")
def test_page_of_another_origin_can_do_nothing(stack: Stack, page: Page):
    before = stack.query("SELECT count(*) FROM tasks_task")

    with serve_pages() as origin:
        page.goto(f"{origin}/index.html")
        refused = page.evaluate("base => refused(base)", stack.base_url)

    assert origin != stack.pages_origin
    assert set(refused.values()) == {"TypeError"}
    assert stack.query("SELECT count(*) FROM tasks_task") == before


def test_preflight_is_asked_once_for_many_requests(stack: Stack, page: Page):
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
