import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.support.chromium import NEEDS_BROWSER, Watched, pages_at
from tests.support.stack import Stack

pytestmark = [
    NEEDS_BROWSER,
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
def told(browser: Browser, stack: Stack) -> Any:
    """What a page of an origin that is configured saw on its trip."""
    with browser.new_context() as context, pages_at(stack.pages) as origin:
        page = context.new_page()
        watched = Watched(page)
        page.goto(f"{origin}/index.html")
        seen = page.evaluate("base => trip(base)", stack.base)
        return {**seen, "outside": watched.outside, "kept": context.cookies()}


def test_page_of_a_configured_origin_goes_the_whole_way(told):
    assert {step: told[step]["status"] for step in STATUSES} == STATUSES
    result = told["poll"]["body"]["result"]
    assert told["bytes in all"] == result["bytes"]
    assert told["by link"]["body"] == told["file"]["body"]
    assert told["outside"] == []


def test_page_reads_what_answers_tell_in_headers(told):
    def headers(step):
        return told[step]["headers"]

    task = told["submit"]["body"]
    assert headers("submit")["Location"] == task["links"]["self"]
    assert int(headers("submit")["Retry-After"]) >= 1
    assert headers("submit")["X-Request-ID"] == "page-42"
    assert headers("again, waiting")["Idempotency-Replayed"] == "true"
    assert headers("again, waiting")["Preference-Applied"] == "wait=20"
    assert headers("poll")["ETag"] == headers("poll again")["ETag"]
    assert "filename*=UTF-8''" in headers("file")["Content-Disposition"]
    assert headers("part")["Content-Range"].startswith("bytes 10-19/")
    assert len(told["part"]["body"].encode()) == 10


@pytest.mark.guarantee("A page of a configured origin can read every problem.")
def test_page_reads_problems(told):
    codes = {
        "not there": "not_found", "erased": "purged",
        "too much": "body_too_large", "no token": "token_not_valid",
    }  # fmt: skip

    assert {step: told[step]["body"]["code"] for step in codes} == codes
    assert all(told[step]["headers"]["X-Request-ID"] for step in codes)


def test_nothing_is_kept_in_cookies(told):
    assert (told["cookies"], told["kept"]) == ("", [])


@pytest.mark.guarantee("Only pages of configured origins may call the API.")
def test_page_of_another_origin_can_do_nothing(stack: Stack, page: Page):
    before = stack.query("SELECT count(*) FROM tasks_task")

    with pages_at() as origin:
        page.goto(f"{origin}/index.html")
        refused = page.evaluate("base => refused(base)", stack.base)

    assert origin != stack.pages
    assert set(refused.values()) == {"TypeError"}
    assert stack.query("SELECT count(*) FROM tasks_task") == before


def test_preflight_is_asked_once_for_many_requests(stack: Stack, page: Page):
    path = f"/tasks/{uuid.uuid4()}"
    with pages_at(stack.pages) as origin:
        page.goto(f"{origin}/index.html")
        page.evaluate(
            """async url => {
                const headers = { Authorization: "Bearer none" };
                for (let n = 0; n < 5; n++) await fetch(url, { headers });
            }""",
            stack.base + path,
        )

    log = stack.keeper.log_path("web").read_text()
    assert log.count(f"OPTIONS {path}") == 1
    assert log.count(f"GET {path}") == 5
