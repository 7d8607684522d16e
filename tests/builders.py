"""Rows for tests, with fixed defaults: `make_incident(title="…")`. The cast: Ada commands, Ben writes, Cy only
reads, Mallory attacks, Root administers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.actions.tokens import create_token
from accounts.models import Role, User
from incidents.actions.alert_rule import save_rule
from incidents.actions.followup import create_followup
from incidents.actions.incident import declare_incident
from incidents.actions.postmortem import open_postmortem
from incidents.actions.signal import save_policy
from incidents.actions.timeline import add_note
from incidents.models import (
    AlertRule,
    Collection,
    CollectionRun,
    Evidence,
    FollowUp,
    Incident,
    IncidentProposal,
    PostMortem,
    Severity,
    SignalPolicy,
)
from incidents.models.timeline import TimelineEntry
from knowledge.actions.brownbag import save_brownbag
from knowledge.actions.checklist import save_checklist
from knowledge.actions.lesson import create_lesson
from knowledge.models import BrownBagSession, Checklist, Lesson
from telemetry.actions.query import save_template
from telemetry.actions.source import connect_cluster, save_source
from telemetry.models import (
    Alert,
    Cluster,
    ClusterEvent,
    ContainerEnding,
    CoverageGap,
    ObjectSnapshot,
    QueryTemplate,
    Recording,
    Source,
)
from telemetry.observations import EvidenceType, Observation

NOW = datetime(2026, 11, 21, 6, 38, 12, tzinfo=UTC)
CAST = {
    "ada": ("Ada Okafor", Role.RESPONDER),
    "ben": ("Ben Lindqvist", Role.RESPONDER),
    "cy": ("Cy Moreau", Role.VIEWER),
    "mallory": ("Mallory Vane", Role.VIEWER),
    "root": ("Root Admin", Role.ADMIN),
}


def make_person(username: str = "ada", **overrides: Any) -> User:
    """One of the cast (the existing row if there is one), or somebody else with what is given."""
    name, role = CAST.get(username, (username.capitalize(), Role.VIEWER))
    existing = User.objects.filter(username=username).first()
    if existing is not None:
        return existing
    fields = {"email": f"{username}@example.org", "name": name, "role": role} | overrides
    return User.objects.create_user(username=username, **fields)


def make_token(user: User, *scopes: str, **overrides: Any) -> str:
    """The secret of a new token; without scopes it may read and write."""
    fields = {"name": "tests", "scopes": list(scopes) or ["write"], "now": datetime.now(UTC)} | overrides
    return create_token(user=user, **fields)[1]


def make_incident(**overrides: Any) -> Incident:
    fields: dict[str, Any] = {"title": "Checkout answers 503", "now": NOW, "namespaces": ["shop"]} | overrides
    fields.setdefault("by", make_person("ada"))
    fields["severity"] = Severity.objects.get(name=fields.get("severity", "SEV2"))
    return declare_incident(**fields)


def make_cluster(**overrides: Any) -> Cluster:
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "prod",
        "clusters": [{"name": "prod", "cluster": {"server": "https://192.0.2.10:6443"}}],
        "users": [{"name": "reader", "user": {"token": "reader-token-of-prod-eu"}}],
        "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "reader"}}],
    }
    fields = {"name": "prod-eu", "kubeconfig": kubeconfig, "by": make_person("root"), "now": NOW} | overrides
    return connect_cluster(**fields)


def make_source(**overrides: Any) -> Source:
    fields = {"kind": "prometheus", "name": "Prometheus", "by": make_person("root"), "now": NOW} | overrides
    if fields["kind"] == "prometheus":
        fields.setdefault("url", "http://prometheus.example.org:9090")
    return save_source(**fields)


def make_observation(**overrides: Any) -> Observation:
    fields: dict[str, Any] = {
        "type": EvidenceType.EVENT,
        "dedup_key": "event:1",
        "title": "BackOff pod/checkout-1",
        "first_at": NOW,
        "last_at": NOW + timedelta(minutes=2),
        "count": 10,
        "subject": {"kind": "Pod", "namespace": "shop", "name": "checkout-1"},
        "payload": {"reason": "BackOff", "message": "Back-off restarting failed container"},
    }
    return Observation(**(fields | overrides))


def make_evidence(incident: Incident, **overrides: Any) -> Evidence:
    """The next E-n, written past the collectors."""
    incident.evidence_count += 1
    Incident.objects.filter(pk=incident.pk).update(evidence_count=incident.evidence_count)
    fields: dict[str, Any] = {
        "number": incident.evidence_count,
        "source_name": "Kubernetes prod-eu",
        "type": EvidenceType.EVENT.value,
        "dedup_key": f"evidence:{incident.evidence_count}",
        "first_at": NOW,
        "last_at": NOW,
        "title": "BackOff pod/checkout-1",
        "payload": {"reason": "BackOff", "message": "Back-off restarting failed container"},
        "sha256": "0" * 64,
        "observed_at": NOW,
    }
    return Evidence.objects.create(incident=incident, **(fields | overrides))


def make_run(incident: Incident, **overrides: Any) -> CollectionRun:
    """A queued run in a collection of its own."""
    collection = overrides.pop("collection", None) or Collection.objects.create(
        incident=incident,
        trigger=Collection.Trigger.MANUAL,
        window_from=NOW - timedelta(minutes=15),
        window_to=NOW + timedelta(minutes=15),
        started_at=NOW,
    )
    number = CollectionRun.objects.count()
    fields = {
        "source_name": "Prometheus",
        "source_kind": "prometheus",
        "query_name": f"query-{number}",
        "query_title": "Error rate",
        "idempotency_key": f"run-{number}",
        "queued_at": NOW,
    }
    return CollectionRun.objects.create(collection=collection, incident=incident, **(fields | overrides))


def make_note(incident: Incident, **overrides: Any) -> TimelineEntry:
    fields = {"text": "Rolled back to 1.41.0.", "by": make_person("ada"), "now": NOW} | overrides
    return add_note(incident=incident, **fields)


def make_postmortem(incident: Incident | None = None, **overrides: Any) -> PostMortem:
    fields = {"incident": incident or make_incident(), "by": make_person("ben"), "now": NOW} | overrides
    return open_postmortem(**fields)


def make_followup(incident: Incident | None = None, **overrides: Any) -> FollowUp:
    fields = {"title": "Move liveness to /livez", "by": make_person("ada"), "now": NOW} | overrides
    return create_followup(incident=incident or make_incident(), **fields)


def make_lesson(**overrides: Any) -> Lesson:
    fields = {"statement": "A liveness probe must not wait for a dependency.", "by": make_person("ben")} | overrides
    return create_lesson(**fields)


def make_checklist(**overrides: Any) -> Checklist:
    items = [{"text": "Note the revision that runs now"}, {"text": "Roll back", "why": "It is quicker than a fix"}]
    fields = {"name": "Release gone wrong", "items": items, "by": make_person("ada"), "now": NOW} | overrides
    return save_checklist(**fields)


def make_brownbag(**overrides: Any) -> BrownBagSession:
    fields = {"title": "Probes, and what they wait for", "by": make_person("ada")} | overrides
    return save_brownbag(**fields)


def _cluster_of(overrides: dict[str, Any]) -> Cluster:
    return overrides.pop("cluster", None) or Cluster.objects.order_by("pk").first() or make_cluster()


def make_cluster_event(**overrides: Any) -> ClusterEvent:
    """An archived Event about shop/checkout-1; `uid` tells it from others."""
    cluster = _cluster_of(overrides)
    fields: dict[str, Any] = {
        "uid": f"event-{ClusterEvent.objects.count()}",
        "created_at": NOW,
        "namespace": "shop",
        "name": "checkout-1.17a",
        "resource_version": "100",
        "first_at": NOW,
        "last_at": NOW,
        "type": "Warning",
        "reason": "BackOff",
        "message": "Back-off restarting failed container",
        "reporter": "kubelet",
        "about_kind": "Pod",
        "about_namespace": "shop",
        "about_name": "checkout-1",
        "about_uid": "pod-1",
        "received_at": NOW,
        "updated_at": NOW,
    }
    return ClusterEvent.objects.create(cluster=cluster, **(fields | overrides))


def make_snapshot(**overrides: Any) -> ObjectSnapshot:
    """The current state of the Deployment shop/checkout."""
    cluster = _cluster_of(overrides)
    fields: dict[str, Any] = {
        "resource": "apps/deployments",
        "group": "apps",
        "kind": "Deployment",
        "namespace": "shop",
        "name": "checkout",
        "uid": "deployment-1",
        "resource_version": "100",
        "changed_at": NOW,
        "body": {"metadata": {"name": "checkout", "namespace": "shop"}},
        "digest": "0" * 32,
        "received_at": NOW,
    }
    return ObjectSnapshot.objects.create(cluster=cluster, **(fields | overrides))


def make_ending(**overrides: Any) -> ContainerEnding:
    cluster = _cluster_of(overrides)
    fields: dict[str, Any] = {
        "namespace": "shop",
        "pod": "checkout-1",
        "pod_uid": "pod-1",
        "container": "app",
        "exit_code": 1,
        "reason": "Error",
        "finished_at": NOW,
        "received_at": NOW,
    }
    return ContainerEnding.objects.create(cluster=cluster, **(fields | overrides))


def make_gap(**overrides: Any) -> CoverageGap:
    """Three minutes before NOW of which the archive may lack Events."""
    cluster = _cluster_of(overrides)
    fields: dict[str, Any] = {
        "resource": "events",
        "started_at": NOW - timedelta(minutes=3),
        "ended_at": NOW,
        "reason": CoverageGap.Reason.EXPIRED,
        "recorded_at": NOW,
    }
    return CoverageGap.objects.create(cluster=cluster, **(fields | overrides))


def make_recording(**overrides: Any) -> Recording:
    """A recorder that has listened to Events for an hour before NOW."""
    cluster = _cluster_of(overrides)
    fields: dict[str, Any] = {
        "resource": "events",
        "resource_version": "100",
        "since": NOW - timedelta(hours=1),
        "heard_at": NOW,
        "state": "watching",
        "leader": "recorder-1",
        "updated_at": NOW,
    }
    return Recording.objects.create(cluster=cluster, **(fields | overrides))


def make_policy(**overrides: Any) -> SignalPolicy:
    """Crash loops are proposed, everywhere, turned on by Root."""
    fields: dict[str, Any] = {"signal": "crash-loop", "action": "propose", "quiet_minutes": 60, "namespaces": []}
    fields |= {"by": make_person("root"), "now": NOW} | overrides
    fields["severity"] = Severity.objects.get(name=fields.get("severity", "SEV3"))
    return save_policy(**fields)


def make_proposal(**overrides: Any) -> IncidentProposal:
    """A crash loop of the Deployment shop/checkout that nobody has decided about."""
    fields: dict[str, Any] = {
        "cluster": _cluster_of(overrides),
        "signal": "crash-loop",
        "namespace": "shop",
        "kind": "Deployment",
        "name": "checkout",
        "title": "Crash loop: checkout in shop",
        "words": "Back-off restarting failed container",
        "first_at": NOW - timedelta(minutes=3),
        "last_at": NOW,
        "count": 10,
    }
    return IncidentProposal.objects.create(**(fields | overrides))


def make_alert_rule(**overrides: Any) -> AlertRule:
    """Every alert opens a SEV3, and its end is proposed; saved by Root."""
    fields: dict[str, Any] = {"name": "Everything", "by": make_person("root"), "now": NOW} | overrides
    fields["severity"] = Severity.objects.get(name=fields.get("severity", "SEV3"))
    return save_rule(**fields)


def make_alert(**overrides: Any) -> Alert:
    """CheckoutErrors of shop, firing for two minutes, that nobody has looked at."""
    source = overrides.pop("source", None) or Source.objects.filter(kind="alertmanager").first()
    fields: dict[str, Any] = {
        "source": source or make_source(kind="alertmanager", name="Alertmanager"),
        "fingerprint": "aa11",
        "title": "CheckoutErrors",
        "severity": "critical",
        "labels": {"alertname": "CheckoutErrors", "namespace": "shop", "service": "checkout", "severity": "critical"},
        "annotations": {"summary": "More than 5 % of requests fail"},
        "starts_at": NOW - timedelta(minutes=2),
        "received_at": NOW,
        "changed_at": NOW,
    }
    return Alert.objects.create(**(fields | overrides))


def make_query_template(**overrides: Any) -> QueryTemplate:
    """Of every Prometheus, for every incident."""
    fields: dict[str, Any] = {"name": "up", "title": "Up", "language": "PromQL", "expr": "up", "now": NOW}
    return save_template(**(fields | {"by": make_person("root")} | overrides))
