"""Where servers that speak Prometheus's API differ: what is sent along, how errors read, what is kept, what opens."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from telemetry.http import Http, Refusal, SourceError
from telemetry.observations import Status, Window

DAYS = {"ms": 1 / 86_400_000, "s": 1 / 86_400, "m": 1 / 1_440, "h": 1 / 24, "d": 1.0, "w": 7.0, "y": 365.0}
CORRECT = "Correct the query in this source's settings."
CHEAPER = "Make the query cheaper: fewer series, a shorter window, an aggregation."
NARROWER = "Narrow the scope or the window, or make the query cheaper."
LIMITS = re.compile(r"(?i)too many|cannot exceed|exceeds|limit|maximum|max-")


@dataclass(frozen=True, slots=True)
class Dialect:
    """`form` goes into every range query; `retention` is None where the server does not say how long it keeps, `longer`
    how people have it keep more."""

    explain: Callable[[SourceError], SourceError]
    retention: Callable[[Http], timedelta | None]
    graph: Callable[[str, str, Window], str]
    link_title: str
    form: Mapping[str, str] = field(default_factory=dict)
    longer: str = "Raise --storage.tsdb.retention.time of Prometheus."


def explained(error: SourceError) -> SourceError:
    """The server's own kind of error in place of the bare HTTP code."""
    if not isinstance(error, Refusal):
        return error
    kind = str(error.json().get("errorType") or "")
    if kind == "timeout" or error.code == 503:
        return SourceError(Status.TIMEOUT, error.reason, remedy=NARROWER, retryable=True)
    if error.code in {400, 422}:
        too_much = error.code == 422 if kind == "execution" else bool(LIMITS.search(error.reason))
        return SourceError(Status.INVALID_QUERY, error.reason, remedy=CHEAPER if too_much else CORRECT)
    return error


def duration(text: str) -> timedelta | None:
    """`15d`, `1h30m` or `15d or 10GiB`; None for anything else."""
    parts = re.findall(r"(\d{1,9})(ms|[smhdwy])", text.split(" or ")[0])
    days = sum(int(amount) * DAYS[unit] for amount, unit in parts)
    return timedelta(days=days) if 0 < days < 100_000 else None


def told_retention(http: Http) -> timedelta | None:
    try:
        data: Any = http.get("/api/v1/status/runtimeinfo").json_object().get("data")
    except SourceError:
        return None
    return duration(str(data.get("storageRetention") or "")) if isinstance(data, dict) else None


def unknown_retention(http: Http) -> timedelta | None:
    return None


def flags_retention(http: Http) -> timedelta | None:
    """VictoriaMetrics lists its flags; a number alone counts months of 31 days."""
    try:
        text = http.get("/flags").body.decode(errors="replace")
    except SourceError:
        return None
    found = re.search(r'^-retentionPeriod="([^"]{1,20})"', text, re.MULTILINE)
    told = found.group(1) if found else ""
    return timedelta(days=31 * int(told)) if told.isdigit() and 0 < int(told) < 3_000 else duration(told)


def prometheus_graph(root: str, expr: str, window: Window) -> str:
    return f"{root}/graph?{urlencode(_graph_fields(expr, window))}"


def vmui_graph(root: str, expr: str, window: Window) -> str:
    """Its pages read what follows the `#`."""
    fields = _graph_fields(expr, window)
    fields["g0.end_input"] = window.end.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{root}/vmui/#/?{urlencode(fields, quote_via=quote)}"


def _graph_fields(expr: str, window: Window) -> dict[str, str]:
    minutes = max(1, math.ceil(window.seconds / 60))
    end: datetime = window.end.astimezone(UTC)
    fields = {"g0.expr": expr, "g0.tab": "0", "g0.range_input": f"{minutes}m"}
    return fields | {"g0.end_input": end.strftime("%Y-%m-%d %H:%M:%S")}


def mimir_explained(error: SourceError) -> SourceError:
    """Its limits have names such as err-mimir-max-query-length; a missing tenant is told as 401."""
    if not isinstance(error, Refusal):
        return error
    if error.code == 401 and "org id" in error.reason:
        remedy = "Add the header X-Scope-OrgID with the tenant to this source."
        return SourceError(Status.UNAUTHENTICATED, error.reason, remedy=remedy)
    return explained(error)


PROMETHEUS = Dialect(explained, told_retention, prometheus_graph, "Open in Prometheus")
