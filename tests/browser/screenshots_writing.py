"""Pictures of writing, reviewing, comparing and reading for docs/images/writing:
`python -m tests.browser.screenshots_writing`. Two people are in the text while they are taken.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser import pages
from tests.browser.stack import Demo, demo
from tests.browser.writing import TEXT, open_editor, saved, text_of
from tests.system import chromium_arguments, chromium_path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images" / "writing"
LOOKS: dict[str, tuple[Any, str]] = {
    "": (pages.DESKTOP, "light"),
    "-dark": (pages.DESKTOP, "dark"),
    "-phone": (pages.PHONE, "light"),
    "-phone-dark": (pages.PHONE, "dark"),
}
SELECT = "(e, [from, to]) => e.cmTile.view.dispatch({ selection: { anchor: from, head: to }, scrollIntoView: true })"


def prepare(ada: Page, ben: Page, number: int) -> None:
    """Ada has written, Ben has a question and a suggestion, and both are still there."""
    open_editor(ada, number)
    at = text_of(ada).index("Customers see")
    ada.locator(TEXT).evaluate(SELECT, [at, at])
    ada.locator(TEXT).focus()
    ada.keyboard.type("About 1,900 customers saw an error page when they tried to pay. ")
    saved(ada)
    open_editor(ben, number)
    remark(ben, "1,900", "@ada from which query? Please cite it.", None)
    remark(ben, "tried to pay", "", "paid")
    at = text_of(ben).index("Impact lasted")
    ben.locator(TEXT).evaluate(SELECT, [at, at + 13])
    ben.locator(TEXT).focus()


def remark(tab: Page, quote: str, words: str, replacement: str | None) -> None:
    at = text_of(tab).index(quote)
    tab.locator(TEXT).evaluate(SELECT, [at, at + len(quote)])
    tab.locator(TEXT).focus()
    tab.keyboard.press("Control+Alt+m")
    expect(tab.locator("#cmt-quote")).to_have_value(re.compile(re.escape(quote)))
    tab.locator("#cmt-text").fill(words)
    if replacement is not None:
        tab.get_by_label("Suggest a change of these words").check()
        tab.locator("#cmt-replacement").fill(replacement)
    tab.locator("[data-composer]").get_by_role("button", name="Comment").click()
    expect(tab.locator(".cmt", has_text=words or replacement)).to_be_visible()


def take(browser: Browser, stack: Demo) -> None:
    given = {"viewport": pages.DESKTOP, "base_url": stack.address, "timezone_id": "UTC"}
    people = {n: pages.signed_in(browser, stack.manage("sign_in_link", n), **given) for n in ("ada", "ben")}
    ada, ben = (context.new_page() for context in people.values())
    number = pages.outage_number(ada, stack.address)
    base = f"{stack.address}/incidents/{number}/postmortem"
    prepare(ada, ben, number)
    addresses = {
        "editor": f"{base}/edit/",
        "review": f"{base}/comments/",
        "difference": f"{base}/history/",
        "reading": f"{base}/",
    }
    state = people["ada"].storage_state()
    for suffix, (size, scheme) in LOOKS.items():
        context = browser.new_context(storage_state=state, viewport=size, color_scheme=scheme, timezone_id="UTC")
        tab = context.new_page()
        for name, address in addresses.items():
            tab.goto(address, wait_until="load")
            if name == "editor":
                expect(tab.locator("form[data-together]")).to_be_attached()
                expect(tab.locator("[data-present]")).to_contain_text("2 here")
            if name == "difference":
                tab.get_by_role("link", name="Compare with now").first.click()
                tab.wait_for_load_state("load")
            tab.evaluate("document.fonts.ready")
            tab.wait_for_timeout(800)
            tab.screenshot(path=FOLDER / f"{name}{suffix}.png")
        context.close()


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=chromium_arguments())
        with demo(Path(folder) / "data") as stack:
            take(browser, stack)
        browser.close()


if __name__ == "__main__":
    main()
