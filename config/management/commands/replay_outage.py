"""`manage.py replay_outage`: the recorded outage of 2026-11-21, lived through again. `make demo` calls it.

Standard input: {"kubeconfig", "prometheus", "debrief"}, where the stand-ins and Debrief itself listen, and
{"recordings"}, where the recorded watches lie. Everything goes through the actions, the intake, the recorder and the
collectors; nothing is written past them.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.actions.people import add_person
from accounts.actions.tokens import create_token
from accounts.models import ApiToken, Role, User
from config.outage import earlier, recording, spans
from incidents.actions.followup import create_followup
from incidents.actions.incident import assign_role, change_status, declare_incident
from incidents.actions.timeline import add_note, change_entry
from incidents.models import Incident, Severity
from incidents.models.incident import DetectedBy
from knowledge.actions.objective import save_objective
from knowledge.actions.run import start_run, tick
from knowledge.models import Checklist, ChecklistRun, CheckState
from telemetry.actions.source import check_source, connect_cluster, save_source, set_recorded
from telemetry.models import Cluster, Source

LABEL = "recorded outage"
PEOPLE = {
    "ada": ("Ada Okafor", Role.RESPONDER),
    "ben": ("Ben Lindqvist", Role.RESPONDER),
    "cy": ("Cy Moreau", Role.VIEWER),
}
SCOPE: dict[str, Any] = {
    "namespaces": ["shop"],
    "workloads": [
        {"kind": "Deployment", "namespace": "shop", "name": "checkout"},
        {"kind": "StatefulSet", "namespace": "shop", "name": "orders-db"},
    ],
    "services": ["checkout", "web"],
}
NOTES = [
    ("06:38:14", "ada", "Rolled checkout back to 1.41.0. The new pod never got a node. Watching.", False),
    ("06:38:49", "ben", "Still 5xx after the roll-back. 1.41.0 is not Ready either, look at the probes.", False),
    ("06:41:35", "ada", "/healthz waits for orders-db, so a lost database pod kills every checkout pod.", True),
]


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-21T{clock}+00:00").astimezone(UTC)


class Command(BaseCommand):
    help = "Replay the recorded outage through the real collectors; used by make demo."

    def handle(self, *args: Any, **options: Any) -> None:
        given = json.load(sys.stdin)
        admin = User.objects.filter(role=Role.ADMIN, is_active=True).order_by("pk").first()
        if admin is None:
            raise CommandError("There is no admin yet; run manage.py bootstrap first.")
        told = Incident.objects.filter(labels__contains=[LABEL]).exists()
        if not told:
            earlier.write(self._people())
        cluster = self._connect(given, admin, recorded=None if told else False)
        if not told:
            recording.record(cluster, Path(given["recordings"]))
            set_recorded(cluster=cluster, recorded=True, by=admin, now=timezone.now())
            self._push(given["debrief"], admin)
            recording.wait_until_heard(cluster)
        for source in Source.objects.select_related("cluster"):
            check_source(source=source, now=timezone.now())
        if not told:
            self._live(self._people())
            self._prepare(self._people(), cluster)

    def _people(self) -> dict[str, User]:
        now = timezone.now()
        for username, (name, role) in PEOPLE.items():
            if not User.objects.filter(username=username).exists():
                add_person(username=username, email=f"{username}@example.org", name=name, role=role, now=now)
        return {user.username: user for user in User.objects.filter(username__in=PEOPLE)}

    def _connect(self, given: dict[str, Any], admin: User, *, recorded: bool | None) -> Cluster:
        """Ports change with every start, so the addresses are written anew."""
        now = timezone.now()
        cluster = Cluster.objects.filter(name="prod-eu").first()
        known = {"cluster": cluster, "kubeconfig": given["kubeconfig"], "allow_private": True, "recorded": recorded}
        cluster = connect_cluster(name="prod-eu", by=admin, now=now, **known)
        prometheus = Source.objects.filter(name="Prometheus prod-eu").first()
        options = {"scrape_seconds": 20}
        common = {"url": given["prometheus"], "cluster": cluster, "allow_private": True, "options": options}
        save_source(source=prometheus, kind="prometheus", name="Prometheus prod-eu", by=admin, now=now, **common)
        if not Source.objects.filter(kind="otlp").exists():
            save_source(kind="otlp", name="OpenTelemetry", by=admin, now=now)
        return cluster

    def _push(self, address: str, admin: User) -> None:
        """Traces and logs arrive as any exporter would send them."""
        scopes = [str(ApiToken.Scope.INGEST)]
        token, secret = create_token(user=admin, name="recorded outage", scopes=scopes, now=timezone.now())
        spans.push(address, secret)
        token.delete()

    def _live(self, people: dict[str, User]) -> None:
        ada, ben = people["ada"], people["ben"]
        incident = declare_incident(
            title="Checkout errors after release 1.42.0",
            severity=Severity.objects.get(rank=2),
            summary="Customers see an error page when they pay. Release 1.42.0 of checkout went out at 06:37.",
            by=ben,
            now=at("06:38:12"),
            impact_started_at=at("06:37:20"),
            detected_at=at("06:37:58"),
            detected_by=DetectedBy.ALERT,
            window_from=at("06:22:20"),
            window_to=at("07:04:30"),
            clusters=list(Cluster.objects.filter(name="prod-eu")),
            labels=["release", "probes", LABEL],
            **SCOPE,
        )
        assign_role(incident=incident, role="commander", user=ada, by=ada, now=at("06:38:31"))
        assign_role(incident=incident, role="scribe", user=ben, by=ada, now=at("06:38:40"))
        checklist = Checklist.objects.filter(name="Roll back a release").first()
        if checklist is not None:
            run = start_run(checklist=checklist, by=ada, now=at("06:38:40"), incident=incident)
            for place, item in enumerate(run.ticks.all()[:4]):
                tick(tick=item, state="done", by=ada, now=at("06:39:10") + timedelta(seconds=25 * place))
        for clock, who, text, pinned in NOTES:
            entry = add_note(incident=incident, text=text, by=people[who], now=at(clock), occurred_at=at(clock))
            if pinned:
                change_entry(entry=entry, by=ada, now=at(clock), pinned=True)
        _wait(incident)
        for clock, status in (("06:41:35", "identified"), ("06:43:50", "mitigated"), ("06:49:30", "resolved")):
            change_status(incident=incident, status=status, by=ada, now=at(clock))
        for title, kind, owner in (
            ("Refuse memory requests over 32Gi at admission", "prevent", ada),
            ("Move liveness of all shop services to /livez", "prevent", ben),
            ("Alert when a rollout makes no progress for 60 s", "detect", ada),
        ):
            create_followup(incident=incident, title=title, type=kind, owner=owner, by=ada, now=at("07:30:00"))
        _wait(incident)

    def _prepare(self, people: dict[str, User], cluster: Cluster) -> None:
        """What the team agreed on, and what its cluster says to the shipped questions."""
        ada, now = people["ada"], timezone.now()
        save_objective(by=ada, now=now, namespace="shop", cluster=cluster, rto_seconds=15 * 60, rpo_seconds=60 * 60)
        checklist = Checklist.objects.filter(name="High availability").first()
        if checklist is not None:
            run = start_run(checklist=checklist, by=ada, now=now, cluster=cluster, namespace="shop")
            _wait_for_checks(run)


def _wait_for_checks(run: ChecklistRun, seconds: float = 60) -> None:
    """As long as they take, for the pages to be filled; what is late comes by itself."""
    until = time.monotonic() + seconds
    under_way = ChecklistRun.objects.filter(pk=run.pk, check_state__in=[CheckState.QUEUED, CheckState.RUNNING])
    while under_way.exists() and time.monotonic() < until:
        time.sleep(0.1)


def _wait(incident: Incident, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while incident.collections.filter(finished_at=None).exists():
        if time.monotonic() > until:
            raise CommandError("The collectors did not finish within a minute; see the worker's log.")
        time.sleep(0.1)
