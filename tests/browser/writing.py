"""The editor of a post-mortem as tests drive it."""

from __future__ import annotations

import re
from typing import cast

from playwright.sync_api import Page, expect

from tests.running import wait_for

TEXT = ".ed-mirror .cm-content"
FIELD = "textarea[name=body]"


def open_editor(tab: Page, number: int) -> None:
    tab.goto(f"/incidents/{number}/postmortem/edit/")
    joined(tab)


def joined(tab: Page) -> None:
    """The shared document is here."""
    expect(tab.locator("form[data-together]")).to_be_attached()
    expect(tab.locator(TEXT)).to_be_visible()


def text_of(tab: Page) -> str:
    """What stands in the editor, also the lines that are not drawn."""
    found = tab.locator(TEXT).evaluate("e => e.cmTile.view.state.doc.toString()")
    return cast(str, found)


def fill(tab: Page, text: str) -> None:
    tab.locator(TEXT).press("Control+a")
    tab.keyboard.press("Delete")
    tab.keyboard.insert_text(text)


def saved(tab: Page) -> None:
    expect(tab.locator("[data-saved]")).to_have_text(re.compile(r"^Saved"))


def embed_from_drawer(tab: Page, kind: str) -> None:
    drawer = tab.get_by_role("complementary", name="Evidence")
    with tab.expect_response(re.compile(r"/evidence/drawer/|/drawer/")):
        drawer.locator(".chip", has_text=re.compile(rf"^{kind} \d")).click()
    expect(drawer.locator(".htmx-request")).to_have_count(0)
    tab.wait_for_timeout(100)
    item = drawer.locator("[data-evidence]").first
    expect(item).to_be_visible()
    key = item.get_attribute("data-evidence")
    item.get_by_role("button", name=re.compile("^Embed")).click()
    wait_for(lambda: f"![[{key}]]" in text_of(tab), f"{key} is in the text")
