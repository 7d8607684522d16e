"""What the team of the example had learned before: one published post-mortem, its lesson, a planned session."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import User
from incidents.actions.followup import create_followup
from incidents.actions.incident import assign_role, change_status, declare_incident
from incidents.actions.milestone import set_milestone
from incidents.actions.postmortem import open_postmortem, save_postmortem
from incidents.actions.publication import publish_postmortem
from incidents.actions.timeline import add_note, change_entry
from incidents.models import Incident, PostMortem, Severity
from incidents.models.incident import DetectedBy
from knowledge.actions.brownbag import save_brownbag
from knowledge.actions.lesson import create_lesson, decide_lesson
from knowledge.actions.session import answer_invitation

MENDED = "Started the second replica of orders-db on node-3. checkout came back by itself once the database answered."
SIGNALS = [
    {"kind": "reason", "value": "NodeNotReady"},
    {"kind": "reason", "value": "BackOff"},
    {"kind": "workload", "value": "checkout"},
]
DAY = datetime.fromisoformat("2026-07-14T13:02:00+00:00")
BODY = """## Summary

A node of prod-eu was lost and took the only replica of orders-db with it. Checkout answered 503 for 31 minutes.

## Impact

Nobody could pay between 13:02 and 13:33 UTC. No order was lost.

## Detection

The 5xx alert fired after four minutes. The node had been NotReady for three of them.

## Contributing factors

### orders-db ran with one replica

The second replica was switched off in spring to save cost, and nothing said so on its page.

### The liveness probe of checkout asked the database

When the database was gone, Kubernetes restarted every checkout pod again and again, which helped nobody.

## What went well

- The runbook for a lost node was right, and short.

## What went badly

- Rolling back was tried first, though nothing had been released.

## Where we were lucky

- It was not the evening.

## Follow-ups

- Document the zone fail-over of orders-db
"""


def write(people: dict[str, User]) -> None:
    incident = _happened(people)
    postmortem = _written(incident, people)
    _taught(postmortem, people)


def _happened(people: dict[str, User]) -> Incident:
    ada = people["ada"]
    incident = declare_incident(
        title="Checkout down, node lost",
        severity=Severity.objects.get(rank=2),
        by=ada,
        now=DAY + timedelta(minutes=5),
        impact_started_at=DAY,
        detected_at=DAY + timedelta(minutes=4),
        detected_by=DetectedBy.ALERT,
        namespaces=["shop"],
        workloads=[{"kind": "Deployment", "namespace": "shop", "name": "checkout"}],
        services=["checkout"],
        labels=["node", "probes"],
    )
    assign_role(incident=incident, role="commander", user=ada, by=ada, now=DAY + timedelta(minutes=6))
    mitigated = DAY + timedelta(minutes=31)
    note = add_note(incident=incident, text=MENDED, by=ada, now=mitigated, occurred_at=mitigated)
    change_entry(entry=note, by=ada, now=mitigated, pinned=True)
    set_milestone(incident=incident, kind="mitigated", at=mitigated, by=ada, now=mitigated)
    change_status(incident=incident, status="resolved", by=ada, now=DAY + timedelta(minutes=48))
    return incident


def _written(incident: Incident, people: dict[str, User]) -> PostMortem:
    ada, ben = people["ada"], people["ben"]
    postmortem = open_postmortem(incident=incident, by=ben, now=DAY + timedelta(days=1))
    written = DAY + timedelta(days=2)
    postmortem = save_postmortem(
        postmortem=postmortem, based_on=None, title="One node, one replica, no checkout", body=BODY, by=ben, now=written
    )
    publish_postmortem(postmortem=postmortem, by=ben, now=written + timedelta(hours=3))
    change_status(
        incident=incident, status="closed", closure_reason="resolved", by=ada, now=written + timedelta(days=1)
    )
    create_followup(
        incident=incident,
        title="Document the zone fail-over of orders-db",
        type="prevent",
        owner=ada,
        by=ada,
        now=written,
    )
    return postmortem


def _taught(postmortem: PostMortem, people: dict[str, User]) -> None:
    ada, ben = people["ada"], people["ben"]
    now = timezone.now()
    lesson = create_lesson(
        statement="A liveness probe must not wait for a dependency.",
        context="A restart does not bring a database back. Let readiness ask for dependencies, liveness for the process.",
        tags=["probes"],
        services=["checkout"],
        signals=SIGNALS,
        postmortems=[postmortem],
        by=ben,
    )
    decide_lesson(lesson=lesson, state="confirmed", by=ada, now=now)
    session = save_brownbag(
        by=ada,
        title="Probes, and what they wait for",
        held_at=(now + timedelta(days=5)).replace(hour=11, minute=0, second=0, microsecond=0),
        place="Room Linden, and the call of the team",
        host=ada,
        audience="Everybody who is on call",
        items=[{"postmortem": postmortem, "minutes": 20}, {"lesson": lesson, "minutes": 10}],
    )
    answer_invitation(session=session, answer="yes", by=ben, now=now)
    answer_invitation(session=session, answer="no", by=people["cy"], now=now)
