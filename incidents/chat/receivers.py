"""Hears what the actions did, and has every webhook told that is turned on. Nothing of a restricted incident."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from incidents import signals
from incidents.chat import news, outbox, webhooks
from incidents.models import Incident, IncidentUpdate, PostMortem

# One channel, one order.
LANE = "channel"


@signals.hears(signals.incident_declared)
def tell_declared(*, incident_id: int, at: datetime, **_: Any) -> None:
    if (incident := _told(incident_id)) is not None:
        _enqueue(incident, "declared", news.of_declaration(incident), at)


@signals.hears(signals.incident_changed)
def tell_changed(*, incident_id: int, at: datetime, change: str, **_: Any) -> None:
    """Not what an update of the same moment tells as well."""
    build = {"status": news.of_status, "severity": news.of_severity}.get(change)
    if build is None or IncidentUpdate.objects.filter(incident=incident_id, posted_at=at).exists():
        return
    if (incident := _told(incident_id)) is not None:
        _enqueue(incident, change, build(incident, at), at)


@signals.hears(signals.incident_updated)
def tell_update(*, incident_id: int, at: datetime, update_id: int, **_: Any) -> None:
    if _told(incident_id) is None:
        return
    rows = IncidentUpdate.objects.select_related("incident__severity", "posted_by")
    update = rows.get(pk=update_id)
    _enqueue(update.incident, "update", news.of_update(update), at)


@signals.hears(signals.postmortem_published)
def tell_published(*, postmortem_id: int, at: datetime, **_: Any) -> None:
    if not webhooks.turned_on():
        return
    postmortem = PostMortem.objects.select_related("incident__severity").get(pk=postmortem_id)
    if not postmortem.incident.is_restricted:
        _enqueue(postmortem.incident, "published", news.of_publication(postmortem, at), at)


def _told(incident_id: int) -> Incident | None:
    """None without anybody to tell, or where nobody may be told."""
    if not webhooks.turned_on():
        return None
    incident = Incident.objects.select_related("severity", "declared_by").get(pk=incident_id)
    return None if incident.is_restricted else incident


def _enqueue(incident: Incident, kind: str, told: news.News, at: datetime) -> None:
    for webhook in webhooks.turned_on():
        outbox.enqueue(
            service=webhook.name,
            kind=kind,
            lane=LANE,
            now=at,
            incident=incident,
            content=told.as_json(),
            key=f"{kind}:{incident.pk}:{at.isoformat()}",
            once=True,
        )
