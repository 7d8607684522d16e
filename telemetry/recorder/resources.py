"""What the recorder watches: one table, from which its streams, its permissions and its pages are made."""

from __future__ import annotations

from dataclasses import dataclass

from telemetry.collectors.kubernetes.api import Resource

# The row of Heartbeat that says that the recorder lives.
HEARTBEAT = "recorder"
EVENTS = "events"
PODS = "pods"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One watched kind. `versions` are tried in order: an old server does not serve the new ones.

    `is_optional`: many clusters do not have it, and its absence is no fault.
    """

    kind: str
    group: str
    versions: tuple[str, ...]
    plural: str
    is_optional: bool = False

    @property
    def name(self) -> str:
        """As `Recording.resource` has it: `events`, `apps/deployments`."""
        return f"{self.group}/{self.plural}" if self.group else self.plural

    @property
    def resources(self) -> tuple[Resource, ...]:
        return tuple(Resource(self.group, version, self.plural) for version in self.versions)


RECORDED = (
    # core/v1 and events.k8s.io/v1 show the same objects; core's JSON holds what every reporter wrote.
    Recorded("Event", "", ("v1",), EVENTS),
    Recorded("Pod", "", ("v1",), PODS),
    Recorded("Node", "", ("v1",), "nodes"),
    Recorded("PersistentVolumeClaim", "", ("v1",), "persistentvolumeclaims"),
    Recorded("Deployment", "apps", ("v1",), "deployments"),
    Recorded("ReplicaSet", "apps", ("v1",), "replicasets"),
    Recorded("StatefulSet", "apps", ("v1",), "statefulsets"),
    Recorded("DaemonSet", "apps", ("v1",), "daemonsets"),
    Recorded("ControllerRevision", "apps", ("v1",), "controllerrevisions"),
    Recorded("Job", "batch", ("v1",), "jobs"),
    Recorded("HorizontalPodAutoscaler", "autoscaling", ("v2", "v1"), "horizontalpodautoscalers"),
    Recorded("PodDisruptionBudget", "policy", ("v1", "v1beta1"), "poddisruptionbudgets"),
    Recorded("Backup", "velero.io", ("v1",), "backups", is_optional=True),
    Recorded("BackupSession", "stash.appscode.com", ("v1beta1",), "backupsessions", is_optional=True),
)
BY_NAME = {recorded.name: recorded for recorded in RECORDED}
