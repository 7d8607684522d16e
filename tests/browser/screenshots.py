"""Pictures of the real pages for docs/images: `python -m tests.browser.screenshots [ADDRESS SIGN_IN_LINK]`.

ADDRESS is a running demo stack, such as http://127.0.0.1:8000, the link one of its one-time sign-in links;
without them a stack is started for the pictures, and Ada reads it.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import pages
from tests.browser.stack import Demo, demo
from tests.system import chromium_arguments, chromium_path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
TALL = {"width": 1440, "height": 1200}
# picture: page, window, theme
Pictures = dict[str, tuple[str, Any, str]]
PICTURES: Pictures = {
    "home": ("home", pages.DESKTOP, "light"),
    "incident": ("incident", TALL, "light"),
    "incident-dark": ("incident", TALL, "dark"),
    "incident-phone": ("incident", pages.PHONE, "light"),
    "post-mortem": ("postmortem-outage", TALL, "light"),
    "checklist-run": ("run-checked", TALL, "light"),
    "recovery": ("recovery", pages.DESKTOP, "light"),
    "brown-bag": ("brownbag", TALL, "light"),
    "sources": ("sources", pages.DESKTOP, "light"),
    "events": ("events", TALL, "light"),
    "knowledge": ("search", TALL, "light"),
    "lesson": ("lesson", pages.DESKTOP, "light"),
    "alerts": ("alerts", pages.DESKTOP, "light"),
}
# Taken last: what they need would fill the other pages.
OF_MANY: Pictures = {"insight": ("insight", TALL, "light")}
MANY = """
from datetime import timedelta
from django.utils import timezone
from accounts.models import User
from incidents.actions.incident import change_incident
from incidents.actions.milestone import set_milestone
from tests.knowledge import corpus
ada, told_by = User.objects.get(username="ada"), ["alert", "alert", "customer", "alert", "person"]
for place, (_, incident) in enumerate(corpus.write()):
    for kind, minutes in (("acknowledged", 2 + place * 7 % 9), ("mitigated", 8 + place * 13 % 55)):
        at = incident.declared_at + timedelta(minutes=minutes)
        set_milestone(incident=incident, kind=kind, at=at, by=ada, now=timezone.now())
    change_incident(incident=incident, by=ada, now=timezone.now(), detected_by=told_by[place % 5])
"""
ALERTS = (
    ("CheckoutErrors", "critical", "checkout", "5 % of checkouts fail", "firing"),
    ("CheckoutSlow", "warning", "checkout", "p95 of the checkout is 2.1 s", "firing"),
    ("CertificateEndsSoon", "warning", "mail", "mail.example ends in 6 days", "firing"),
    ("QueueFull", "warning", "checkout", "the queue holds 900 orders", "resolved"),
)


def tell_alerts(browser: Browser, stack: Demo) -> None:
    """The usual rules, and a few alerts of an Alertmanager that they have decided about."""
    context = pages.signed_in(browser, stack.link)
    tab = context.new_page()
    tab.goto(f"{stack.address}/alerts/")
    tab.get_by_role("button", name="Add the usual rules").click()
    now = datetime.now(UTC)
    told = [
        {
            "status": status,
            "labels": {"alertname": name, "severity": severity, "namespace": "store", "service": service},
            "annotations": {"summary": summary},
            "startsAt": (now - timedelta(minutes=9 - place)).isoformat(),
            "endsAt": (now - timedelta(minutes=1)).isoformat(),
            "fingerprint": name,
        }
        for place, (name, severity, service, summary, status) in enumerate(ALERTS)
    ]
    headers = {"Authorization": f"Bearer {stack.manage('create_token', 'ada', '--scope', 'ingest').split()[-1]}"}
    httpx.post(f"{stack.address}/hooks/alertmanager/", json={"version": "4", "alerts": told}, headers=headers)
    context.close()


def take(browser: Browser, address: str, link: str, pictures: Pictures = PICTURES) -> None:
    context = pages.signed_in(browser, link)
    state = context.storage_state()
    tab = context.new_page()
    found = pages.all_pages(tab, address)
    found["postmortem-outage"] = found["incident"] + "postmortem/"
    context.close()
    for name, (page, size, theme) in pictures.items():
        one = browser.new_context(storage_state=state, viewport=size, color_scheme=theme, timezone_id="UTC")
        tab = one.new_page()
        tab.goto(address + found[page], wait_until="networkidle")
        _settle(tab)
        tab.screenshot(path=FOLDER / f"{name}.png")
        one.close()


def _settle(tab: Page) -> None:
    """Fonts are there, nothing moves, nothing is being fetched."""
    tab.evaluate("document.fonts.ready")
    tab.wait_for_function("() => !document.querySelector('.glance-room, .htmx-request')")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=chromium_arguments())
        if len(sys.argv) == 3:
            take(browser, sys.argv[1].rstrip("/"), sys.argv[2])
        else:
            with tempfile.TemporaryDirectory() as folder, demo(Path(folder) / "data") as stack:
                tell_alerts(browser, stack)
                take(browser, stack.address, stack.manage("sign_in_link", "ada"))
                stack.manage("shell", "--command", MANY)
                take(browser, stack.address, stack.manage("sign_in_link", "ada"), OF_MANY)
        browser.close()


if __name__ == "__main__":
    main()
