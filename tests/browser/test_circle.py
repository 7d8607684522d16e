"""The whole circle: what one incident taught comes back with the next one, is checked, and is told to everybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, TimeoutError, expect
from pptx import Presentation

from tests.browser.conftest import OpenTab
from tests.browser.test_incident import all_answered
from tests.browser.writing import embed_from_drawer, fill, joined, saved
from tests.running import wait_for
from tests.stand_ins.prometheus import PrometheusStandIn

pytestmark = [pytest.mark.browser, pytest.mark.real_server("chromium")]
FIRST = "The shop took no money after the release"
AGAIN = "Payments answer 503 once more"
TITLE = "A probe that asked the database"
LESSON = "Liveness of checkout must ask the process alone."
BODY = f"""## Summary

Customers saw an error page for six minutes. {LESSON}

## What happened

The database pod was lost with its node, and every checkout pod was restarted with it.
"""
ITEM = "Liveness asks the process alone"
EXPRESSION = "min by (workload) (probe_asks_process_alone)"


@pytest.fixture
def probes(tab_of: OpenTab) -> Iterator[PrometheusStandIn]:
    """A Prometheus that knows what the probes of checkout ask, connected and taken away again on the page of sources."""
    admin, name = tab_of("admin"), "Prometheus of the probes"
    with PrometheusStandIn() as server:
        server.series = []
        say(server, "0")
        admin.goto("/sources/new/?kind=prometheus")
        admin.get_by_label("Name", exact=True).fill(name)
        admin.get_by_label("Address", exact=True).fill(server.url)
        admin.get_by_label("On this machine").check()
        admin.get_by_role("button", name="Save and test").click()
        expect(admin.get_by_role("heading", name=name)).to_be_visible()
        yield server
        admin.goto("/sources/")
        admin.get_by_role("button", name=f"Remove {name}").click()
        admin.get_by_role("dialog").get_by_role("button", name="Remove the source").click()
        expect(admin.get_by_role("heading", name=name)).to_have_count(0)


def say(server: PrometheusStandIn, value: str) -> None:
    server.vectors = {"min by": [({"workload": "checkout"}, value)]}


def declared(tab: Page, title: str) -> int:
    """The night of the recorded outage under another name; everything that it left has been collected."""
    tab.goto("/incidents/declare/")
    tab.get_by_label("Title").fill(title)
    tab.get_by_label("Severity").select_option(label="SEV2")
    tab.get_by_label("Impact started").fill("2026-11-21T06:37:20")
    tab.get_by_label("Namespaces").fill("shop")
    tab.get_by_label("Services").fill("checkout")
    tab.get_by_role("button", name="Declare and collect evidence").click()
    tab.wait_for_url(re.compile(r"/incidents/\d+/$"))
    all_answered(tab)
    return int(tab.url.rstrip("/").rpartition("/")[2])


def reloaded(tab: Page, found: Locator, what: str) -> None:
    """What a worker has yet to do shows on the page that is read next."""

    def there() -> bool:
        tab.reload()
        with suppress(TimeoutError):
            found.first.wait_for(timeout=1_000)
        return found.count() > 0

    wait_for(there, what)


def write_and_publish(tab: Page, number: int) -> None:
    tab.get_by_role("button", name="Write post-mortem").click()
    tab.wait_for_url("**/postmortem/edit/")
    joined(tab)
    tab.get_by_label("Title").first.fill(TITLE)
    fill(tab, BODY)
    embed_from_drawer(tab, "State change")
    saved(tab)
    tab.get_by_role("button", name="Publish").click()
    tab.locator("#confirm").get_by_role("button", name="Publish").click()
    tab.wait_for_url(f"**/incidents/{number}/postmortem/")
    expect(tab.locator(".st", has_text="Published")).to_be_visible()


def make_lesson(tab: Page) -> str:
    """The key of the lesson that was made of selected words; what its incident showed is suggested."""
    select = """(e, words) => {
      const text = [...e.childNodes].find(node => node.textContent.includes(words));
      const range = document.createRange(), at = text.textContent.indexOf(words);
      range.setStart(text, at); range.setEnd(text, at + words.length);
      getSelection().removeAllRanges(); getSelection().addRange(range);
    }"""
    tab.locator(".prose p", has_text=LESSON).first.evaluate(select, LESSON)
    tab.get_by_role("link", name="Make a lesson").click()
    expect(tab.get_by_label("Statement")).to_have_value(LESSON)
    expect(tab.get_by_label("Comes back with")).to_have_value(re.compile("reason:|workload:"))
    tab.get_by_role("button", name="Save the lesson").click()
    tab.wait_for_url(re.compile(r"/knowledge/lessons/\d+/$"))
    return f"L-{tab.url.rstrip('/').rpartition('/')[2]}"


def make_checklist(tab: Page, lesson: str) -> str:
    """The address of a checklist with an item that the lesson asks for and Debrief checks."""
    tab.get_by_text("Make it a checklist item").click()
    tab.get_by_role("link", name="In a new checklist").click()
    tab.get_by_label("Name").fill("Before a release of checkout")
    item = tab.locator("[data-agenda-item]").first
    expect(item.get_by_label(re.compile("From lesson"))).to_have_value(lesson)
    item.get_by_label(re.compile("^Item")).fill(ITEM)
    item.get_by_label("Checked by").select_option("promql")
    item.get_by_label(re.compile("^Its parameters")).fill(f"expression: {EXPRESSION}\ncomparison: >=\nvalue: 1")
    other = tab.locator("[data-agenda-item]").nth(1)
    other.get_by_label(re.compile("^Item")).fill("Two replicas or more")
    other.get_by_label("Checked by").select_option("replicas")
    tab.get_by_role("button", name="Save the checklist").click()
    tab.wait_for_url(re.compile(r"/checklists/\d+/$"))
    return tab.url


def seen_before(tab: Page, first: int, lesson: str) -> None:
    panel = tab.locator("section", has=tab.get_by_role("heading", name="Seen before"))
    match = panel.locator(".seen", has=tab.get_by_role("link", name=re.compile(f"^INC-{first} ")))
    reloaded(tab, match, "the first incident is seen before")
    expect(match.locator(".why li").first).to_be_visible()
    expect(match.locator(".why a.ev").first).to_be_visible()
    expect(panel.locator("[id^=lesson-]", has_text=lesson)).to_contain_text(LESSON)


def raise_followup(tab: Page, checklist: str, number: int) -> None:
    """The failing item becomes a follow-up in one press; the tab stands on its page."""
    tab.goto(checklist)
    form = tab.locator("form", has=tab.get_by_role("button", name="Start the checklist"))
    form.get_by_label("For an incident").select_option(str(number))
    # Other tests may have connected a cluster of their own.
    form.get_by_label("Cluster").select_option(label="prod-eu")
    form.get_by_label("Namespace").fill("shop")
    form.get_by_role("button", name="Start the checklist").click()
    tab.wait_for_url(re.compile(r"/checklists/runs/\d+/$"))
    expect(tab.locator(".ck", has_text="Two replicas or more")).to_contain_text("0 of 3 replicas ready")
    failing = tab.locator(".ck", has_text=ITEM)
    expect(failing.locator("> .out")).to_have_text(re.compile("fail", re.IGNORECASE))
    failing.get_by_role("button", name="Raise a follow-up").click()
    tab.locator(".ck", has_text=ITEM).get_by_role("link", name=re.compile("^F-")).click()


def done_by_its_check(tab: Page, probes: PrometheusStandIn) -> None:
    check = tab.locator("section", has=tab.get_by_role("heading", name="Its check"))
    reloaded(tab, check.locator(".panel-h", has_text="Fail"), "the check of the follow-up fails")
    say(probes, "1")
    check.get_by_role("button", name="Check now").click()
    reloaded(tab, check.get_by_text("Proposed as done:"), "the follow-up is proposed as done")
    check.get_by_role("button", name="Accept as done").click()
    expect(tab.locator("header .st")).to_have_text(re.compile("Done"))
    for deed in ("Proposed as done", "Accepted as done"):
        expect(check.get_by_role("listitem").filter(has_text=deed)).to_have_count(1)


def deck_of(tab: Page, first: int, lesson: str, folder: Path) -> str:
    """All words of the slides of a session about both, as PowerPoint has them."""
    tab.goto("/brown-bags/new/")
    tab.get_by_label("Title", exact=True).fill("What the probe asked")
    for key in (f"INC-{first} ", f"{lesson} "):
        tab.locator("[data-agenda-item]", has_text=key).first.get_by_role("checkbox").check()
    tab.get_by_role("button", name="Save the session").click()
    tab.wait_for_url(re.compile(r"/brown-bags/\d+/$"))
    tab.get_by_text("Export", exact=True).click()
    tab.get_by_role("button", name="PowerPoint").click()
    tab.wait_for_url(re.compile(r"/exports/\d+/$"))
    with tab.expect_download() as waiting:
        tab.get_by_role("link", name="Download").click(timeout=60_000)
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    shapes = [shape for slide in Presentation(str(path)).slides for shape in slide.shapes]
    return "\n".join(shape.text_frame.text for shape in shapes if shape.has_text_frame)


def test_what_one_incident_taught_comes_back_with_the_next_and_is_told(
    ada: Page, probes: PrometheusStandIn, tmp_path: Path
) -> None:
    first = declared(ada, FIRST)
    expect(ada.locator("#h-seen + .end")).not_to_have_text("comparing…")
    write_and_publish(ada, first)
    lesson = make_lesson(ada)
    checklist = make_checklist(ada, lesson)
    again = declared(ada, AGAIN)
    seen_before(ada, first, lesson)
    raise_followup(ada, checklist, again)
    done_by_its_check(ada, probes)
    words = deck_of(ada, first, lesson, tmp_path)
    assert TITLE in words
    assert LESSON in words
