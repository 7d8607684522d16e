"""Every page of Debrief by its address, as found on a running demo stack, and how to look at one."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
LISTS = {
    "home": "/",
    "incidents": "/incidents/",
    "declare": "/incidents/declare/",
    "postmortems": "/post-mortems/",
    "followups": "/follow-ups/",
    "knowledge": "/knowledge/",
    "lesson-new": "/knowledge/lessons/new/",
    "checklists": "/checklists/",
    "checklist-new": "/checklists/new/",
    "recovery": "/recovery/",
    "objective-new": "/recovery/objectives/new/",
    "drills": "/drills/",
    "drill-new": "/drills/new/",
    "brownbags": "/brown-bags/",
    "brownbag-new": "/brown-bags/new/",
    "search": "/search/?q=checkout",
    "search-empty": "/search/",
    "search-facets": "/search/?q=checkout+service:checkout+kind:evidence",
    "search-typo": "/search/?q=chekout+before:never",
    "lessons-retired": "/knowledge/?state=retired",
    "insight": "/insight/",
    "insight-nothing": "/insight/?severity=SEV1&service=nobody",
    "exports": "/exports/",
    "exports-nothing": "/exports/?q=nothing",
    "events": "/events/?window=all",
    "events-empty": "/events/?reason=none",
    "event-counts": "/events/counts/?window=all",
    "signals": "/signals/",
    "sources": "/sources/",
    "source-new": "/sources/new/",
    "source-prometheus": "/sources/new/?kind=prometheus",
    "query-new": "/queries/new/",
    "alerts": "/alerts/",
    "alert-rule-new": "/alerts/rules/new/",
    "cluster-new": "/sources/clusters/new/",
    "profile": "/settings/profile/",
    "tokens": "/settings/tokens/",
    "people": "/settings/people/",
    "audit": "/settings/audit/",
    "severities": "/settings/severities/",
    "slack": "/settings/slack/",
    "notices": "/notices/",
    "api-docs": "/api/v1/docs/",
    "not-found": "/incidents/99999/",
}
# Pages of one thing: the list it stands in, and how its address begins there.
LINKED = {
    "lesson": ("/knowledge/", "/knowledge/lessons/"),
    "checklist": ("/checklists/", "/checklists/"),
    "brownbag": ("/brown-bags/", "/brown-bags/"),
    "objective": ("/recovery/", "/recovery/objectives/"),
    "run-checked": ("/checklists/", "/checklists/runs/"),
    "followup": ("/follow-ups/", "/follow-ups/"),
}


def outage_number(tab: Page, address: str) -> int:
    """The number of the recorded outage, the incident with evidence."""
    tab.goto(f"{address}/incidents/?q=1.42.0")
    href = tab.locator("a.row-l", has_text="Checkout errors after release").first.get_attribute("href")
    return int(str(href).strip("/").split("/")[-1])


def all_pages(tab: Page, address: str) -> dict[str, str]:
    """Name → path of every page; needs a signed-in tab."""
    number = outage_number(tab, address)
    found = dict(LISTS)
    found |= {
        "incident": f"/incidents/{number}/",
        "incident-edit": f"/incidents/{number}/edit/",
        "evidence-list": f"/incidents/{number}/evidence/",
        "evidence": f"/incidents/{number}/evidence/1/",
        "followup-new": f"/incidents/{number}/follow-ups/new/",
        "postmortem-edit": f"/incidents/{number}/postmortem/edit/",
    }
    tab.goto(f"{address}/post-mortems/?state=published")
    found["postmortem"] = _first_link(tab, "/incidents/", "/postmortem/")
    published = found["postmortem"]
    found |= {f"postmortem-{part}": f"{published}{part}/" for part in ("history", "comments", "outside", "publish")}
    found |= {"version": f"{published}versions/1/", "compare": f"{published}compare/?from=p1&to=now"}
    for name, (page, start) in LINKED.items():
        tab.goto(f"{address}{page}")
        found[name] = _first_link(tab, start)
    found["lesson-edit"] = f"{found['lesson']}edit/"
    found |= {f"brownbag-{part}": f"{found['brownbag']}{part}/" for part in ("edit", "present")}
    found["objective-edit"] = f"{found['objective']}edit/"
    found |= {f"checklist-{part}": f"{found['checklist']}{part}/" for part in ("edit", "versions")}
    found["followup-check"] = f"{found['followup']}check/"
    tab.goto(f"{address}/incidents/{number}/")
    found["checklist-run"] = _first_link(tab, "/checklists/runs/")
    return found


def _first_link(tab: Page, start: str, end: str = "") -> str:
    links = tab.locator("main a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    fitting = [link for link in links if link.startswith(start) and link.endswith(end)]
    return next(link for link in fitting if link[len(start) :][:1].isalnum() and "new" not in link)


def signed_in(browser: Browser, link: str, **options: Any) -> BrowserContext:
    """A context that went through the one-time link."""
    context = browser.new_context(**options)
    tab = context.new_page()
    tab.goto(link)
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_load_state("load")
    tab.close()
    return context


def too_wide(tab: Page) -> list[str]:
    """What makes the page wider than its window; nothing when it fits."""
    found: list[str] = tab.evaluate(
        """() => {
          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= width && document.body.scrollWidth <= width) return [];
          const scrolls = e => { for (let p = e.parentElement; p && p !== document.body; p = p.parentElement) {
            if (["auto", "scroll", "hidden"].includes(getComputedStyle(p).overflowX)) return true; } return false; };
          const size = `${document.documentElement.scrollWidth} of ${width} px`;
          return [size, ...[...document.querySelectorAll("body *")]
            .filter(e => e.getBoundingClientRect().right > width + 1 && !scrolls(e))
            .slice(-4).map(e => e.tagName + "." + e.getAttribute("class") + " " + (e.textContent || "").trim().slice(0, 40))];
        }"""
    )
    return found
