"""Set-up of a second factor in the admin, in Chromium."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.chromium import REQUIRES_CHROMIUM, PageMonitor
from tests.support.otp import code_of
from tests.support.stack import Stack

pytestmark = [
    REQUIRES_CHROMIUM,
    pytest.mark.deep("it needs a real browser"),
    pytest.mark.one_database("pages do not depend on the database"),
]


def log_in(page, otp=""):
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", "demo")
    page.fill("[name=otp]", otp)
    page.click("[type=submit]")


def set_up_second_factor(page, folder):
    """Set up a second factor, and return the recovery codes."""
    page.click("text=Second factor")
    page.fill("[name=password]", "demo")
    page.click("button[value=start]")
    box = page.locator("#qr-code svg").bounding_box()
    assert box["width"] == box["height"] > 150
    page.screenshot(path=folder / "set-up.png", full_page=True)
    secret = page.locator("#otp-secret").inner_text()
    page.fill("[name=otp]", code_of(secret))
    page.click("#confirm-form [type=submit]")
    codes = page.locator("#recovery-codes li").all_inner_texts()
    page.screenshot(path=folder / "codes.png", full_page=True)
    return codes


def remove_second_factor(page, code):
    """Leave the user as it was: the other tests share the service."""
    page.click("text=Second factor")
    page.fill("[name=password]", "demo")
    page.fill("[name=otp]", code)
    page.click("button[value=remove]")
    expect(page.locator("button[value=start]")).to_be_visible()


def sign_out(page):
    page.click("#logout-form button")


def test_admin_sets_up_second_factor_and_logs_in_with_it(
    browser: Browser, stack: Stack, tmp_path: Path
) -> None:
    with browser.new_context(locale="en-US") as context:
        page = context.new_page()
        monitor = PageMonitor(page)
        page.goto(f"{stack.base_url}/admin/")
        log_in(page)
        codes = set_up_second_factor(page, tmp_path)
        assert (
            len({code for code in codes if re.fullmatch(r"[a-z2-7-]{19}", code)}) == 10
        )

        sign_out(page)
        page.goto(f"{stack.base_url}/admin/")
        log_in(page)
        expect(page.locator(".errornote")).to_be_visible()
        page.screenshot(path=tmp_path / "log-in.png", full_page=True)
        log_in(page, codes[0])
        expect(page.locator("#user-tools")).to_be_visible()
        assert monitor.foreign_requests == []

        remove_second_factor(page, codes[1])
