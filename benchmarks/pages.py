"""The incident page with 5,000 items of evidence and 2,000 lines beside an empty signed-in page, in one process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Role, User
from benchmarks.measure import Figure, figure, medians_side_by_side
from benchmarks.rendering import payload
from incidents.actions.incident import declare_incident
from incidents.models import Evidence, Incident, Severity, TimelineEntry

START = datetime(2026, 11, 21, 6, 20, tzinfo=UTC)


def figures() -> list[Figure]:
    reader = User.objects.create(username="ada", email="ada@example.org", name="Ada Okafor", role=Role.RESPONDER)
    small, large = _incident(reader, evidence=50, lines=20), _incident(reader, evidence=5_000, lines=2_000)
    client = Client()
    client.force_login(reader)
    assert _queries(client, small) == _queries(client, large), "the number of queries must not grow"
    addresses = ["/search/", large.get_absolute_url(), small.get_absolute_url()]
    acts = [partial(_get, client, address) for address in addresses]
    empty, page, fifty = medians_side_by_side(acts, times=60)
    return [
        figure(
            "incident page, 5,000 evidence, 2,000 lines / empty page",
            value=page * 1000,
            floor=empty * 1000,
            unit="ms",
            aim=4.0,
        ),
        figure(
            "the same / incident page with 50 evidence, 20 lines",
            value=page * 1000,
            floor=fifty * 1000,
            unit="ms",
            aim=3.0,
        ),
        figure(
            f"queries of the page ({_queries(client, large)}) / with 50 items",
            value=_queries(client, large),
            floor=_queries(client, small),
            unit="queries",
            aim=1.0,
        ),
    ]


def _get(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200, response.status_code


def _queries(client: Client, incident: Incident) -> int:
    with CaptureQueriesContext(connection) as captured:
        _get(client, incident.get_absolute_url())
    return len(captured)


def _incident(reader: User, *, evidence: int, lines: int) -> Incident:
    incident = declare_incident(
        title=f"Checkout errors, {evidence} items",
        severity=Severity.objects.get(rank=2),
        by=reader,
        now=START + timedelta(minutes=20),
        impact_started_at=START + timedelta(minutes=17),
        namespaces=["shop"],
    )
    kinds = ["event"] * 9 + ["metric"]
    rows = Evidence.objects.bulk_create(
        (
            Evidence(
                incident=incident,
                number=n + 1,
                source_name="prod-eu",
                type=kinds[n % 10],
                dedup_key=f"bench:{n}",
                first_at=START + timedelta(seconds=n % 2_400),
                last_at=START + timedelta(seconds=n % 2_400 + 5),
                level="warning" if n % 3 else "normal",
                title=f"BackOff {n}",
                summary="back-off restarting failed container",
                payload=payload()
                if kinds[n % 10] == "metric"
                else {"reason": "BackOff", "message": "back-off", "type": "Warning"},
                sha256="0" * 64,
                observed_at=START,
            )
            for n in range(evidence)
        ),
        batch_size=500,
    )
    TimelineEntry.objects.bulk_create(
        (
            TimelineEntry(
                incident=incident,
                evidence=rows[n % len(rows)],
                dedup_key=f"bench:{n}",
                occurred_at=START + timedelta(seconds=n % 2_400),
                until=START + timedelta(seconds=n % 2_400 + 30) if n % 4 == 0 else None,
                source="event",
                level=("normal", "warning", "error")[n % 3],
                title=("BackOff", "Unhealthy", "FailedScheduling", "Pulled", "Killing")[n % 5],
                subject=f"pod/checkout-{n % 40}",
                text="back-off 40s restarting failed container=checkout",
            )
            for n in range(lines)
        ),
        batch_size=500,
    )
    Incident.objects.filter(pk=incident.pk).update(evidence_count=evidence)
    return incident
