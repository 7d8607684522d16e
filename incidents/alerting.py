"""Looks through what the recorder brought in and proposes or declares incidents, where an admin turned that on.

Like a chat service it stands above the actions and calls them. One transaction a look, under one row's lock: of
two workers one looks, and after a crash the next look sees the same again and finds what it did.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from celery import shared_task
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput
from incidents import signals
from incidents.actions.signal import declare_by_policy, expire_proposal, join_incident
from incidents.models import Incident, IncidentProposal, SignalPolicy, SignalWatch
from incidents.models.incident import TITLE_LIMIT
from incidents.models.signal import LONGEST_QUIET
from telemetry.collectors.kubernetes.selection import belongs
from telemetry.sightings import Sighting, sightings
from telemetry.signals import BY_NAME

# A batch of the recorder is committed a little after the time that its rows carry.
OVERLAP = timedelta(seconds=60)
OLDEST = timedelta(minutes=30)
FORGOTTEN_AFTER = timedelta(hours=24)
# A cluster that falls over shows many signals at once; one or two incidents are enough to wake people.
MOST_DECLARED, WITHIN = 3, timedelta(minutes=10)
COUNTS_KEPT = 500
# What goes on comes again with the next look, so one look need not take it all within its time.
MOST_NEW = 200

log = logging.getLogger(__name__)
Thing = tuple[int, str, str, str, str]


@shared_task(name="incidents.alerting.watch_signals", soft_time_limit=25, time_limit=30)
def watch_signals() -> int:
    return look(timezone.now())


def look(now: datetime) -> int:
    """How many signals about things were acted on; 0 while another worker looks."""
    with transaction.atomic():
        watch = SignalWatch.held(now - OLDEST)
        if watch is None:
            return 0
        rows = SignalPolicy.objects.exclude(action=SignalPolicy.Action.NONE)
        policies = {policy.signal: policy for policy in rows.select_related("severity", "changed_by")}
        found = _wanted(policies, watch.looked_until, now) if policies else []
        known = _known(found, now)
        if found or known:
            seen = _Look(now, policies, known)
            seen.act(found)
            for proposal in seen.waiting():
                signals.tell("incident_proposed", at=now, proposal_id=proposal.pk)
        watch.looked_until = now
        watch.save(update_fields=["looked_until"])
    return len(found)


def _wanted(policies: dict[str, SignalPolicy], looked_until: datetime, now: datetime) -> list[Sighting]:
    since = max(looked_until, now - OLDEST) - OVERLAP
    return [
        one
        for one in sightings(since, now)
        if one.signal in policies and policies[one.signal].concerns(one.namespace) and one.last_at >= now - OLDEST
    ]


def _known(found: list[Sighting], now: datetime) -> dict[Thing, IncidentProposal]:
    """Everything open, and of each thing seen what was made of it last; locked, so that no person decides meanwhile."""
    names, signals = {one.name for one in found}, {one.signal for one in found}
    lately = Q(name__in=names, signal__in=signals, last_at__gte=now - timedelta(minutes=LONGEST_QUIET))
    asked = Q(state=IncidentProposal.State.OPEN) | lately
    rows = IncidentProposal.objects.select_for_update(of=("self",)).filter(asked)
    return {row.thing: row for row in rows.select_related("cluster", "incident").order_by("id")}


def covers(incident: Incident, *, cluster: int, namespace: str, name: str) -> bool:
    """Whether the incident's scope holds the thing. One that names no place at all holds nothing.

    A node (no namespace) is held by an incident of its whole cluster.
    """
    clusters = {one.pk for one in incident.clusters.all()}
    workloads = incident.scope_workloads()
    places = {*incident.namespaces, *(one.namespace for one in workloads)}
    if not (clusters or places) or (clusters and cluster not in clusters):
        return False
    if not places or not namespace:
        return not places
    inside = [one for one in workloads if one.namespace == namespace]
    if inside:
        return any(belongs(one, namespace, name) for one in inside)
    return namespace in incident.namespaces


class _Look:
    """One look: the open incidents, and what is known of each thing."""

    def __init__(self, now: datetime, policies: dict[str, SignalPolicy], known: dict[Thing, IncidentProposal]) -> None:
        self._now, self._policies, self._known = now, policies, known
        self._made: list[IncidentProposal] = []
        self._incidents = list(Incident.objects.open().prefetch_related("clusters").order_by("number"))
        lately = IncidentProposal.objects.filter(
            state=IncidentProposal.State.DECLARED, decided_by=None, decided_at__gt=now - WITHIN
        )
        self._declared = Counter(lately.values_list("cluster", flat=True))

    def act(self, found: Iterable[Sighting]) -> None:
        for sighting in found:
            policy = self._policies[sighting.signal]
            proposal = self._known_for(sighting, policy) or self._new(sighting)
            if proposal is None:
                continue
            if proposal.is_open and not self._joined(proposal) and policy.action == SignalPolicy.Action.DECLARE:
                self._declare(proposal, policy)
        for proposal in self._known.values():
            if proposal.is_open and not self._joined(proposal) and proposal.last_at < self._now - FORGOTTEN_AFTER:
                expire_proposal(proposal=proposal, reason="Not seen for 24 hours.", now=self._now)

    def waiting(self) -> list[IncidentProposal]:
        """Those of this look that a person has to decide about."""
        return [proposal for proposal in self._made if proposal.is_open]

    def _known_for(self, sighting: Sighting, policy: SignalPolicy) -> IncidentProposal | None:
        """The one that goes on, or that is quiet about this."""
        before, last_at = self._known.get(sighting.thing), min(sighting.last_at, self._now)
        if before is None or not (self._goes_on(before) or last_at <= before.last_at + policy.quiet):
            return None
        _see(before, sighting, last_at)
        return before

    def _new(self, sighting: Sighting) -> IncidentProposal | None:
        """None when this look has made enough of them."""
        if len(self._made) >= MOST_NEW:
            return None
        before, last_at = self._known.get(sighting.thing), min(sighting.last_at, self._now)
        first_at = min(sighting.first_at, last_at)
        if before is not None and first_at <= before.last_at:
            # The same Event, counted on after a silence: it began again somewhere in between.
            first_at = last_at
        proposal = IncidentProposal.objects.create(
            cluster_id=sighting.cluster,
            signal=sighting.signal,
            namespace=sighting.namespace,
            kind=sighting.kind,
            name=sighting.name,
            title=title_of(sighting),
            words=sighting.words,
            first_at=first_at,
            last_at=last_at,
            count=sighting.count,
            counts=_bounded(dict(sighting.counts)),
        )
        self._known[sighting.thing] = proposal
        self._made.append(proposal)
        return proposal

    def _goes_on(self, proposal: IncidentProposal) -> bool:
        return proposal.is_open or (proposal.incident is not None and proposal.incident.is_open)

    def _joined(self, proposal: IncidentProposal) -> bool:
        cluster, _, namespace, _, name = proposal.thing
        holding = (one for one in self._incidents if covers(one, cluster=cluster, namespace=namespace, name=name))
        incident = next(holding, None)
        if incident is not None:
            join_incident(proposal=proposal, incident=incident, now=self._now)
        return incident is not None

    def _declare(self, proposal: IncidentProposal, policy: SignalPolicy) -> None:
        """What cannot be declared stays a proposal that says why; it is not tried again."""
        if proposal.reason:
            return
        if self._declared[proposal.cluster_id] >= MOST_DECLARED:
            refusal = f"{MOST_DECLARED} incidents were declared by signals within 10 minutes; this one waits for you."
        else:
            refusal = self._refusal(proposal, policy)
        if refusal:
            proposal.reason = refusal[:2_000]
            proposal.save(update_fields=["reason"])

    def _refusal(self, proposal: IncidentProposal, policy: SignalPolicy) -> str:
        """Empty when the incident was declared."""
        try:
            with transaction.atomic():
                incident = declare_by_policy(proposal=proposal, policy=policy, now=self._now)
        except PermissionProblem:
            return f"{policy.changed_by.display_name}, who turned declaring on, may not declare any more."
        except (InvalidInput, ValidationError) as problem:
            return f"It could not be declared by itself: {problem}"
        except Exception as problem:
            # One that fails in a way nobody thought of must not hold up all that come after it.
            log.exception("proposal %s could not be declared", proposal.pk)
            return f"It could not be declared by itself ({type(problem).__name__}); the worker's log says more."
        self._declared[proposal.cluster_id] += 1
        self._incidents.append(incident)
        return ""


def title_of(sighting: Sighting) -> str:
    """`Crash loop: checkout in shop`; a node is in its cluster."""
    rule = BY_NAME.get(sighting.signal)
    label = rule.label if rule else sighting.signal
    return " ".join(f"{label}: {sighting.name} in {sighting.namespace or sighting.cluster_name}".split())[:TITLE_LIMIT]


def _see(proposal: IncidentProposal, sighting: Sighting, last_at: datetime) -> None:
    counts = _bounded(proposal.counts | dict(sighting.counts))
    if counts == proposal.counts and last_at <= proposal.last_at:
        return
    if sighting.words and last_at >= proposal.last_at:
        proposal.words = sighting.words
    proposal.counts, proposal.count = counts, max(proposal.count, sum(counts.values()))
    proposal.last_at = max(proposal.last_at, last_at)
    proposal.save(update_fields=["counts", "count", "words", "last_at"])


def _bounded(counts: dict[str, int]) -> dict[str, int]:
    return dict(list(counts.items())[-COUNTS_KEPT:])
