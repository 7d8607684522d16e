"""The post-mortem from its draft to the page that people read."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenTab
from tests.browser.test_incident import all_answered, declare

pytestmark = [pytest.mark.browser, pytest.mark.real_server("chromium")]
TEXT = "textarea[name=body]"


def saved(tab: Page) -> None:
    expect(tab.locator("[data-saved]")).to_have_text(re.compile(r"^Saved"))


def editor_of(tab: Page, number: int) -> None:
    tab.goto(f"/incidents/{number}/postmortem/edit/")
    expect(tab.locator(TEXT)).to_be_visible()


def test_typing_is_saved_by_itself_and_shown_beside(ada: Page, outage: int) -> None:
    editor_of(ada, outage)
    ada.locator(TEXT).press("Control+End")
    ada.keyboard.type("\n\nThe **pager** was loud.")
    expect(ada.locator("[data-preview] strong", has_text="pager")).to_be_visible()
    expect(ada.locator("[data-saved]")).to_have_text(re.compile("Not saved yet|Saving"))
    saved(ada)
    ada.reload()
    assert ada.locator(TEXT).input_value().rstrip().endswith("The **pager** was loud.")


def test_evidence_is_cited_and_embedded_from_the_drawer_by_keyboard(ada: Page, outage: int) -> None:
    editor_of(ada, outage)
    ada.locator(TEXT).press("Control+End")
    ada.keyboard.type("\n\nSee ")
    ada.get_by_role("searchbox", name="Search evidence").fill("CPU")
    item = ada.locator("[data-evidence]:visible", has_text="CPU").first
    key = item.get_attribute("data-evidence")
    item.get_by_role("button", name="Cite").focus()
    ada.keyboard.press("Enter")
    item.get_by_role("button", name="Embed").focus()
    ada.keyboard.press("Enter")
    text = ada.locator(TEXT).input_value()
    assert f"See [[{key}]]" in text
    assert f"![[{key}]]" in text
    expect(item.locator("[data-used]")).to_be_visible()
    expect(ada.locator("[data-preview] figure svg").last).to_be_visible()
    saved(ada)


def test_a_stale_save_shows_both_texts_and_loses_neither(tab_of: OpenTab) -> None:
    ada, ben = tab_of("ada"), tab_of("ben")
    number = declare(ada, "Two people write")
    all_answered(ada)
    ada.get_by_role("button", name="Write post-mortem").click()
    ada.wait_for_url("**/postmortem/edit/")
    editor_of(ben, number)
    ben.locator(TEXT).fill("## Summary\n\nWhat Ben knows.\n")
    saved(ben)
    ada.locator(TEXT).fill("## Summary\n\nWhat Ada knows.\n")
    banner = ada.locator("[data-conflict]")
    expect(banner).to_contain_text("Ben Lindqvist saved this text")
    assert "What Ada knows." in ada.locator(TEXT).input_value()
    banner.get_by_role("button", name="Compare and merge").click()
    dialog = ada.get_by_role("dialog", name="Compare and merge")
    expect(dialog.locator("[data-theirs]")).to_contain_text("What Ben knows.")
    expect(dialog.get_by_label("Your text")).to_have_value(re.compile("What Ada knows"))
    dialog.get_by_label("Your text").fill("## Summary\n\nWhat Ada knows. What Ben knows.\n")
    dialog.get_by_role("button", name="Save my text").click()
    saved(ada)
    ben.reload()
    assert "What Ada knows. What Ben knows." in ben.locator(TEXT).input_value()


def test_publishing_asks_first_and_publishes_the_text_on_the_screen(ada: Page) -> None:
    number = declare(ada, "Published by hand")
    all_answered(ada)
    ada.get_by_role("button", name="Write post-mortem").click()
    ada.wait_for_url("**/postmortem/edit/")
    ada.locator(TEXT).fill("## Summary\n\nThe probe waited for the database.\n\n## Impact\n\nNobody paid.\n")
    ada.get_by_role("button", name="Publish").click()
    question = ada.locator("#confirm")
    expect(question).to_contain_text("Published by hand")
    question.get_by_role("button", name="Publish").click()
    ada.wait_for_url(f"**/incidents/{number}/postmortem/")
    expect(ada.get_by_role("heading", name="Published by hand")).to_be_visible()
    expect(ada.get_by_text("The probe waited for the database.")).to_be_visible()
    expect(ada.locator(".st", has_text="Published")).to_be_visible()
    contents = ada.get_by_role("navigation", name="Contents")
    contents.get_by_role("link", name="Impact").click()
    expect(ada.get_by_role("heading", name="Impact")).to_be_in_viewport()


def test_cancelling_the_question_publishes_nothing(ada: Page) -> None:
    number = declare(ada, "Not published after all")
    all_answered(ada)
    ada.get_by_role("button", name="Write post-mortem").click()
    ada.wait_for_url("**/postmortem/edit/")
    ada.get_by_role("button", name="Publish").click()
    ada.locator("#confirm").get_by_role("button", name="Cancel").click()
    ada.goto(f"/incidents/{number}/postmortem/")
    expect(ada.locator("article .st", has_text="Draft")).to_be_visible()
