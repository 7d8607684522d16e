"""What the Cluster Autoscaler did and could not do, from its Events in every namespace.

Node Events live in `default`, its own in `kube-system`, so the scope's namespaces alone would miss nearly all:
https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md#what-events-are-emitted-by-ca
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from telemetry.collectors.kubernetes.api import EVENTS, Item
from telemetry.collectors.kubernetes.archive import State
from telemetry.collectors.kubernetes.events import USUAL_RETENTION, archived_events, occurrence_of
from telemetry.collectors.kubernetes.gathering import Gathering
from telemetry.collectors.through_cluster import REDACT, ThroughCluster, part, text
from telemetry.collectors.times import iso
from telemetry.observations import EvidenceType, Facts, Level, Observation

SOURCE = "cluster-autoscaler"
LEVELS: Mapping[str, Level] = {
    "NotTriggerScaleUp": Level.WARNING,
    "FailedToScaleUpGroup": Level.ERROR,
    "FailedScaleUp": Level.ERROR,
    "ScaleUpTimedOut": Level.ERROR,
    "ScaleDownFailed": Level.ERROR,
    "ScaleDownDeleteFailed": Level.ERROR,
    "ScaleDown": Level.WARNING,
    "ScaleDownEmpty": Level.INFO,
    "TriggeredScaleUp": Level.INFO,
    "ScaledUpGroup": Level.INFO,
}
USUAL = "Clusters usually keep Events for one hour, so the absence of one proves nothing."


class ClusterAutoscalerCollector(ThroughCluster):
    kind = "cluster-autoscaler"
    label = "Cluster Autoscaler"
    title = "What the autoscaler did"
    asks = "list events of the source cluster-autoscaler in all namespaces; of pods those in {places}"
    needs = (EVENTS,)
    facts = Facts(
        collects="scale-ups, scale-downs, and why a pod got no node; Events of nodes and of its own status included",
        limits="5,000 Events; what the cluster still keeps, usually an hour",
        tested="a stand-in with Events as its FAQ lists them",
        of_cluster=True,
        options=REDACT,
    )

    def gather(self, gathering: Gathering) -> None:
        found = {self._uid(state.item): state.item for reason in LEVELS for state in self._archived(gathering, reason)}
        if not gathering.is_covered(EVENTS):
            live = gathering.items(EVENTS, "", fieldSelector=f"source={SOURCE}")
            found |= {self._uid(event): event for event in live}
            gathering.covered_from = max(gathering.window.start, datetime.now(UTC) - USUAL_RETENTION)
        for event in found.values():
            self._take(gathering, event)
        if gathering.answered and not gathering.kept and not gathering.is_covered(EVENTS):
            gathering.warnings.append(USUAL)

    def _archived(self, gathering: Gathering, reason: str) -> list[State]:
        return archived_events(gathering, places=[""], reason=reason)

    def _uid(self, event: Item) -> str:
        return str(event["metadata"].get("uid") or event["metadata"].get("name"))

    def _take(self, gathering: Gathering, event: Item) -> None:
        times, about = occurrence_of(event), part(event, "involvedObject")
        kind, namespace = text(about, "kind"), text(about, "namespace")
        is_elsewhere = kind == "Pod" and not gathering.selection.covers_namespace(namespace)
        # Servers that do not know the selector answer all Events.
        is_other = SOURCE not in {text(part(event, "source"), "component"), text(event, "reportingComponent")}
        if times is None or is_elsewhere or is_other or not gathering.window.overlaps(times.first, times.last):
            gathering.dropped += 1
            return
        message = gathering.redactor.text(text(event, "message", 16_384))
        reason = text(event, "reason", 120) or "Event"
        usual = Level.WARNING if event.get("type") == "Warning" else Level.INFO
        subject = {name: text(about, name) for name in ("kind", "namespace", "name", "uid") if text(about, name)}
        gathering.keep(
            Observation(
                type=EvidenceType.EVENT,
                dedup_key=f"autoscaler:{event['metadata'].get('uid') or event['metadata'].get('name')}",
                title=f"{reason} · {kind} {text(about, 'name')}".strip(),
                first_at=times.first,
                last_at=times.last,
                count=times.count,
                level=LEVELS.get(reason, usual),
                subject=subject,
                summary=message.text,
                payload={
                    "reason": reason,
                    "message": message.text,
                    "type": text(event, "type") or "Normal",
                    "count": times.count,
                    "reporter": SOURCE,
                    "until_only": times.is_lower_bound,
                    "first_at": iso(times.first),
                    "last_at": iso(times.last),
                },
                query=gathering.request,
                redactions=message.hits,
            )
        )
