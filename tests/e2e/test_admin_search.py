"""Search and autocomplete of the admin in Chromium: no name stands in a URL."""

import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import REQUIRES_CHROMIUM, PageMonitor
from tests.support.stack import Stack

pytestmark = [
    REQUIRES_CHROMIUM,
    pytest.mark.deep("it needs a real browser"),
    pytest.mark.one_database("the pages do not depend on the database"),
]


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 1300, "height": 1000}) as context:
        page = context.new_page()
        page.goto(f"{stack.base_url}/admin/")
        page.locator("#id_username").fill("admin")
        page.locator("#id_password").fill("demo")
        page.locator("input[type=submit]").click()
        page.locator("#site-name").wait_for()
        yield page


def search_students(page: Page, base_url: str, name: str, registration: str) -> None:
    """Search the list of students by name, and sort what is found."""
    page.goto(f"{base_url}/admin/school/student/")
    page.locator("#searchbar").fill(name)
    page.locator("#changelist-search input[type=submit]").click()
    row = page.locator("#result_list tbody tr", has_text=registration)
    row.wait_for()
    assert re.search(r"/admin/school/student/\?s=\w{12}$", page.url)
    page.locator("#result_list thead th.column-registration a").first.click()
    row.wait_for()
    expect(page.locator("#searchbar")).to_have_value(name)


def choose_student(page: Page, base_url: str, name: str, registration: str) -> None:
    """Choose the student of the first enrolment by autocomplete, and save."""
    page.goto(f"{base_url}/admin/school/enrolment/1/change/")
    page.locator(".field-student .select2-selection").click()
    page.locator(".select2-search__field").fill(registration)
    options = page.locator(".select2-results__option")
    expect(options).to_have_text([name])
    options.click()
    page.locator("input[name=_save]").click()
    page.locator(".messagelist .success").wait_for()


@pytest.mark.guarantee("No search in the admin stands in a URL.")
def test_admin_search_sends_no_name_in_a_url(page: Page, stack: Stack) -> None:
    [student] = stack.query("SELECT name, registration FROM school_student WHERE id=1")
    name, registration = student
    monitor = PageMonitor(page)

    search_students(page, stack.base_url, name, registration)
    choose_student(page, stack.base_url, name, registration)

    words = [registration, *(word for word in name.split() if len(word) > 3)]
    urls = [unquote_plus(url) for url in monitor.requests]
    web_log = stack.supervisor.log_path("web").read_text()
    assert [url for url in urls if any(word in url for word in words)] == []
    assert any(url.endswith("/admin/autocomplete/") for url in urls)
    assert "POST /admin/autocomplete/" in web_log
    assert not any(word in web_log for word in words)
    assert monitor.errors == []
