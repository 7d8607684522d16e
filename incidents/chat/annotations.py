"""Grafana is told of incidents, as regions on its dashboards, where an admin turned that on for a source.

It is no chat service, but it is told things in the same way: written down with the deed, tried until it is done.
"""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Any

from accounts.encryption import CredentialProblem
from incidents import signals
from incidents.chat import outbox, registry
from incidents.chat.lanes import Later, Never
from incidents.chat.news import absolute
from incidents.models import Delivery, Incident
from telemetry.collectors.grafana import write_region
from telemetry.http import SourceError
from telemetry.models import Source

KIND = "annotation"


class GrafanaRegions:
    """One delivery for each source and incident; what it writes is read when it is its turn."""

    name = "grafana"

    def is_on(self) -> bool:
        return bool(sources())

    def deliver(self, delivery: Delivery) -> None:
        incident = Incident.objects.select_related("severity").filter(deliveries=delivery).first()
        source = next((one for one in sources() if one.pk == delivery.content.get("source")), None)
        if incident is None or source is None:
            return
        start, end = incident.band()
        link = f'<a href="{escape(absolute(incident.get_absolute_url()))}">{incident.key}</a>'
        try:
            write_region(
                source.connection(),
                tag=incident.key,
                tags=_tags(incident),
                text=f"{link} {_words(incident)}",
                start=start,
                end=end,
            )
        except SourceError as problem:
            if problem.retryable:
                raise Later(f"{source.name}: {problem.reason}.") from None
            raise Never(f"{source.name}: {problem.reason}. {problem.remedy}") from None
        except CredentialProblem as problem:
            raise Never(f"{source.name}: {problem}") from None


def _tags(incident: Incident) -> tuple[str, ...]:
    return () if incident.is_restricted else (incident.severity.name, *incident.services, *incident.namespaces)


def _words(incident: Incident) -> str:
    """Of one that became restricted, nothing but that it is there."""
    if incident.is_restricted:
        return "is restricted"
    return f"{escape(incident.title)} ({incident.severity.name}, {incident.get_status_display()})"


def sources() -> list[Source]:
    return list(Source.objects.filter(kind="grafana", enabled=True, options__write_back=True).select_related("cluster"))


@signals.hears(signals.incident_declared)
def mark_declared(*, incident_id: int, at: datetime, **_: Any) -> None:
    _enqueue(incident_id, at)


@signals.hears(signals.incident_changed)
def mark_changed(*, incident_id: int, at: datetime, **_: Any) -> None:
    _enqueue(incident_id, at)


def _enqueue(incident_id: int, at: datetime) -> None:
    """One that waits tells what is so when it is told, so a second need not wait beside it.

    Of a restricted incident only what was told before is taken back.
    """
    told = sources()
    if not told:
        return
    known = Delivery.objects.filter(service="grafana", incident=incident_id)
    if Incident.objects.get(pk=incident_id).is_restricted and not known.exists():
        return
    for source in told:
        outbox.enqueue(
            service="grafana",
            kind=KIND,
            lane=str(source.pk),
            now=at,
            incident=incident_id,
            content={"source": source.pk},
            key=f"{source.pk}:{incident_id}",
        )


registry.register(GrafanaRegions())
