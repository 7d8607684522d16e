"""Alerts that were pushed, read back for an incident: those of its scope, its own, and those that name no place."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import DatabaseError
from django.db.models import Q, QuerySet
from django.utils import timezone

from telemetry.collectors.alert_levels import level_of_alert
from telemetry.collectors.times import iso
from telemetry.models import Alert
from telemetry.observations import (
    Budget,
    Check,
    Connection,
    EvidenceType,
    Facts,
    Observation,
    Outcome,
    Query,
    Scope,
    Sink,
    Status,
    Window,
)

ALERTS = "alerts"
NAMESPACES = ("namespace", "exported_namespace", "kubernetes_namespace")
SERVICES = ("service", "app", "deployment", "statefulset", "daemonset", "job")
LIMITS = "4 MiB and 1,000 alerts a request"


class PushedAlerts:
    """One source's alerts; the kinds below differ only in who sends them."""

    kind = ""
    label = ""
    facts = Facts(collects="", limits="", tested="", pushed=True)

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def preflight(self) -> list[Check]:
        """Whether anything has arrived yet."""
        last = self._rows().order_by("-received_at").values_list("received_at", flat=True).first()
        detail = f"last {last:%Y-%m-%d %H:%M:%S} UTC" if last else "nothing has arrived yet"
        remedy = "" if last else f"Send its webhooks to /hooks/{self.kind}/ with a token of the scope ingest."
        return [Check(name="alerts arrive", ok=True, detail=detail, remedy=remedy)]

    def plan(self, scope: Scope, window: Window) -> list[Query]:
        params = {
            "services": list(scope.names()),
            "namespaces": list(scope.namespaces) or [one.namespace for one in scope.workloads],
            "alerts": list(scope.alerts),
        }
        narrowed = ", ".join([*params["services"], *params["namespaces"]])
        told = f"alerts of {narrowed}, and those that name no place" if narrowed else "every alert"
        return [Query(ALERTS, "Alerts", told, params)]

    def collect(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        inside = self._rows().filter(Q(ends_at=None) | Q(ends_at__gte=window.start), starts_at__lt=window.end)
        try:
            found = list(_scoped(inside, query).order_by("starts_at", "id")[: budget.items + 1])
            others = bool(found) or inside.exists()
            first = None if others else self._rows().order_by("received_at").values_list("received_at", flat=True)[:1]
            first_at = next(iter(first), None) if first is not None else None
        except DatabaseError as problem:
            reason = f"The database did not answer ({type(problem).__name__})."
            return Outcome(Status.UNREACHABLE, reason=reason, retryable=True)
        kept = found[: budget.items]
        if kept:
            until = min(window.end, timezone.now())
            sink([_observe(alert, window, until) for alert in kept])
        return self._outcome(query, window, found, kept, others=others, first_at=first_at)

    def _outcome(
        self,
        query: Query,
        window: Window,
        found: list[Alert],
        kept: list[Alert],
        *,
        others: bool,
        first_at: datetime | None,
    ) -> Outcome:
        known: dict[str, Any] = {"fetched": len(found), "kept": len(kept), "request": query.text}
        known |= {"covered_from": window.start, "covered_to": window.end}
        if len(found) > len(kept):
            reason = f"The first {len(kept):,} alerts of more."
            return Outcome(Status.TRUNCATED, reason=reason, truncated_by="items", dropped=1, **known)
        if found:
            return Outcome(Status.COMPLETE, **known)
        if others:
            return Outcome(Status.EMPTY, reason="No alert of this scope; others fired in the window.", **known)
        if first_at is None or first_at > window.end:
            remedy = f"Send its webhooks to /hooks/{self.kind}/."
            words = "No alert had arrived yet when this happened."
            return Outcome(Status.NOT_CONFIGURED, reason=words, remedy=remedy, request=query.text)
        return Outcome(Status.EMPTY, reason="No alert fired in the window.", **known)

    def _rows(self) -> QuerySet[Alert]:
        return Alert.objects.filter(source__kind=self.kind, source__name=self.connection.name)


def _scoped(rows: QuerySet[Alert], query: Query) -> QuerySet[Alert]:
    services, namespaces = query.params.get("services") or [], query.params.get("namespaces") or []
    if not services and not namespaces:
        return rows
    wanted = Q(fingerprint__in=query.params.get("alerts") or [])
    placeless = Q()
    for names, values in ((NAMESPACES, namespaces), (SERVICES, services)):
        for name in names:
            placeless &= ~Q(labels__has_key=name)
            wanted |= Q(**{f"labels__{name}__in": values})
    return rows.filter(wanted | placeless)


def _observe(alert: Alert, window: Window, until: datetime) -> Observation:
    ended = alert.ends_at
    payload = {
        "alertname": alert.title,
        "severity": alert.severity,
        "labels": alert.labels,
        "annotations": alert.annotations,
        "state": "firing",
        "first_at": iso(alert.starts_at),
        "last_at": iso(ended or max(until, alert.starts_at)),
        "began_before": alert.starts_at < window.start,
        "ongoing": ended is None,
        "window": {"start": iso(window.start), "end": iso(window.end)},
    }
    told = alert.annotations.get("summary") or alert.annotations.get("description") or ""
    labels = ", ".join(f"{name}={alert.labels[name]}" for name in sorted(alert.labels) if name != "alertname")
    return Observation(
        type=EvidenceType.ALERT,
        dedup_key=f"alert:{alert.fingerprint}:{iso(alert.starts_at)}",
        title=f"{alert.title} firing",
        first_at=alert.starts_at,
        last_at=ended or max(until, alert.starts_at),
        level=level_of_alert(alert.severity),
        subject=_subject(alert),
        summary=(told or labels)[:500],
        payload=payload,
        links=[{"title": "Open the alert", "url": alert.url}] if alert.url else (),
        redactions=alert.redactions,
    )


def _subject(alert: Alert) -> dict[str, str]:
    named = {key: alert.label(key) for key in ("namespace", "pod", "container", "node")}
    service = next((alert.label(key) for key in SERVICES if alert.label(key)), "")
    return {key: value for key, value in (named | {"name": service}).items() if value}


class AlertmanagerAlerts(PushedAlerts):
    kind = "alertmanager"
    label = "Alertmanager"
    facts = Facts(
        collects="alerts with their start and end; rules open or update incidents by them",
        limits=LIMITS,
        tested="Debian's Alertmanager 0.25 behind Debian's Prometheus",
        pushed=True,
    )


class GrafanaAlerts(PushedAlerts):
    kind = "grafana-alerting"
    label = "Grafana Alerting"
    facts = Facts(
        collects="alerts of Grafana's own rules, with the value that fired",
        limits=LIMITS,
        tested="documented bodies",
        pushed=True,
    )


class PagerDutyAlerts(PushedAlerts):
    kind = "pagerduty"
    label = "PagerDuty"
    facts = Facts(
        collects="its incidents, with priority, service and when they were resolved",
        limits=LIMITS,
        tested="documented bodies of webhooks version 3",
        pushed=True,
    )


class OpsgenieAlerts(PushedAlerts):
    kind = "opsgenie"
    label = "Opsgenie"
    facts = Facts(
        collects="its alerts, with priority, tags and when they were closed",
        limits=LIMITS,
        tested="documented bodies",
        pushed=True,
    )


class WebhookAlerts(PushedAlerts):
    kind = "webhook"
    label = "Webhook"
    facts = Facts(
        collects="alerts of any other program, in Debrief's own form",
        limits=LIMITS,
        tested="the documented form, sent over HTTP",
        pushed=True,
    )
