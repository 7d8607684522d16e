"""A query is tried out on its page: a worker asks the source, the answer is drawn, and what was typed stays."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser import axe, pages
from tests.browser.conftest import OpenTab

pytestmark = [pytest.mark.browser, pytest.mark.real_server("chromium")]
EXPR = 'sum by (code) (rate(http_requests_total{namespace=~"{namespaces}"}[5m]))'


def test_a_query_is_tried_out_and_its_answer_drawn(tab_of: OpenTab) -> None:
    tab = tab_of("admin", viewport=pages.PHONE)
    tab.goto("/queries/new/")
    tab.get_by_label("Query", exact=True).fill(EXPR)
    tab.get_by_label("Of", exact=True).select_option(label="Prometheus prod-eu")
    tab.get_by_label("Over").select_option("24h")
    tab.get_by_label("As if the scope had the namespaces").fill("shop")
    tab.get_by_role("button", name="Try it").press("Enter")
    trial = tab.locator("#trial")
    expect(trial.get_by_text("Complete")).to_be_visible()
    expect(trial.get_by_role("img", name=re.compile(r"peak \d+ at .* in web"))).to_be_visible()
    expect(trial).to_contain_text(EXPR.replace("{namespaces}", "shop"))
    expect(tab.get_by_label("Query", exact=True)).to_have_value(EXPR)
    assert pages.too_wide(tab) == []
    assert axe.grave(axe.findings(tab)) == []
