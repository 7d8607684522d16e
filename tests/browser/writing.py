"""The editor of a post-mortem as tests drive it."""

from __future__ import annotations

import re
from typing import cast

from playwright.sync_api import Page, expect

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
