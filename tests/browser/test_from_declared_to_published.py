"""From a declared incident to a post-mortem that was reviewed and published, with five embeds: what people do."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenTab
from tests.browser.test_incident import all_answered
from tests.browser.writing import TEXT, embed_from_drawer, joined, saved, text_of
from tests.running import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.real_server("chromium")]
WORDS = "About 1,900 customers saw an error page for 6 min 30 s."


def declared(tab: Page) -> int:
    """The night once more, told by hand: the archive still has what the cluster said then."""
    tab.goto("/incidents/declare/")
    tab.get_by_label("Title").fill("Nobody could pay after 1.42.0")
    tab.get_by_label("Severity").select_option(label="SEV2")
    tab.get_by_label("Impact started").fill("2026-11-21T06:37:20")
    tab.get_by_label("Namespaces").fill("shop")
    tab.get_by_label("Services").fill("checkout")
    tab.get_by_role("button", name="Declare and collect evidence").click()
    tab.wait_for_url(re.compile(r"/incidents/\d+/$"))
    all_answered(tab)
    return int(tab.url.rstrip("/").rpartition("/")[2])


def embed_timeline(tab: Page) -> None:
    tab.get_by_role("button", name="Timeline range").click()
    dialog = tab.locator("[data-part-dialog]")
    dialog.get_by_label("From").fill("06:36")
    with tab.expect_response(re.compile("preview=1")):
        dialog.get_by_label(re.compile("^To")).first.fill("06:44")
    expect(dialog.locator("#part-preview table")).to_be_visible()
    dialog.get_by_role("button", name=re.compile("^Embed")).click()
    wait_for(lambda: "![[timeline from=" in text_of(tab), "the range is in the text")


def write(tab: Page) -> None:
    tab.locator(TEXT).press("Control+Home")
    tab.keyboard.type(WORDS + "\n\n")
    for kind in ("Event", "State change", "Log"):
        embed_from_drawer(tab, kind)
    embed_timeline(tab)
    tab.locator(TEXT).press("Control+End")
    tab.keyboard.type("\n\n```mermaid\nflowchart LR\nrelease --> scheduler --> node\n```\n")
    embed_from_drawer(tab, "Trace")
    expect(tab.locator("[data-preview] figure").nth(4)).to_be_attached()
    saved(tab)


def suggest(tab: Page, number: int) -> None:
    """Ben finds a number that is not exact enough, and says how it should read."""
    tab.goto(f"/incidents/{number}/postmortem/edit/")
    joined(tab)
    at = text_of(tab).index("1,900")
    tab.locator(TEXT).focus()
    tab.locator(TEXT).evaluate("(e, at) => e.cmTile.view.dispatch({ selection: { anchor: at, head: at + 5 } })", at)
    tab.keyboard.press("Control+Alt+m")
    expect(tab.get_by_label(re.compile("^About"))).to_have_value(re.compile("1,900"))
    tab.locator("#cmt-text").fill("@ada the ledger says so, see [[E-1]]")
    tab.get_by_label("Suggest a change of these words").check()
    tab.locator("#cmt-replacement").fill("1,912")
    tab.locator("[data-composer]").get_by_role("button", name="Comment").click()
    expect(tab.locator(".cmt ins")).to_have_text("912")


def test_from_the_declared_incident_to_the_published_page(tab_of: OpenTab) -> None:
    ada, ben = tab_of("ada"), tab_of("ben")
    number = declared(ada)
    ada.get_by_role("button", name="Write post-mortem").click()
    ada.wait_for_url("**/postmortem/edit/")
    joined(ada)
    write(ada)

    ada.get_by_role("button", name="Ask for review").click()
    asking = ada.get_by_role("dialog", name="Ask for review")
    asking.get_by_label("Who").select_option(label="Ben Lindqvist")
    asking.get_by_role("button", name="Ask them").click()
    joined(ada)

    ben.goto("/notices/")
    expect(ben.get_by_role("main")).to_contain_text("review")
    suggest(ben, number)
    thread = ada.locator(".cmt", has_text="the ledger says so")
    expect(thread).to_be_visible()
    thread.get_by_role("button", name="Accept").click()
    wait_for(lambda: WORDS.replace("1,900", "1,912") in text_of(ada), "Ada has Ben's number")
    wait_for(lambda: WORDS.replace("1,900", "1,912") in text_of(ben), "Ben sees it taken over")

    ben.goto(f"/incidents/{number}/postmortem/")
    ben.get_by_role("button", name="Approve").click()
    expect(ben.get_by_text("approved").first).to_be_visible()

    saved(ada)
    ada.get_by_role("button", name="Publish").click()
    ada.locator("#confirm").get_by_role("button", name="Publish").click()
    ada.wait_for_url(f"**/incidents/{number}/postmortem/")
    expect(ada.locator(".st", has_text="Published")).to_be_visible()
    expect(ada.get_by_text(WORDS.replace("1,900", "1,912"))).to_be_visible()
    assert ada.locator("article figure").count() >= 5
    expect(ada.get_by_text("cannot be shown here")).to_have_count(0)
    expect(ada.get_by_role("main")).to_contain_text("Ben Lindqvist")
