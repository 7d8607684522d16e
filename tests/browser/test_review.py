"""Review as people do it: comments beside the text, a suggestion that one press takes over, versions, history."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenTab
from tests.browser.test_incident import declare
from tests.browser.writing import TEXT, fill, open_editor, saved, text_of
from tests.running import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.real_server("chromium")]
BODY = "## Impact\n\nMany customers could not pay.\n\n## Detection\n\nAn alert fired after four minutes.\n"


def draft(tab: Page, title: str) -> int:
    number = declare(tab, title)
    tab.goto(f"/incidents/{number}/")
    tab.get_by_role("button", name="Write post-mortem").click()
    open_editor(tab, number)
    fill(tab, BODY)
    saved(tab)
    return number


def choose(tab: Page, words: str) -> None:
    """Selects words in the editor, as a person drags over them."""
    tab.locator(TEXT).evaluate(
        """(element, words) => {
          const view = element.cmTile.view;
          const from = view.state.doc.toString().indexOf(words);
          view.focus();
          view.dispatch({ selection: { anchor: from, head: from + words.length } });
        }""",
        words,
    )


def composer(tab: Page) -> Locator:
    return tab.locator("#comments [data-composer] form")


def send(tab: Page) -> None:
    composer(tab).get_by_role("button", name="Comment", exact=True).click()


def test_a_comment_reaches_the_other_editor_and_follows_its_words(tab_of: OpenTab) -> None:
    ada, ben = tab_of("ada"), tab_of("ben")
    number = draft(ada, "Commented on")
    open_editor(ben, number)
    choose(ada, "Many customers")
    ada.keyboard.press("Control+Alt+m")
    expect(composer(ada).get_by_label("About")).to_have_value("Many customers")
    ada.keyboard.type("How many, @ben?")
    send(ada)
    expect(ada.locator(".cm-comment")).to_have_text("Many customers")
    expect(ben.locator("#comments")).to_contain_text("How many, @ben?")
    expect(ben.locator(".cm-comment")).to_have_text("Many customers")
    ben.locator(TEXT).press("Control+Home")
    ben.keyboard.insert_text("## Summary\n\nIt broke.\n\n")
    expect(ada.locator(".cm-line", has_text="It broke.")).to_be_visible()
    expect(ada.locator(".cm-comment")).to_have_text("Many customers")
    ben.goto("/notices/")
    expect(ben.get_by_text("mentions you")).to_be_visible()


def test_what_is_typed_outlives_the_comments_of_others(tab_of: OpenTab) -> None:
    ada, ben = tab_of("ada"), tab_of("ben")
    number = draft(ada, "Typed at once")
    open_editor(ben, number)
    choose(ben, "four minutes")
    ben.keyboard.press("Control+Alt+m")
    ben.keyboard.type("Half a thought")
    choose(ada, "Many customers")
    ada.locator("[data-comment]").click()
    ada.keyboard.type("A whole one")
    send(ada)
    expect(ben.locator("#comments")).to_contain_text("A whole one")
    expect(composer(ben).get_by_label("Comment", exact=False).last).to_be_visible()
    expect(ben.locator("#cmt-text")).to_have_value("Half a thought")
    expect(ben.locator("#cmt-quote")).to_have_value("four minutes")
    expect(ben.locator("#cmt-text")).to_be_focused()


def test_one_press_takes_a_suggestion_over_in_every_editor(tab_of: OpenTab) -> None:
    ada, ben = tab_of("ada"), tab_of("ben")
    number = draft(ada, "Suggested to")
    open_editor(ben, number)
    choose(ben, "Many customers")
    ben.locator("[data-comment]").click()
    ben.get_by_label("Suggest a change of these words").check()
    expect(ben.locator("#cmt-replacement")).to_have_value("Many customers")
    ben.locator("#cmt-replacement").fill("1,900 customers")
    send(ben)
    ada.locator("#comments").get_by_role("button", name="Accept").click()
    for tab in (ada, ben):
        wait_for(lambda tab=tab: "1,900 customers could not pay" in text_of(tab), "the suggestion is in the text")
    expect(ada.locator("#comments")).to_contain_text("1 resolved")


def test_threads_are_walked_by_keys(ada: Page) -> None:
    draft(ada, "Walked by keys")
    for words in ("Many customers", "four minutes"):
        choose(ada, words)
        ada.keyboard.press("Control+Alt+m")
        ada.keyboard.type(f"About {words}")
        send(ada)
        expect(ada.locator("[data-thread]", has_text=f"About {words}")).to_be_visible()
    ada.locator("#comments summary").first.focus()
    ada.keyboard.press("j")
    expect(ada.locator("[data-thread]").nth(0)).to_be_focused()
    ada.keyboard.press("ArrowDown")
    expect(ada.locator("[data-thread]").nth(1)).to_be_focused()
    ada.keyboard.press("k")
    expect(ada.locator("[data-thread]").nth(0)).to_be_focused()


def test_from_review_to_a_second_version_and_what_changed(tab_of: OpenTab) -> None:
    ada, cy = tab_of("ada"), tab_of("cy")
    number = draft(ada, "Reviewed and published")
    ada.get_by_role("button", name="Ask for review").click()
    dialog = ada.get_by_role("dialog", name="Ask for review")
    expect(dialog).to_contain_text("Say in numbers")
    dialog.get_by_label("Who").select_option(label="Cy Moreau")
    dialog.get_by_role("button", name="Ask them").click()
    cy.goto(f"/incidents/{number}/postmortem/")
    cy.get_by_role("button", name="Approve").click()
    expect(cy.get_by_text("approved").first).to_be_visible()
    open_editor(ada, number)
    ada.get_by_role("button", name="Publish").click()
    ada.get_by_role("dialog").get_by_role("button", name="Publish").click()
    expect(ada.locator(".st", has_text="Published")).to_be_visible()
    open_editor(ada, number)
    fill(ada, BODY.replace("Many customers", "1,900 customers"))
    saved(ada)
    ada.get_by_role("button", name="Publish").click()
    dialog = ada.get_by_role("dialog", name="Publish version 2")
    dialog.get_by_label("What is new").fill("How many is known")
    dialog.get_by_role("button", name="Publish").click()
    expect(ada.get_by_text(re.compile("Updated .*: How many is known"))).to_be_visible()
    ada.get_by_role("link", name="History").click()
    ada.get_by_role("row", name=re.compile("Version 1 published")).get_by_role("link", name="Compare with now").click()
    expect(ada.locator("del").filter(has_text="Many")).to_be_visible()
    expect(ada.locator("ins").filter(has_text="1,900")).to_be_visible()
