"""What a team keeps of an incident: lessons, checklists, follow-ups, and the session that tells of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import pages
from tests.browser.conftest import OpenTab
from tests.browser.test_incident import declare
from tests.browser.writing import embed_from_drawer, open_editor, saved

pytestmark = [pytest.mark.browser, pytest.mark.real_server("chromium")]


def test_a_lesson_is_written_found_and_linked_to_its_post_mortem(ada: Page) -> None:
    ada.goto("/knowledge/lessons/new/")
    ada.get_by_label("Statement").fill("Ask who else restarts before you restart.")
    ada.get_by_label("Tags").fill("restarts, probes")
    ada.get_by_label("Learned from").fill("INC-1")
    ada.get_by_role("button", name="Save the lesson").click()
    expect(ada.get_by_role("heading", name="Ask who else restarts before you restart.")).to_be_visible()
    expect(ada.get_by_role("link", name=re.compile("INC-1 "))).to_be_visible()
    ada.goto("/search/?q=restarts")
    expect(ada.get_by_role("link", name=re.compile("Ask who else restarts"))).to_be_visible()


def test_a_checklist_is_ticked_waived_with_a_reason_and_signed_off(ada: Page) -> None:
    ada.goto("/checklists/")
    ada.get_by_role("link", name=re.compile("After the incident")).first.click()
    ada.get_by_label("or for a service").fill("checkout")
    ada.get_by_role("button", name="Start the checklist").click()
    sign_off = ada.get_by_role("button", name="Sign off")
    expect(sign_off).to_be_disabled()
    expect(ada.locator("#left")).to_contain_text("still open")
    ada.get_by_role("button", name="Waive…").first.click()
    ada.get_by_role("dialog").get_by_label("Why").fill("The drill had no impact.")
    ada.get_by_role("button", name="Waive it").click()
    expect(ada.get_by_text("The drill had no impact.")).to_be_visible()
    for _ in range(ada.get_by_role("button", name="Done").count()):
        ada.get_by_role("button", name="Done").first.click()
        ada.wait_for_load_state("load")
    sign_off.click()
    expect(ada.get_by_text("Signed off").first).to_be_visible()
    expect(ada.get_by_text(re.compile("by Ada Okafor")).first).to_be_visible()


def test_a_follow_up_gets_its_due_date_from_the_severity_and_needs_a_reason_not_to_be_done(ada: Page) -> None:
    number = declare(ada, "Follow me")
    ada.goto(f"/incidents/{number}/follow-ups/new/")
    ada.get_by_label("Title").fill("Alert on the retry rate")
    ada.get_by_role("button", name="Raise the follow-up").click()
    expect(ada.get_by_role("heading", name="Alert on the retry rate")).to_be_visible()
    expect(ada.locator("header", has_text="due").locator("time")).to_be_visible()
    ada.get_by_label("Status").select_option(label="Not doing")
    ada.get_by_role("button", name="Save").click()
    expect(ada.get_by_role("alert")).to_contain_text("Reason")
    ada.get_by_label("Reason").fill("The service is retired in March.")
    ada.get_by_role("button", name="Save").click()
    expect(ada.locator(".note", has_text="The service is retired in March.")).to_be_visible()


def planned_session(tab: Page) -> str:
    """Plans a session whose agenda was put in another order with the keyboard; returns its address."""
    tab.goto("/brown-bags/new/")
    tab.get_by_label("Title").fill("Two outages, one probe")
    rows = tab.locator("[data-agenda-item]")
    outage = rows.filter(has_text="Checkout errors after release")
    earlier = rows.filter(has_text="INC-1 ")
    outage.get_by_role("checkbox").check()
    earlier.get_by_role("checkbox").check()
    up = outage.get_by_role("button", name=re.compile("up$"))
    while rows.first.inner_text() != outage.inner_text():
        up.focus()
        tab.keyboard.press("Enter")
    tab.get_by_role("button", name=re.compile("Save|Plan")).last.click()
    tab.wait_for_url(re.compile(r"/brown-bags/\d+/$"))
    return tab.url


def test_the_agenda_keeps_the_order_it_was_given_by_keyboard(ada: Page) -> None:
    planned_session(ada)
    agenda = ada.locator("section", has_text="Agenda").locator("li")
    expect(agenda.first).to_contain_text("Checkout errors after release")
    expect(agenda.nth(1)).to_contain_text("INC-1 ")


def exported(tab: Page, name: str, folder: Path) -> Path:
    """Small formats come at once, the others when their page offers them."""
    tab.get_by_text("Export", exact=True).click()
    with tab.expect_download() as waiting:
        tab.get_by_role("button", name=name).click()
        if name != "Markdown":
            tab.get_by_role("link", name="Download").click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def test_the_markdown_export_holds_both_post_mortems(ada: Page, tmp_path: Path) -> None:
    planned_session(ada)
    text = exported(ada, "Markdown", tmp_path).read_text()
    assert text.startswith("# Two outages, one probe")
    assert text.index("Checkout errors after release") < text.index("One node, one replica, no checkout")


def test_the_html_export_opens_from_disk_with_its_charts_and_asks_nobody(
    tab_of: OpenTab, chromium: Browser, tmp_path: Path, outage: int
) -> None:
    ada = tab_of("ada")
    open_editor(ada, outage)
    embed_from_drawer(ada, "Metric")
    saved(ada)
    planned_session(ada)
    file = exported(ada, "HTML page, one file", tmp_path)
    context = chromium.new_context(viewport=pages.DESKTOP)
    tab = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda line: said.append(line.text))
    tab.goto(file.as_uri())
    expect(tab.get_by_role("heading", level=1, name="Two outages, one probe")).to_be_visible()
    assert tab.locator("svg.viz path.line").count() >= 1
    drawn = tab.locator("svg.viz").first.bounding_box()
    assert drawn is not None
    assert drawn["width"] > 200
    assert tab.locator("svg.viz path.line").first.evaluate("e => getComputedStyle(e).fill") == "none"
    assert asked == [file.as_uri()]
    assert said == []
    assert pages.too_wide(tab) == []
    context.close()
