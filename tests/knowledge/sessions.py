"""Sessions as large as people make them: post-mortems with charts, traces, logs, tables, code and long words."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from incidents.actions.milestone import set_milestone
from incidents.actions.postmortem import save_postmortem
from incidents.actions.publication import publish_postmortem
from incidents.models import Evidence, Incident, PostMortem
from knowledge.models import BrownBagSession
from tests.builders import (
    NOW,
    make_brownbag,
    make_evidence,
    make_followup,
    make_incident,
    make_lesson,
    make_person,
    make_postmortem,
)

STORIES = [
    ("Checkout answers 503 while probes wait for the database", "SEV1"),
    ("Orders are processed twice after a queue fails over", "SEV2"),
    ("Search is slow for an hour: one shard on a full disk", "SEV2"),
    ("Mail is not sent: a certificate ended at midnight", "SEV3"),
    ("A mistyped memory request meets a lost node", "SEV2"),
    ("Payments time out behind a new network policy", "SEV1"),
    ("Nightly backups fail for nine days, and nobody hears of it", "SEV3"),
    ("The roll-back target was never healthy", "SEV2"),
]
TITLES = [
    "Error rate of the checkout",
    "p95 latency",
    "Connections to PostgreSQL",
    "Memory of the workers",
    "Queue length",
]
UNITS = ["ratio", "s", "", "bytes", "messages"]
HOSTILE = "<script>alert(1)</script> **bold** ‏שלום עולם‏ مرحبا 🔥🚒 " + "W" * 300


def metric(number: int) -> dict[str, Any]:
    """Two hours in steps of 30 s: calm, a rise within the incident, calm again."""
    start = NOW - timedelta(minutes=30)
    size = {"ratio": 0.4, "s": 2.4, "": 180.0, "bytes": 9e8, "messages": 5_200.0}[UNITS[number % 5]]
    names = ["checkout-7d9f", "checkout-5c2b"] if number % 3 == 0 else ["checkout"]

    def points(shift: int) -> list[list[Any]]:
        rows = []
        for step in range(160):
            inside = math.exp(-(((step - 70 - shift * 6) / 22) ** 2))
            value = size * (0.06 + 0.9 * inside + 0.03 * math.sin(step / 3 + shift + number))
            rows.append([(start + timedelta(seconds=30 * step)).timestamp(), None if 100 < step < 104 else value])
        return rows

    return {
        "window": {"start": start.timestamp(), "end": (start + timedelta(minutes=80)).timestamp()},
        "step_seconds": 30,
        "unit": UNITS[number % 5],
        "expr": 'sum(rate(http_requests_total{job="checkout",code=~"5.."}[5m])) / sum(rate(http_requests_total{job="checkout"}[5m]))',
        "baseline_median": size * 0.07,
        "series": [{"labels": {"pod": name}, "points": points(at)} for at, name in enumerate(names)],
    }


def trace() -> dict[str, Any]:
    spans = [
        {
            "id": str(at),
            "parent": str(at - 1) if at else "",
            "service": name,
            "name": f"{verb} /{name}",
            "start_ms": at * 40.0,
            "duration_ms": 900.0 - at * 110,
            "error": at == 5,
            "message": "connection refused" if at == 5 else "",
        }
        for at, (name, verb) in enumerate(
            [
                ("web", "GET"),
                ("checkout", "POST"),
                ("stock", "GET"),
                ("payments", "POST"),
                ("ledger", "PUT"),
                ("postgres", "SELECT"),
            ]
        )
    ]
    return {
        "trace_id": "5b8efff798038103d269b633813fc60c",
        "start_at": NOW.isoformat(),
        "duration_ms": 900.0,
        "spans": spans,
        "critical": ["0", "1", "3"],
    }


def log() -> dict[str, Any]:
    lines = [
        {
            "at": (NOW + timedelta(seconds=at)).isoformat(),
            "text": f'time={at} level={"error" if at % 3 == 0 else "info"} msg="upstream connect error or disconnect/reset before headers" path=/checkout/{at}',
            "level": "error" if at % 3 == 0 else "info",
        }
        for at in range(14)
    ]
    bars = [
        {"at": (NOW + timedelta(minutes=at)).isoformat(), "count": 20 + at * 3, "errors": at * 2} for at in range(20)
    ]
    return {
        "lines": lines,
        "histogram": bars,
        "total": 1_900,
        "errors": 380,
        "pod": "checkout-7d9f",
        "container": "app",
    }


def body_of(place: int, charts: list[Evidence], trace_: Evidence, log_: Evidence) -> str:
    figures = "\n\n".join(
        f'![[E-{one.number} caption="{one.title}, as customers met it"]]\n\nIt rose within four minutes and came back after the roll-back[[E-{one.number}]].'
        for one in charts
    )
    rows = "\n".join(
        f"| 06:{minute:02d}:12 | The deployment controller scaled the set down to {minute % 4} replicas and said why | [[E-{charts[0].number}]] |"
        for minute in range(20, 42)
    )
    return f"""## Summary

From 06:38 to 07:21 UTC **one in three checkouts** failed[[E-{charts[0].number}]]. The readiness probe of `checkout` asked the database, which was busy with a migration; Kubernetes took every pod out of the service at once, and the queue behind it grew until workers ran out of memory. Nobody was paged for the first eleven minutes.

## Impact

> [!WARNING]
> 4,210 orders were not placed; 62 were charged and not delivered.

| What | Before | During |
|---|---:|---:|
| Failed checkouts | 0.1 % | 34 % |
| p95 of /checkout | 180 ms | 2.4 s |

{figures}

## Timeline

| Time | What happened | Evidence |
|---|---|---|
{rows}

## Detection

A customer wrote before the alert fired. The alert asks for ten minutes above 5 %, on an average over five.

![[E-{trace_.number} caption="One checkout, from the door to the database"]]

![[E-{log_.number} lines=9 caption="What the pods said"]]

## Contributing factors

1. The readiness probe waits for a dependency, so that a slow database empties the service.
2. The migration takes a lock for longer than the statement timeout of the probe.
    - It had been tried on a copy a tenth of the size.
3. The roll-back took nine minutes, because the image of the version before had been pruned.

```yaml
readinessProbe:
  httpGet: {{path: /readyz, port: 8080}}
  timeoutSeconds: 1   # the query of /readyz takes 1.4 s under the lock
```

## What went well

- The status page said so within six minutes of the declaration.
- Nobody had to guess which version ran: the timeline showed the rollout.

## What went badly

- {"The on-call person had two pages for other services at the same time, and the run book named a dashboard that had been renamed in the spring. " * (5 if place == 0 else 1)}

## Where we were lucky

It was Saturday morning.

## Follow-ups

- An older list.

## External message

{HOSTILE if place == 1 else "Some orders could not be placed on Saturday morning. All who were charged have been paid back."}

```mermaid
flowchart LR
  customer --> web --> checkout --> postgres
```
"""


def make_story(place: int, *, charts: int = 5, followups: int = 3, **overrides: Any) -> PostMortem:
    title, severity = STORIES[place % len(STORIES)]
    incident = make_incident(**({"title": title, "severity": severity, "services": ["checkout"]} | overrides))
    ada = make_person("ada")
    for kind, minutes in (
        ("impact_started", -4),
        ("detected", 7),
        ("acknowledged", 9),
        ("mitigated", 34),
        ("resolved", 43),
    ):
        set_milestone(
            incident=incident, kind=kind, at=NOW + timedelta(minutes=minutes), by=ada, now=NOW + timedelta(hours=2)
        )
    drawn = [
        make_evidence(
            incident, type="metric", title=TITLES[at % 5], payload=metric(at), source_name="Prometheus prod-eu"
        )
        for at in range(charts)
    ]
    others = [
        make_evidence(incident, type="trace", title="POST /checkout", payload=trace(), source_name="Tempo"),
        make_evidence(incident, type="log", title="app of checkout-7d9f", payload=log(), source_name="Loki"),
    ]
    for at in range(followups):
        make_followup(
            incident,
            title=f"{('Ask the process, not the database', 'Keep three images of each service', 'Page after two minutes above 5 %')[at % 3]}",
            owner=ada,
        )
    return _publish(make_postmortem(Incident.objects.get(pk=incident.pk)), body_of(place, drawn or others[:1], *others))


def _publish(postmortem: PostMortem, body: str) -> PostMortem:
    ben, now = make_person("ben"), NOW + timedelta(hours=3)
    save_postmortem(
        postmortem=postmortem, by=ben, now=now, body=body, title=postmortem.title, based_on=postmortem.resource_version
    )
    postmortem.refresh_from_db()
    return publish_postmortem(postmortem=postmortem, by=ben, now=now)


def make_full_session(stories: int = 8, *, charts: int = 5, **overrides: Any) -> BrownBagSession:
    """Each story with `charts` metric charts, a trace, a log and a diagram; then a lesson and questions."""
    items: list[dict[str, Any]] = [
        {
            "postmortem": make_story(place, charts=charts),
            "minutes": 5,
            "notes": "Begin with the customer.\nThen the probe.",
            "questions": "Which probes wait for a dependency?\nWho would hear of it at night?",
        }
        for place in range(stories)
    ]
    items.append(
        {
            "lesson": make_lesson(
                context="Readiness says whether *this* process can work.\n\n- Ask the process.\n- Not the database."
            ),
            "minutes": 4,
        }
    )
    items.append({"title": "Questions", "minutes": 5, "questions": "What would you change first?"})
    fields = {
        "items": items,
        "held_at": NOW + timedelta(days=9),
        "host": make_person("ada"),
        "audience": "everyone in Engineering",
        "place": "Kitchen 2, and the usual call",
        "introduction": "What we learned in **November**, in the order in which it hurt.",
        "minutes": 60,
    }
    return make_brownbag(**(fields | overrides))
