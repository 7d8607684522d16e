"""Who may do what, and how a page is shown to the one who reads it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenTab

pytestmark = [pytest.mark.browser, pytest.mark.real_server("chromium")]


def test_a_token_is_shown_once_works_and_is_dead_when_revoked(ada: Page) -> None:
    ada.goto("/settings/tokens/")
    ada.get_by_label("Name").fill("reading script")
    ada.get_by_label("Read", exact=True).check()
    ada.get_by_role("button", name="Make the token").click()
    secret = ada.locator("#secret").inner_text().strip()
    headers = {"Authorization": f"Bearer {secret}"}
    assert ada.context.request.get("/api/v1/incidents/", headers=headers).status == 200
    ada.goto("/settings/tokens/")
    expect(ada.locator("#secret")).to_have_count(0)
    assert secret not in ada.content()
    row = ada.get_by_role("row", name=re.compile("reading script"))
    row.get_by_role("button", name="Revoke").click()
    ada.locator("#confirm").get_by_role("button", name="Revoke the token").click()
    expect(row.get_by_text("revoked")).to_be_visible()
    assert ada.context.request.get("/api/v1/incidents/", headers=headers).status == 401


def test_a_viewer_sees_no_writing_deed(tab_of: OpenTab, outage: int) -> None:
    cy = tab_of("cy")
    cy.goto(f"/incidents/{outage}/")
    expect(cy.get_by_role("heading", name="Checkout errors after release 1.42.0")).to_be_visible()
    for name in ("Add a note", "Status", "Pin", "Hide from the timeline", "Collect again", "Write post-mortem"):
        expect(cy.get_by_role("button", name=re.compile(f"^{name}"))).to_have_count(0)
    for path in (
        f"/incidents/{outage}/",
        f"/incidents/{outage}/postmortem/",
        "/knowledge/lessons/1/",
        "/follow-ups/1/",
    ):
        cy.goto(path)
        # Whoever sees an incident may comment on its post-mortem, and take it along as a file.
        written = "main form[method=post]:not(#comments form):not([action^='/exports/'])"
        expect(cy.locator(written)).to_have_count(0)


def test_a_viewer_who_posts_past_the_pages_is_refused(tab_of: OpenTab, outage: int) -> None:
    cy = tab_of("cy")
    cy.goto(f"/incidents/{outage}/")
    token = cy.evaluate("JSON.parse(document.body.getAttribute('hx-headers'))['X-CSRFToken']")
    headers = {"X-CSRFToken": token, "Referer": cy.url}
    deeds = {
        f"/incidents/{outage}/timeline/notes/": {"text": "Cy was here"},
        f"/incidents/{outage}/status/": {"status": "investigating", "reason": "no"},
        f"/incidents/{outage}/postmortem/publish/": {"version": "1"},
        "/incidents/declare/": {"title": "Cy was here"},
    }
    for path, form in deeds.items():
        answer = cy.context.request.post(path, form=form, headers=headers, max_redirects=0)
        assert answer.status == 403, path
    cy.goto(f"/incidents/{outage}/?find=Cy+was+here")
    expect(cy.locator("#timeline .tl-row")).to_have_count(0)


def test_the_dark_theme_comes_with_the_page_itself(ada: Page) -> None:
    ada.goto("/")
    ada.get_by_role("button", name="Switch between light and dark").click()
    expect(ada.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert 'data-bs-theme="dark"' in ada.context.request.get("/incidents/").text()
    ada.goto("/incidents/")
    assert ada.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 17, 22)"


def test_times_are_in_the_readers_zone_with_utc_beside(tab_of: OpenTab, outage: int) -> None:
    reader = tab_of("cy", timezone_id="America/New_York")
    reader.goto("/")
    reader.goto(f"/incidents/{outage}/")
    started = reader.locator(".track li", has_text="Impact started").locator("time")
    expect(started).to_have_text("01:37:20")
    expect(started).to_have_attribute("title", "2026-11-21 06:37:20 UTC")
    expect(reader.get_by_text("Times in America/New_York")).to_be_attached()
