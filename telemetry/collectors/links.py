"""Addresses that people open to look further: Grafana Explore at a query and a window."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from telemetry.http import check_url
from telemetry.observations import Connection, Window


def milliseconds(window: Window) -> tuple[int, int]:
    return int(window.start.timestamp() * 1_000), int(window.end.timestamp() * 1_000)


def explore_links(
    connection: Connection, kind: str, query: Mapping[str, Any], window: Window
) -> tuple[dict[str, str], ...]:
    """Grafana's Explore (10 and later), where options give its address as `link_url`; its data source is named by
    `datasource_uid`, or the default one of the kind. Raises `SourceError` for a malformed address."""
    link_url = connection.options.get("link_url")
    if not link_url:
        return ()
    root = check_url(str(link_url))
    source = {"type": kind, "uid": str(connection.options.get("datasource_uid") or kind)}
    start, end = milliseconds(window)
    pane = {
        "datasource": source["uid"],
        "queries": [{"refId": "A", "datasource": source, **query}],
        "range": {"from": str(start), "to": str(end)},
    }
    fields = {"schemaVersion": "1", "orgId": "1", "panes": json.dumps({"debrief": pane}, separators=(",", ":"))}
    return ({"title": "Open in Grafana", "url": f"{root}/explore?{urlencode(fields)}"},)
