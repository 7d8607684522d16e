"""What outsiders write stays text: in titles, notes, lessons, log lines, spans and names of pods."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser import pages
from tests.browser.conftest import OpenTab
from tests.browser.stack import Demo
from tests.browser.test_incident import all_answered, declare
from tests.browser.writing import fill, joined
from tests.stand_ins.kubernetes import KubernetesStandIn

pytestmark = [pytest.mark.browser, pytest.mark.real_server("chromium")]
EVIL = "<script>window.ran=1</script><img src=x onerror=window.ran=1><svg onload=window.ran=1>"
MARKDOWN = f"""## Summary {EVIL}

[click](javascript:window.ran=1) ![x](x" onerror="window.ran=1) <a href="javascript:window.ran=1">a</a>

<style>*{{display:none}}</style><iframe srcdoc="<script>parent.ran=1</script>"></iframe>
"""


def _hostile(items: list[Any]) -> None:
    for item in items:
        for key in ("message", "reason"):
            if key in item:
                item[key] = f"{item[key]} {EVIL}"
        item["metadata"]["annotations"] = {"note": EVIL}
        if "involvedObject" in item:
            item["involvedObject"]["name"] = f"{item['involvedObject']['name']}{EVIL}"


@pytest.fixture
def hostile_cluster(tab_of: OpenTab) -> Iterator[str]:
    """A cluster whose Events and pods carry markup, connected on the page of sources."""
    admin = tab_of("admin")
    with KubernetesStandIn() as server:
        for resource in ("events", "pods", "nodes"):
            server.edit(resource, _hostile)
        admin.goto("/sources/clusters/new/")
        admin.get_by_label("Name", exact=True).fill("hostile")
        admin.get_by_label("Kubeconfig").fill(json.dumps(server.kubeconfig()))
        admin.get_by_label("On this machine").check()
        admin.get_by_role("button", name="Connect and test").click()
        admin.wait_for_url("**/sources/")
        yield "hostile"
        admin.goto("/sources/")
        admin.get_by_role("button", name="Remove Kubernetes hostile").click()
        admin.locator("#confirm").get_by_role("button", name="Remove the source").click()


def _push(stack: Demo, tab: Any) -> None:
    """Log lines as an exporter sends them, at the minute of the outage."""
    secret = stack.manage("create_token", "admin", "--scope", "ingest", "--name", "hostile")
    at = 1_795_243_060 * 10**9
    record = {
        "timeUnixNano": str(at),
        "severityNumber": 17,
        "severityText": EVIL,
        "body": {"stringValue": f"boom {EVIL}"},
    }
    names = {"service.name": "checkout", "k8s.namespace.name": "shop", "k8s.pod.name": f"pod{EVIL}"}
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in names.items()]
    body = {"resourceLogs": [{"resource": {"attributes": attributes}, "scopeLogs": [{"logRecords": [record] * 3}]}]}
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    answer = tab.context.request.post("/v1/logs", data=json.dumps(body), headers=headers)
    assert answer.status == 200, answer.text()


def test_nothing_that_outsiders_write_ever_runs(tab_of: OpenTab, stack: Demo, hostile_cluster: str) -> None:
    ada = tab_of("ada")
    _push(stack, ada)
    ada.goto("/incidents/declare/")
    ada.get_by_label("Title").fill(f"Hostile {EVIL}"[:200])
    ada.get_by_label("Services").fill("checkout")
    ada.get_by_label("Namespaces").fill("shop")
    ada.get_by_label("Summary").fill(MARKDOWN)
    ada.get_by_label("Impact started").fill("2026-11-21T06:37:20")
    ada.get_by_role("button", name="Declare and collect evidence").click()
    ada.wait_for_url("**/incidents/*/")
    number = int(ada.url.rstrip("/").rpartition("/")[2])
    all_answered(ada)
    ada.get_by_role("button", name="Add a note").click()
    ada.get_by_label("What happened").fill(EVIL)
    ada.get_by_role("button", name="Add the note").click()
    expect(ada.locator("#timeline .tl-row", has_text="<script>").first).to_be_attached()
    ada.goto(f"/incidents/{number}/")
    ada.get_by_role("button", name="Write post-mortem").click()
    joined(ada)
    fill(ada, MARKDOWN + "\n![[E-1]] ![[E-2]] ![[E-3]]\n")
    expect(ada.locator("[data-preview] h2").first).to_contain_text("Summary")
    expect(ada.locator("[data-saved]")).to_contain_text("Saved")
    seen = [
        f"/incidents/{number}/",
        f"/incidents/{number}/?hidden=1&find=script",
        f"/incidents/{number}/evidence/",
        *(f"/incidents/{number}/evidence/{item}/" for item in (1, 2, 3)),
        f"/incidents/{number}/postmortem/",
        f"/incidents/{number}/postmortem/edit/",
        "/",
        "/incidents/",
        "/post-mortems/",
        "/search/?q=hostile+script",
    ]
    for path in seen:
        ada.goto(path)
        ada.wait_for_function("() => !document.querySelector('.glance-room')")
        assert ada.evaluate("window.ran") is None, path
        assert (
            ada.locator(
                "main script:not([type='application/json']), main iframe, main [onerror], main [onload], main a[href^='javascript:']"
            ).count()
            == 0
        )
        assert ada.locator("main").is_visible(), path
        assert pages.too_wide(ada) == [], path


def test_one_endless_word_widens_no_page(tab_of: OpenTab) -> None:
    ada = tab_of("ada", viewport=pages.PHONE)
    word = "Supercalifragilistic" * 10
    number = declare(ada, word, services="a" * 200, summary="W" * 3_000)
    ada.goto("/knowledge/lessons/new/")
    ada.get_by_label("Statement").fill(word + word[:100])
    ada.get_by_role("button", name="Save the lesson").click()
    ada.wait_for_url(re.compile(r"/knowledge/lessons/\d+/$"))
    lesson = ada.url
    ada.goto(f"/incidents/{number}/follow-ups/new/")
    ada.get_by_label("Title").fill(word)
    ada.get_by_role("button", name="Raise the follow-up").click()
    ada.wait_for_url(re.compile(r"/follow-ups/\d+/$"))
    seen = [ada.url, lesson, f"/incidents/{number}/", f"/incidents/{number}/edit/", "/", "/incidents/", "/knowledge/"]
    seen += ["/follow-ups/", "/search/?q=Supercali", "/knowledge/lessons/new/", "/incidents/declare/"]
    wide = {}
    for path in seen:
        ada.goto(path)
        if found := pages.too_wide(ada):
            wide[path] = found
    assert wide == {}
