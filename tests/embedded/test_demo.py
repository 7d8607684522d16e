"""The demo from outside: the outage as it was recorded, and a second start that doubles nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.browser.stack import Demo, demo

pytestmark = pytest.mark.xdist_group("embedded")


def everything(found: Demo, path: str) -> list[dict[str, Any]]:
    """All pages of a list of the API."""
    headers = {"Authorization": f"Bearer {found.manage('create_token', 'admin')}"}
    url: str | None = f"{found.address}/api/v1/{path}"
    rows: list[dict[str, Any]] = []
    while url:
        answer = httpx.get(url, headers=headers).raise_for_status().json()
        rows += answer["results"]
        url = answer["next"]
    return rows


def told(found: Demo) -> dict[str, Any]:
    """What the outage left, by the API's word for it."""
    paths = {
        "events": "events/?from=2026-11-21T06:00:00Z&to=2026-11-21T08:00:00Z",
        "evidence": "incidents/2/evidence/",
        "timeline": "incidents/2/timeline/",
        "incidents": "incidents/",
        "clusters": "clusters/",
        "sources": "sources/",
    }
    return {name: everything(found, path) for name, path in paths.items()}


def test_the_demo_was_recorded_and_a_second_start_doubles_nothing(tmp_path: Path) -> None:
    with demo(tmp_path / "data") as found:
        first = told(found)
    titles = [row["title"] for row in first["evidence"]]
    counts = {(row["reason"], row["count"]) for row in first["events"]}
    assert len(first["events"]) == 29
    assert {("FailedGetResourceMetric", 10), ("NodeNotReady", 1)} <= counts
    assert "checkout when it began: 0 of 3 ready" in titles
    assert "checkout revision 2 → 3 (roll-back)" in titles
    assert len({row["number"] for row in first["evidence"]}) == len(titles)
    with demo(tmp_path / "data") as found:
        second = told(found)
    for name, rows in first.items():
        assert len(second[name]) == len(rows), name
    assert [row["number"] for row in second["evidence"]] == [row["number"] for row in first["evidence"]]
    assert second["events"] == first["events"]
