"""The lists of a cluster that checks read. What the recorder keeps is named by its own table."""

from __future__ import annotations

from telemetry.recorder.resources import BY_NAME, Recorded

PODS = BY_NAME["pods"]
NODES = BY_NAME["nodes"]
DEPLOYMENTS = BY_NAME["apps/deployments"]
STATEFUL_SETS = BY_NAME["apps/statefulsets"]
DAEMON_SETS = BY_NAME["apps/daemonsets"]
BUDGETS = BY_NAME["policy/poddisruptionbudgets"]
AUTOSCALERS = BY_NAME["autoscaling/horizontalpodautoscalers"]
SCALED_OBJECTS = Recorded("ScaledObject", "keda.sh", ("v1alpha1",), "scaledobjects", is_optional=True)

VELERO_BACKUPS = BY_NAME["velero.io/backups"]
VELERO_SCHEDULES = Recorded("Schedule", "velero.io", ("v1",), "schedules", is_optional=True)
VELERO_LOCATIONS = Recorded("BackupStorageLocation", "velero.io", ("v1",), "backupstoragelocations", is_optional=True)
VELERO_RESTORES = Recorded("Restore", "velero.io", ("v1",), "restores", is_optional=True)

STASH_SESSIONS = BY_NAME["stash.appscode.com/backupsessions"]
STASH_CONFIGURATIONS = Recorded(
    "BackupConfiguration", "stash.appscode.com", ("v1beta1",), "backupconfigurations", is_optional=True
)
STASH_RESTORES = Recorded("RestoreSession", "stash.appscode.com", ("v1beta1",), "restoresessions", is_optional=True)
STASH_REPOSITORIES = Recorded("Repository", "stash.appscode.com", ("v1alpha1",), "repositories", is_optional=True)

SNAPSHOTS = Recorded("VolumeSnapshot", "snapshot.storage.k8s.io", ("v1",), "volumesnapshots", is_optional=True)
CONTENTS = Recorded(
    "VolumeSnapshotContent", "snapshot.storage.k8s.io", ("v1",), "volumesnapshotcontents", is_optional=True
)

# Lists of objects that belong to the whole cluster, or that a tool keeps in a namespace of its own.
WHOLE_CLUSTER = frozenset(
    one.name
    for one in (
        *(NODES, VELERO_BACKUPS, VELERO_SCHEDULES, VELERO_LOCATIONS, VELERO_RESTORES),
        *(STASH_REPOSITORIES, CONTENTS),
    )
)
