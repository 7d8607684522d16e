"""Duplicates: one incident is taken into another, and may be taken out again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.actions.incident import announce, change_status
from incidents.actions.timeline import write_change
from incidents.models import AlertDeed, FollowUp, Incident, IncidentMerge
from incidents.models.alert import DeedQuerySet
from incidents.models.followup import FollowUpQuerySet
from incidents.models.incident import ClosureReason, Status

SCOPE = ("namespaces", "services", "labels", "workloads")
# Collectors take none of these for "not narrowed".
MEANS_ALL = {"namespaces", "workloads"}


@transaction.atomic
def merge_incident(
    *, incident: Incident, into: Incident, by: User, now: datetime, reason: str = "", via: str = "page"
) -> IncidentMerge:
    """`incident` is closed as a duplicate of `into`, which gets its follow-ups, its alerts and its scope.

    Its page, its evidence and its timeline stay where they are, so that old links keep working.
    """
    require_respond(by)
    locked = Incident.objects.select_for_update(of=("self",)).order_by("pk")
    rows = {row.pk: row for row in locked.select_related("severity").filter(pk__in=[incident.pk, into.pk])}
    if len(rows) < 2:
        raise InvalidInput("into", "is the incident itself; expected another one, such as INC-17")
    incident, into = rows[incident.pk], rows[into.pk]
    _check(incident, into)
    moved = {
        "status": incident.status,
        "closure_reason": incident.closure_reason,
        "duplicate_of": incident.duplicate_of_id,
        "followups": _move_followups(FollowUp.objects.filter(incident=incident), into),
        "alert_deeds": _move_alerts(AlertDeed.objects.filter(incident=incident), into),
        "scope": _widen(into, incident),
    }
    if incident.status != Status.CLOSED:
        closed, said = ClosureReason.DUPLICATE, f"Merged into {into.key}. {reason}".strip()
        change_status(
            incident=incident,
            status=Status.CLOSED,
            closure_reason=closed,
            duplicate_of=into,
            reason=said,
            by=by,
            now=now,
            via=via,
        )
    else:
        incident.closure_reason, incident.duplicate_of = ClosureReason.DUPLICATE, into
        incident.save()
    merge = IncidentMerge.objects.create(
        incident=incident, into=into, reason=reason.strip()[:300], moved=moved, merged_by=by, merged_at=now
    )
    write_change(incident=into, at=now, by=by, title=f"{incident.key} was merged into this one", text=reason)
    audit.record(at=now, actor=by, verb="incident.merged", target=incident.key, via=via, detail={"into": into.key})
    announce(into, now, "fields")
    return merge


@transaction.atomic
def undo_merge(*, merge: IncidentMerge, by: User, now: datetime, via: str = "page") -> Incident:
    """What the merge moved goes back, unless somebody moved it on since; the incident is as it was before.

    Raises InvalidInput while the incident that took it in is itself merged into another one.
    """
    require_respond(by)
    merge = IncidentMerge.objects.select_for_update(of=("self",)).get(pk=merge.pk)
    locked = Incident.objects.select_for_update(of=("self",)).select_related("severity").order_by("pk")
    rows = {row.pk: row for row in locked.filter(pk__in=[merge.incident_id, merge.into_id])}
    incident, into, moved = rows[merge.incident_id], rows[merge.into_id], merge.moved
    if merge.undone_at is not None:
        return incident
    if (further := into.merges.filter(undone_at=None).select_related("into").first()) is not None:
        raise InvalidInput("", f"{into.key} was itself merged into {further.into.key}; undo that first")
    _move_followups(FollowUp.objects.filter(pk__in=moved.get("followups", []), incident=into), incident)
    _move_alerts(AlertDeed.objects.filter(pk__in=moved.get("alert_deeds", []), incident=into), incident)
    merge.undone_by, merge.undone_at = by, now
    merge.save(update_fields=["undone_by", "undone_at"])
    _narrow(into, moved.get("scope", {}))
    incident = _as_before(incident, moved, into, by, now, via)
    write_change(incident=into, at=now, by=by, title=f"{incident.key} was taken out of this one again")
    audit.record(at=now, actor=by, verb="incident.unmerged", target=incident.key, via=via, detail={"from": into.key})
    announce(into, now, "fields")
    return incident


def _as_before(
    incident: Incident, moved: dict[str, Any], into: Incident, by: User, now: datetime, via: str
) -> Incident:
    before, reason = Status(moved.get("status", Status.INVESTIGATING)), f"No duplicate of {into.key}."
    if before == Status.CLOSED:
        incident.closure_reason = moved.get("closure_reason") or ClosureReason.RESOLVED
        original = moved.get("duplicate_of")
        incident.duplicate_of = Incident.objects.filter(pk=original).first() if original else None
        incident.save()
        write_change(incident=incident, at=now, by=by, title=reason)
        return incident
    return change_status(incident=incident, status=before, reason=reason, by=by, now=now, via=via)


def _check(incident: Incident, into: Incident) -> None:
    if into.merges.filter(undone_at=None).exists():
        raise InvalidInput("into", f"{into.key} was itself merged into another one; expected that one")
    if incident.merges.filter(undone_at=None).exists():
        raise InvalidInput("", f"{incident.key} is merged already; undo that first")
    if into.kind != incident.kind:
        raise InvalidInput("into", "expected one of its own kind; drills and incidents are counted apart")
    if into.is_restricted and not incident.is_restricted:
        raise InvalidInput("into", f"{into.key} is restricted, so those who see {incident.key} could not follow")
    if incident.is_restricted and not into.is_restricted:
        raise InvalidInput("into", f"{into.key} is for everybody, and {incident.key} is restricted")


def _move_followups(rows: FollowUpQuerySet, to: Incident) -> list[int]:
    found = list(rows.select_for_update())
    for followup in found:
        followup.incident = to
        followup.save()
    return [followup.pk for followup in found]


def _move_alerts(rows: DeedQuerySet, to: Incident) -> list[int]:
    keys = list(rows.values_list("pk", flat=True))
    AlertDeed.objects.filter(pk__in=keys).update(incident=to)
    return keys


def _widen(into: Incident, incident: Incident) -> dict[str, Any]:
    """What `into` did not name yet, so that sources are asked for both from now on.

    A field that names nothing means everything: it stays so, and nothing narrows it.
    """
    added: dict[str, Any] = {}
    for name in SCOPE:
        known, others = getattr(into, name), getattr(incident, name)
        if not known and name in MEANS_ALL:
            continue
        if not others and name in MEANS_ALL:
            added[name] = {"was": known}
            setattr(into, name, [])
        elif new := [one for one in others if one not in known]:
            added[name] = {"new": new}
            setattr(into, name, [*known, *new])
    if into.clusters.exists():
        clusters = set(incident.clusters.all()) - set(into.clusters.all())
        added["clusters"] = sorted(cluster.pk for cluster in clusters)
        into.clusters.add(*clusters)
    into.save()
    return added


def _narrow(into: Incident, added: dict[str, Any]) -> None:
    """Takes back what this merge brought and no other that still stands."""
    standing = list(into.merged.filter(undone_at=None).select_related("incident"))
    others = [one.moved.get("scope", {}) for one in standing]
    for name in SCOPE:
        mine = added.get(name, {})
        if "was" in mine and not getattr(into, name) and not any("was" in other.get(name, {}) for other in others):
            setattr(into, name, mine["was"])
        elif "new" in mine:
            kept = [one for merge in standing for one in getattr(merge.incident, name)]
            gone = [one for one in mine["new"] if one not in kept]
            setattr(into, name, [one for one in getattr(into, name) if one not in gone])
    clusters = {pk for one in standing for pk in one.incident.clusters.values_list("pk", flat=True)}
    into.clusters.remove(*(pk for pk in added.get("clusters", []) if pk not in clusters))
    into.save()
