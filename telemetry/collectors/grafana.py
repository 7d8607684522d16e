"""Grafana: annotations of the window, links to dashboards at it, and a region written back for an incident.

https://grafana.com/docs/grafana/latest/developers/http_api/annotations/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from html import unescape
from typing import Any
from urllib.parse import quote, urlencode

import nh3

from telemetry.collectors.times import iso
from telemetry.http import Http, Refusal, SourceError, check_url, outcome_of
from telemetry.observations import (
    Budget,
    Check,
    Connection,
    EvidenceType,
    Facts,
    Level,
    Observation,
    Outcome,
    Query,
    Scope,
    Sink,
    Status,
    Window,
)
from telemetry.redaction import InvalidPattern, Redactor

PATH = "/api/annotations"
# What Debrief wrote itself carries it, and is not collected again.
OWN_TAG = "debrief"
PAGE = 500
MOST_DASHBOARDS = 10
PREFLIGHT_BUDGET = Budget(deadline_seconds=15, requests=8, bytes=1024 * 1024)
LEVELS = {"alerting": Level.ERROR, "error": Level.ERROR, "no_data": Level.WARNING, "nodata": Level.WARNING}


class GrafanaCollector:
    """One organisation of one Grafana, by a service account's token as bearer."""

    kind = "grafana"
    label = "Grafana"
    facts = Facts(
        collects="annotations, such as deployments; links to dashboards at the incident's window",
        limits="5,000 annotations; 10 dashboards",
        tested="a stand-in from documented answers",
        address="http://grafana.monitoring:3000",
        options={
            "tags": "annotations must carry all of these",
            "dashboards": "a list of {title, uid, vars}; a variable's value may be {namespaces}, {workloads}, {services}",
            "org_id": "the organisation, where the token belongs to several",
            "write_back": "true writes each incident as an annotation; the token needs the role Editor",
            "link_url": "the address that people open",
            "redact": "patterns of your own, by name",
        },
    )

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def preflight(self) -> list[Check]:
        checks: list[Check] = []
        try:
            with _opened(self.connection, PREFLIGHT_BUDGET) as http:
                version = str(http.get("/api/health").json_object().get("version") or "not told")[:60]
                checks += [Check("reachable", ok=True, detail="It answers."), Check("version", ok=True, detail=version)]
                http.get(PATH, {"limit": "1"})
        except SourceError as raised:
            error = _explained(raised)
            names = {Status.UNAUTHENTICATED: "authenticated", Status.DENIED: "permitted"}
            name = names.get(error.status, "annotations" if checks else "reachable")
            return [*checks, Check(name, ok=False, detail=error.reason, remedy=error.remedy)]
        return [*checks, Check("annotations", ok=True, detail="Allowed.")]

    def plan(self, scope: Scope, window: Window) -> list[Query]:
        tags = _texts(self.connection.options.get("tags"))
        told = f"annotations with the tags {', '.join(tags)}" if tags else "annotations"
        names = {"services": list(scope.names()), "namespaces": list(scope.namespaces)}
        found = [Query("annotations", "Annotations", told, names)]
        for place, entry in enumerate(_dashboards(self.connection.options)):
            variables = {name: _values(value, scope) for name, value in _mapping(entry.get("vars")).items()}
            title, uid = str(entry.get("title") or entry.get("uid"))[:200], str(entry.get("uid") or "")
            params = {"uid": uid, "vars": variables}
            found.append(Query(f"dashboard_{place}", f"Dashboard {title}", f"link to the dashboard {uid}", params))
        return found

    def collect(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        try:
            redactor = Redactor(self.connection.options.get("redact"))
            if query.name != "annotations":
                return self._dashboard(query, window, sink)
            with _opened(self.connection, budget) as http:
                return _Reading(http, query, window, budget, redactor, self.connection).run(sink)
        except InvalidPattern as error:
            return Outcome(Status.NOT_CONFIGURED, reason=str(error), remedy="Correct the pattern in this source.")
        except SourceError as error:
            return outcome_of(_explained(error), request=query.text)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            words = f"the answer has an unexpected shape ({type(error).__name__})"
            return Outcome(Status.ERROR, reason=words, remedy="Check that the address is Grafana's.")

    def _dashboard(self, query: Query, window: Window, sink: Sink) -> Outcome:
        """The address alone: a dashboard is opened by people, with their own rights."""
        uid = str(query.params.get("uid") or "")
        if not uid:
            return Outcome(Status.NOT_CONFIGURED, reason="a dashboard without its uid", remedy="Add uid to the option.")
        url = _dashboard_url(self.connection, uid, window, _mapping(query.params.get("vars")))
        sink(
            [
                Observation(
                    type=EvidenceType.LINK,
                    dedup_key=f"dashboard:{query.name}:{uid}",
                    title=query.title,
                    first_at=window.start,
                    last_at=window.end,
                    level=Level.INFO,
                    summary="At the incident's window.",
                    payload={"dashboard": uid, "window": {"start": iso(window.start), "end": iso(window.end)}},
                    links=({"title": "Open in Grafana", "url": url},),
                    query=query.text,
                )
            ]
        )
        return Outcome(Status.COMPLETE, kept=1, fetched=1, request=query.text)


class _Reading:
    """One query under way: newest first, page by page, by the time of the oldest seen."""

    def __init__(
        self, http: Http, query: Query, window: Window, budget: Budget, redactor: Redactor, connection: Connection
    ) -> None:
        self.http, self.query, self.window, self.budget = http, query, window, budget
        self.redactor, self.connection = redactor, connection
        self.tags = _texts(connection.options.get("tags"))
        self.found: dict[int, Mapping[str, Any]] = {}
        self.own = 0

    def run(self, sink: Sink) -> Outcome:
        failure = limit = None
        try:
            limit = self._read()
        except SourceError as error:
            if not self.found:
                raise
            failure = _explained(error)
        # Grafana's end is part of what it answers, a window's is not.
        self.found = {key: row for key, row in self.found.items() if (_at(row) or self.window.start) < self.window.end}
        rows = sorted(self.found.values(), key=lambda row: (_at(row) or self.window.start, row["id"]))
        kept = [one for row in rows if (one := self._observe(row)) is not None]
        if kept:
            sink(kept)
        return self._outcome(kept, failure, limit)

    def _read(self) -> str:
        """Why it stopped before the end, "" where it did not."""
        size = min(PAGE, self.budget.items)
        until = _milliseconds(self.window.end)
        while True:
            page = self._page(until, size)
            fresh = [row for row in page if row["id"] not in self.found]
            self.found |= {row["id"]: row for row in fresh}
            if len(page) < size:
                return ""
            if len(self.found) >= self.budget.items:
                return "items"
            times = [row["time"] for row in page if isinstance(row.get("time"), int)]
            if not fresh or not times or min(times) >= until:
                # One millisecond fills a page: asking further would answer the same.
                return "page"
            until = min(times)

    def _page(self, until: int, size: int) -> list[Mapping[str, Any]]:
        fields = [("from", str(_milliseconds(self.window.start))), ("to", str(until)), ("limit", str(size))]
        query = urlencode([*fields, *(("tags", tag) for tag in self.tags)])
        answer = self.http.get(f"{PATH}?{query}").json()
        if not isinstance(answer, list):
            raise SourceError(Status.ERROR, "the answer is no list of annotations", remedy="Check the address.")
        return [row for row in answer if isinstance(row, dict) and isinstance(row.get("id"), int)]

    def _observe(self, row: Mapping[str, Any]) -> Observation | None:
        first, tags = _at(row), _texts(row.get("tags"))
        if OWN_TAG in tags:
            self.own += 1
            return None
        if first is None:
            return None
        last = _at(row, "timeEnd") or first
        hits: Counter[str] = Counter()
        plain = unescape(nh3.clean(str(row.get("text") or "")[:20_000], tags=set()))
        text = self._clean(plain, hits)[:2_000]
        named = self._clean(str(row.get("alertName") or ""), hits)[:200]
        tags = tuple(self._clean(tag, hits)[:100] for tag in tags[:20])
        state = str(row.get("newState") or "").lower()
        uid, panel = str(row.get("dashboardUID") or "")[:80], row.get("panelId")
        links: tuple[dict[str, str], ...] = ()
        if uid:
            url = _dashboard_url(self.connection, uid, self.window, {}, panel if isinstance(panel, int) else 0)
            links = ({"title": "Open in Grafana", "url": url},)
        return Observation(
            type=EvidenceType.ANNOTATION,
            dedup_key=f"annotation:{row['id']}",
            title=(named or " ".join(text.split())[:120] or ", ".join(tags) or "An annotation"),
            first_at=first,
            last_at=max(first, last),
            level=LEVELS.get(state, self._level(text, tags)),
            summary=" ".join(text.split())[:500],
            payload={
                "text": text,
                "tags": list(tags),
                "dashboard": uid,
                "state": state[:20],
                "first_at": iso(first),
                "last_at": iso(max(first, last)),
            },
            links=links,
            query=self.query.text,
            redactions=dict(hits),
        )

    def _clean(self, text: str, hits: Counter[str]) -> str:
        redacted = self.redactor.text(text)
        hits.update(redacted.hits)
        return redacted.text

    def _level(self, text: str, tags: tuple[str, ...]) -> Level:
        """What names the scope is worth a look; the rest of the organisation's folds."""
        names = [*_texts(self.query.params.get("services")), *_texts(self.query.params.get("namespaces"))]
        said = f"{text} {' '.join(tags)}".lower()
        return Level.INFO if not names or any(name.lower() in said for name in names) else Level.NORMAL

    def _outcome(self, kept: list[Observation], failure: SourceError | None, limit: str | None) -> Outcome:
        known: dict[str, Any] = {
            "fetched": len(self.found),
            "kept": len(kept),
            "dropped": len(self.found) - len(kept),
            "covered_from": self.window.start,
            "covered_to": self.window.end,
            "request": f"GET {PATH} {iso(self.window.start)}/{iso(self.window.end)} {' '.join(self.tags)}".strip(),
            "redactions": dict(sum((Counter(one.redactions) for one in kept), Counter())),
        }
        if failure is not None:
            return Outcome(Status.PARTIAL, reason=failure.reason, remedy=failure.remedy, retryable=True, **known)
        if limit:
            reason = f"the newest {len(self.found):,} annotations of more"
            return Outcome(
                Status.TRUNCATED, reason=reason, remedy="Name tags in the options.", truncated_by="items", **known
            )
        return Outcome(Status.COMPLETE if kept else Status.EMPTY, **known)


def write_region(
    connection: Connection, *, tag: str, tags: tuple[str, ...], text: str, start: datetime, end: datetime | None
) -> None:
    """One annotation for `tag`: found by it and brought up to date, or made. Raises `SourceError`."""
    query = urlencode([("tags", OWN_TAG), ("tags", tag), ("limit", "1")])
    body: dict[str, Any] = {"time": _milliseconds(start), "tags": [OWN_TAG, tag, *tags], "text": text}
    # Without an end Grafana would keep the one from before a reopening.
    body["timeEnd"] = _milliseconds(end or start)
    try:
        with _opened(connection, PREFLIGHT_BUDGET) as http:
            known = http.get(f"{PATH}?{query}").json()
            if isinstance(known, list) and known and isinstance(known[0], dict):
                http.put(f"{PATH}/{int(known[0]['id'])}", body=body)
            else:
                # One that was lost on its way back may be there: the next time it is looked up first.
                http.post(PATH, body=body, once=True)
    except SourceError as error:
        raise _explained(error) from None


def _opened(connection: Connection, budget: Budget) -> Http:
    org = connection.options.get("org_id")
    headers = dict(connection.headers) | ({"X-Grafana-Org-Id": str(org)} if org else {})
    return Http(
        url=connection.url,
        auth=connection.auth,
        headers=headers,
        ca_pem=connection.ca_pem,
        verify=connection.verify,
        allow_private=connection.allow_private,
        budget=budget,
    )


def _explained(error: SourceError) -> SourceError:
    """The permission that is missing, by Grafana's own name for it."""
    if isinstance(error, Refusal) and error.code == 403:
        remedy = "Give its service account the role Viewer with annotations:read, or Editor to write back."
        return SourceError(Status.DENIED, error.reason, remedy=remedy)
    if isinstance(error, Refusal) and error.code == 400:
        return SourceError(Status.INVALID_QUERY, error.reason, remedy="Correct the tags in this source's options.")
    return error


def _dashboard_url(
    connection: Connection, uid: str, window: Window, variables: Mapping[str, Any], panel: int = 0
) -> str:
    root = check_url(str(connection.options.get("link_url") or connection.url))
    fields = [("from", str(_milliseconds(window.start))), ("to", str(_milliseconds(window.end)))]
    fields += [(f"var-{name}", value) for name, values in variables.items() for value in _texts(values)]
    fields += [("viewPanel", str(panel))] if panel else []
    return f"{root}/d/{quote(uid, safe='')}?{urlencode(fields)}"


def _dashboards(options: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = options.get("dashboards")
    return [entry for entry in found[:MOST_DASHBOARDS] if isinstance(entry, dict)] if isinstance(found, list) else []


def _values(value: Any, scope: Scope) -> list[str]:
    named = {
        "{namespaces}": list(scope.namespaces),
        "{workloads}": [one.name for one in scope.workloads],
        "{services}": list(scope.names()),
    }
    return named[value] if isinstance(value, str) and value in named else list(_texts([value]))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list | tuple) else ()


def _at(row: Mapping[str, Any], name: str = "time") -> datetime | None:
    value = row.get(name)
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not 946_684_800_000 <= value < 4_102_444_800_000
    ):
        return None
    return datetime.fromtimestamp(value / 1_000, UTC)


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000)
