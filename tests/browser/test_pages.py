"""Every page, in both themes and both widths: it fits, it says nothing to the console, and axe finds nothing grave."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser import axe, pages
from tests.browser.conftest import OpenTab
from tests.browser.stack import Demo

pytestmark = [pytest.mark.browser, pytest.mark.real_server("chromium")]
LOOKS = [("light", pages.DESKTOP), ("dark", pages.DESKTOP), ("light", pages.PHONE), ("dark", pages.PHONE)]


@pytest.fixture(scope="package")
def every_page(stack: Demo, chromium: Any, session_of: Any) -> dict[str, str]:
    context = chromium.new_context(storage_state=session_of("admin"), base_url=stack.address)
    tab = context.new_page()
    found = pages.all_pages(tab, stack.address)
    tab.goto(f"{stack.address}/alerts/")
    tab.get_by_role("button", name="Add the usual rules").click()
    # Nobody is woken by it: no open incident is about this place.
    alert = {"title": "Certificate ends soon", "severity": "warning", "labels": {"namespace": "far-away"}}
    token = stack.manage("create_token", "ada", "--scope", "ingest").split()[-1]
    httpx.post(f"{stack.address}/hooks/webhook/", json=alert, headers={"Authorization": f"Bearer {token}"})
    found["export"], found["incident-merged"] = exported(tab, found["brownbag"]), merged(tab)
    context.close()
    return found


def exported(tab: Page, session: str) -> str:
    tab.goto(session)
    tab.get_by_text("Export", exact=True).click()
    tab.get_by_role("button", name="Word").click()
    expect(tab.get_by_role("link", name="Download")).to_be_visible(timeout=60_000)
    return tab.url


def merged(tab: Page) -> str:
    """An incident that turned out to be the first one, told by two people."""
    tab.goto("/incidents/declare/")
    tab.get_by_label("Title").fill("The node again")
    tab.get_by_label("Namespaces").fill("far-away")
    tab.get_by_role("button", name="Declare and collect evidence").click()
    tab.wait_for_url(re.compile(r"/incidents/\d+/$"))
    address = tab.url
    tab.get_by_role("button", name="Merge", exact=True).click()
    dialog = tab.get_by_role("dialog", name=re.compile("^Merge"))
    dialog.get_by_label("Into").fill("INC-1")
    dialog.get_by_role("button", name="Merge it").click()
    tab.wait_for_load_state("load")
    return address


def looked_at(tab: Page, path: str, *, closely: bool) -> list[str]:
    """What is wrong with one page, one line each; `closely` has axe look as well, which takes as long as all else."""
    said: list[str] = []
    tab.on("console", lambda line: said.append(line.text) if line.type in {"error", "warning"} else None)
    answer = tab.goto(path, wait_until="load")
    tab.wait_for_function("() => !document.querySelector('.glance-room, .htmx-request')")
    missing = path == pages.LISTS["not-found"]
    wrong = [] if answer and (answer.status == 404) == missing and answer.status < 500 else [f"answered {answer}"]
    wrong += [f"wider than its window: {what}" for what in pages.too_wide(tab)]
    wrong += [text for text in said if not missing]
    return wrong + (axe.grave(axe.findings(tab)) if closely else [])


@pytest.mark.parametrize(("theme", "size"), LOOKS, ids=["desktop-light", "desktop-dark", "phone-light", "phone-dark"])
def test_every_page_fits_stays_quiet_and_has_no_grave_accessibility_finding(
    tab_of: OpenTab, every_page: dict[str, str], theme: str, size: Any
) -> None:
    context = tab_of("admin", viewport=size, color_scheme=theme).context
    wrong = {}
    for name, path in every_page.items():
        tab = context.new_page()
        # Both themes and both widths are looked at closely, each once.
        if found := looked_at(tab, path, closely=(theme == "dark") == (size == pages.PHONE)):
            wrong[name] = found
        tab.close()
    assert wrong == {}


@pytest.mark.parametrize("size", [pages.DESKTOP, pages.PHONE], ids=["desktop", "phone"])
def test_the_sign_in_page_is_accessible_and_fits(chromium: Any, stack: Demo, size: Any) -> None:
    context = chromium.new_context(viewport=size)
    tab = context.new_page()
    tab.goto(f"{stack.address}/incidents/")
    assert "/accounts/login/" in tab.url
    assert pages.too_wide(tab) == []
    assert axe.grave(axe.findings(tab)) == []
    context.close()
