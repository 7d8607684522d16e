"""CSI volume snapshots as recovery points of their claims.

https://kubernetes.io/docs/concepts/storage/volume-snapshots/
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from telemetry.collectors.kubernetes.api import Item, Resource
from telemetry.collectors.kubernetes.gathering import Gathering
from telemetry.collectors.recovery import FAILED, RUNNING, UNKNOWN, USABLE, Plan, RecoveryPoint
from telemetry.collectors.through_cluster import REDACT, ThroughCluster, keep_strip, part, read, text, told
from telemetry.observations import Facts
from telemetry.redaction import Redactor

GROUP = "snapshot.storage.k8s.io"
SNAPSHOTS = Resource(GROUP, "v1", "volumesnapshots")
CONTENTS = Resource(GROUP, "v1", "volumesnapshotcontents")


class CsiSnapshotsCollector(ThroughCluster):
    kind = "csi-snapshots"
    label = "CSI snapshots"
    title = "Volume snapshots"
    asks = "list volumesnapshots in {places} and volumesnapshotcontents of snapshot.storage.k8s.io"
    needs = (SNAPSHOTS, CONTENTS)
    facts = Facts(
        collects="snapshots by claim, bound in both directions, with the newest usable one before the incident",
        limits="5,000 objects; the last 60 points of a claim are drawn",
        tested="a stand-in with objects of the documented types",
        of_cluster=True,
        found_by=GROUP,
        options=REDACT,
    )

    def gather(self, gathering: Gathering) -> None:
        snapshots, _ = read(gathering, SNAPSHOTS, gathering.selection.places)
        if not snapshots and gathering.failures:
            return
        contents, complete = read(gathering, CONTENTS)
        known = {str(item["metadata"]["name"]): item for item in contents} if complete else None
        by_claim: dict[tuple[str, str], list[Item]] = defaultdict(list)
        for snapshot in snapshots:
            claim = text(part(snapshot, "spec", "source"), "persistentVolumeClaimName")
            namespace = str(snapshot["metadata"].get("namespace") or "")
            if claim and not gathering.selection.covers(namespace, claim):
                gathering.dropped += 1
                continue
            by_claim[namespace, claim].append(snapshot)
        for (namespace, claim), rows in sorted(by_claim.items()):
            _keep_strip(gathering, namespace, claim, rows, known)


def _keep_strip(
    gathering: Gathering, namespace: str, claim: str, rows: list[Item], contents: Mapping[str, Item] | None
) -> None:
    hits: Counter[str] = Counter()
    points = [made for row in rows if (made := point(row, contents, gathering.redactor, hits))]
    plan = Plan(
        tool="CSI snapshots",
        name=claim or "of no claim",
        key=f"csi:{namespace}/{claim}",
        covers=f"claim {claim} in {namespace}" if claim else f"imported volumes in {namespace}",
        subject={"kind": "PersistentVolumeClaim", "namespace": namespace, "name": claim} if claim else {},
    )
    keep_strip(gathering, plan, points, hits)


def point(
    snapshot: Item, contents: Mapping[str, Item] | None, redactor: Redactor, hits: Counter[str]
) -> RecoveryPoint | None:
    metadata, status = snapshot["metadata"], part(snapshot, "status")
    at = told(status, "creationTime") or told(metadata, "creationTimestamp")
    if at is None:
        return None
    state, reason = _state(snapshot, contents)
    words = redactor.text(reason)
    hits.update(words.hits)
    size = status.get("restoreSize")
    return RecoveryPoint(
        str(metadata["name"]), at, state, None, words.text[:300], size=size if isinstance(size, str) else ""
    )


def _state(snapshot: Item, contents: Mapping[str, Item] | None) -> tuple[str, str]:
    """Ready is believed where the content names the same snapshot back; a missing `readyToUse` is unknown."""
    status, metadata = part(snapshot, "status"), snapshot["metadata"]
    ready, error = status.get("readyToUse"), text(part(status, "error"), "message", 1_000)
    if metadata.get("deletionTimestamp"):
        return FAILED, "it is being deleted"
    if ready is not True:
        if error:
            return FAILED, error
        return (
            (RUNNING, "it is not ready yet")
            if ready is False
            else (UNKNOWN, "its driver does not say that it is ready")
        )
    bound = text(status, "boundVolumeSnapshotContentName")
    if not bound:
        return UNKNOWN, "it is bound to no content"
    if contents is None:
        return UNKNOWN, "its content could not be read"
    content = contents.get(bound)
    if content is None:
        return FAILED, f"its content {bound} is gone"
    back = part(content, "spec", "volumeSnapshotRef")
    if back.get("uid") and back["uid"] != metadata.get("uid"):
        return FAILED, f"its content {bound} belongs to another snapshot"
    return USABLE, ""
