"""A person declares an incident, watches evidence arrive, and works on its timeline."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import axe
from tests.browser.conftest import OpenTab
from tests.stand_ins.server import Asked, Reply, StandIn

pytestmark = [pytest.mark.browser, pytest.mark.real_server("chromium")]


class SlowAndRefusing(StandIn):
    """A backend that lets one wait and then says no."""

    def answer(self, asked: Asked) -> Reply:
        time.sleep(1.5)
        return Reply.of_json({"status": "error", "error": "the viewer may not query"}, 403)


@pytest.fixture
def slow_source(tab_of: OpenTab) -> Iterator[str]:
    """A Prometheus of that kind, connected and taken away again on the page of sources."""
    admin, name = tab_of("admin"), "Slow Prometheus"
    with SlowAndRefusing() as server:
        admin.goto("/sources/new/?kind=prometheus")
        admin.get_by_label("Name", exact=True).fill(name)
        admin.get_by_label("Address", exact=True).fill(server.url)
        admin.get_by_label("On this machine").check()
        admin.get_by_role("button", name="Save and test").click()
        expect(admin.get_by_role("heading", name=name)).to_be_visible()
        yield name
        admin.goto("/sources/")
        admin.get_by_role("button", name=f"Remove {name}").click()
        admin.get_by_role("dialog").get_by_role("button", name="Remove the source").click()
        expect(admin.get_by_role("heading", name=name)).to_have_count(0)


def declare(tab: Page, title: str, **given: str) -> int:
    """The number of the new incident; the tab stands on its page."""
    tab.goto("/incidents/declare/")
    tab.get_by_label("Title").fill(title)
    for label, value in given.items():
        tab.get_by_label(label.capitalize()).fill(value)
    tab.get_by_role("button", name="Declare and collect evidence").click()
    tab.wait_for_url(re.compile(r"/incidents/\d+/$"))
    return int(tab.url.rstrip("/").rpartition("/")[2])


def all_answered(tab: Page) -> None:
    """Until no source is being asked any more: from then on a draft changes only by hand."""
    expect(tab.locator("#outcomes .strip .out").first).to_be_visible()
    expect(tab.locator("#outcomes", has_text="questions answered")).to_have_count(0, timeout=60_000)


def test_a_declared_incident_shows_progress_and_then_each_outcome_with_its_reason(ada: Page, slow_source: str) -> None:
    declare(ada, "Payments time out", namespaces="shop", services="checkout")
    ada.evaluate("window.same_page = true")
    expect(ada.locator("#outcomes").get_by_text("questions answered")).to_be_visible()
    expect(ada.locator("#outcomes").get_by_text(re.compile(r"\d+ failed"))).to_be_visible(timeout=60_000)
    refused = ada.locator("#outcomes .src", has_text=slow_source).first
    expect(refused).to_contain_text("Denied")
    expect(ada.locator("#outcomes").get_by_text(re.compile(r"\d+ (complete|empty)")).first).to_be_visible()
    assert ada.evaluate("window.same_page") is True


def test_a_refused_declaration_keeps_every_typed_value(ada: Page) -> None:
    ada.goto("/incidents/declare/")
    typed = {
        "Services": "checkout, web",
        "Namespaces": "shop",
        "Workloads": "shop/deploy/checkout",
        "Summary": "Nobody can **pay**.",
    }
    ada.get_by_label("Title").fill("x" * 10_000)
    for label, value in typed.items():
        ada.get_by_label(label).fill(value)
    ada.get_by_label("Severity").select_option(label="SEV1")
    ada.get_by_label("Impact started").fill("2026-11-21T06:37:20")
    ada.get_by_role("button", name="Declare and collect evidence").click()
    alert = ada.get_by_role("alert")
    expect(alert).to_contain_text("Title")
    expect(alert).to_contain_text("200")
    assert ada.get_by_label("Title").input_value() == "x" * 10_000
    assert {label: ada.get_by_label(label).input_value() for label in typed} == typed
    assert ada.get_by_label("Severity").evaluate("e => e.selectedOptions[0].label") == "SEV1"
    assert ada.get_by_label("Impact started").input_value().startswith("2026-11-21T06:37:20")


def test_the_timeline_is_narrowed_by_source_without_leaving_the_page(ada: Page, outage: int) -> None:
    ada.goto(f"/incidents/{outage}/")
    ada.evaluate("window.same_page = true")
    ada.locator("label.chip", has_text="Notes").click()
    expect(ada.locator("#timeline .tl-row", has_text="FailedScheduling")).to_have_count(0)
    expect(ada.locator("#timeline .tl-row", has_text="Rolled checkout back to 1.41.0")).to_be_visible()
    assert ada.evaluate("window.same_page") is True


def test_finding_in_the_timeline_keeps_the_focus_in_the_field(ada: Page, outage: int) -> None:
    ada.goto(f"/incidents/{outage}/")
    field = ada.get_by_role("searchbox", name="Find in the timeline")
    field.fill("HPA does not matter")
    field.fill("CrashLoop")
    field.press("Enter")
    expect(ada.locator("#timeline .tl-row", has_text="FailedScheduling")).to_have_count(0)
    assert ada.evaluate("document.activeElement.id") == "tl-find"
    assert field.input_value() == "CrashLoop"


def test_a_line_is_pinned_and_another_hidden_and_brought_back(ada: Page, outage: int) -> None:
    ada.goto(f"/incidents/{outage}/?find=Kubelet+stopped")
    line = ada.locator("#timeline .tl-row", has_text="Kubelet stopped posting").first
    line.get_by_role("button", name="Pin").click()
    expect(line).to_have_class(re.compile("is-pin"))
    line.get_by_role("button", name="Unpin").click()
    expect(line).not_to_have_class(re.compile("is-pin"))
    line.get_by_role("button", name="Hide from the timeline").click()
    expect(line).to_have_class(re.compile("is-off"))
    line.get_by_role("button", name="Show again").click()
    expect(line).not_to_have_class(re.compile("is-off"))


def test_a_note_with_a_time_stands_at_its_minute(ada: Page, outage: int) -> None:
    ada.goto(f"/incidents/{outage}/")
    ada.get_by_role("button", name="Add a note").click()
    ada.get_by_label("What happened").fill("Called the database team.")
    ada.get_by_role("textbox", name="Time empty means now").fill("2026-11-21T06:40:05")
    ada.get_by_role("button", name="Add the note").click()
    ada.goto(f"/incidents/{outage}/?find=database+team")
    line = ada.locator("#timeline .tl-row", has_text="Called the database team.")
    expect(line.locator("time")).to_have_text("06:40:05")
    expect(line.locator("time")).to_have_attribute("title", "2026-11-21 06:40:05 UTC")


def focus_by_tab(tab: Page, wanted: str, most: int = 80) -> None:
    """Press Tab until the element with this accessible name or text has the focus."""
    for _ in range(most):
        tab.keyboard.press("Tab")
        named: Any = tab.evaluate(
            """() => { const e = document.activeElement;
            return [e.getAttribute("aria-label"), e.labels?.[0]?.textContent, e.textContent].find(t => t?.trim())?.trim() }"""
        )
        if named and named.startswith(wanted):
            return
    raise AssertionError(f"{wanted!r} was not reached with Tab")


def test_an_incident_is_declared_and_noted_with_the_keyboard_alone(ada: Page) -> None:
    ada.goto("/")
    focus_by_tab(ada, "Declare")
    ada.keyboard.press("Enter")
    ada.wait_for_url("**/incidents/declare/")
    focus_by_tab(ada, "Title")
    ada.keyboard.type("Declared without a mouse")
    ada.keyboard.press("Enter")
    ada.wait_for_url(re.compile(r"/incidents/\d+/$"))
    focus_by_tab(ada, "Add a note")
    ada.keyboard.press("Enter")
    ada.keyboard.type("Typed, not clicked.")
    focus_by_tab(ada, "Add the note", most=20)
    ada.keyboard.press("Enter")
    expect(ada.locator("#timeline .tl-row", has_text="Typed, not clicked.")).to_be_visible()


def test_an_update_is_given_in_its_dialog_and_stands_under_the_header(ada: Page) -> None:
    number = declare(ada, "Search answers slowly")
    ada.get_by_role("link", name="Update", exact=True).click()
    dialog = ada.get_by_role("dialog", name="Give an update")
    expect(dialog.get_by_label("What to say")).to_be_focused()
    dialog.get_by_label("What to say").fill("One replica answers slowly; it is taken away.")
    dialog.get_by_label("Status").select_option("Identified")
    dialog.get_by_label("Next update within").select_option("30 minutes")
    dialog.get_by_role("button", name="Post the update").click()
    last = ada.get_by_role("region", name="Last update")
    expect(last).to_contain_text("One replica answers slowly")
    expect(last).to_contain_text("Identified")
    expect(last).to_contain_text("next promised for")
    assert ada.url.endswith(f"/incidents/{number}/")
    assert axe.grave(axe.findings(ada)) == []


def test_a_channel_template_shows_its_example_while_it_is_typed(tab_of: OpenTab) -> None:
    admin = tab_of("admin")
    admin.goto("/settings/slack/")
    admin.get_by_label("Channel template").fill("{severity}-{number}")
    expect(admin.locator("#channel-example")).to_have_text("#sev2-42 for Checkout answers 503")
    admin.get_by_label("Channel template").fill("incident")
    expect(admin.locator("#channel-example")).to_contain_text("lacks {number}")
