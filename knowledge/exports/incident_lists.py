"""A list of incidents as it stands narrowed on its page: rows of data, and a document with one table."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from accounts.models import User
from incidents.durations import between, spoken
from incidents.listing import narrowed_incidents
from incidents.models import Incident
from knowledge.exports.cells import cell
from knowledge.exports.chapters import absolute, line, said_at
from knowledge.exports.document import Document, Fact, Span, Table

MOST = 5_000
FILTERS = ("q", "status", "severity", "kind")


def incident_rows(person: User, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """Newest first, MOST at most; lengths of time in seconds, times in UTC. `id` is for Debrief alone."""
    found = narrowed_incidents(Incident.objects.visible_to(person), query)
    found = found.select_related("severity", "declared_by").prefetch_related("milestones").order_by("-number")
    return [_row(incident) for incident in found[:MOST]]


def _row(incident: Incident) -> dict[str, Any]:
    times = incident.milestone_times()
    took = {f"{name.lower()}_seconds": seconds for name, seconds in between(times).items()}
    return {
        "id": incident.pk,
        "key": incident.key,
        "title": line(incident.title),
        "severity": incident.severity.name,
        "status": incident.status,
        "kind": incident.kind,
        "visibility": incident.visibility,
        "closure_reason": incident.closure_reason,
        "declared_at": incident.declared_at.isoformat(timespec="seconds"),
        "declared_by": line(incident.declared_by.display_name),
        "namespaces": list(incident.namespaces),
        "services": list(incident.services),
        "labels": list(incident.labels),
        **took,
        "updated_at": incident.updated_at.isoformat(timespec="seconds"),
        "url": absolute(incident.get_absolute_url()),
    }


def incidents_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    out = io.StringIO()
    names = list(rows[0]) if rows else ["key", "title", "severity", "status"]
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([cell(row[name]) for name in names])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", "replace")


def incidents_document(rows: Sequence[Mapping[str, Any]], query: Mapping[str, str]) -> Document:
    head = ("Incident", "What happened", "Severity", "Status", "Declared", "To resolve")
    table = Table(tuple(_words(name) for name in head), tuple(_line(row) for row in rows))
    told = [Fact(name.capitalize(), line(query[name])) for name in FILTERS if query.get(name)]
    count = Fact("Incidents", f"{len(rows):,}" + (" (the newest)" if len(rows) == MOST else ""))
    newest = max((datetime.fromisoformat(row["updated_at"]) for row in rows), default=_BEGINNING)
    return Document(
        kind="List of incidents",
        title="Incidents",
        at=newest.replace(microsecond=0),
        facts=(count, *told),
        introduction=(table,) if rows else (),
        restricted=any(row["visibility"] == "restricted" for row in rows),
        address=absolute("/incidents/"),
    )


_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def _words(text: str) -> tuple[Span, ...]:
    return (Span(text),) if text else ()


def _line(row: Mapping[str, Any]) -> tuple[tuple[Span, ...], ...]:
    declared = said_at(datetime.fromisoformat(row["declared_at"]), "%Y-%m-%d %H:%M")
    took = spoken(row["ttr_seconds"]) if row["ttr_seconds"] is not None else ""
    status = row["status"].capitalize()
    return (
        (Span(row["key"], href=row["url"]),),
        *(_words(text) for text in (row["title"], row["severity"], status, declared, took)),
    )


def incidents_markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = ["# Incidents", "", "| Incident | What happened | Severity | Status | Declared |", "|---|---|---|---|---|"]
    for row in rows:
        title = row["title"].replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
        lines.append(
            f"| [{row['key']}]({row['url']}) | {title} | {row['severity']} | {row['status']} | {row['declared_at']} |"
        )
    return "\n".join(lines) + "\n"
