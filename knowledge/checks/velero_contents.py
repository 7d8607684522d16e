"""What a backup or restore of Velero takes, told from the filters of its spec.

https://velero.io/docs/main/resource-filtering/
"""

from __future__ import annotations

from collections.abc import Mapping

from telemetry.collectors.through_cluster import texts

CLAIMS = frozenset({"persistentvolumeclaims", "persistentvolumeclaim", "pvc"})
VOLUMES = frozenset({"persistentvolumes", "persistentvolume", "pv"})
EVERYTHING = frozenset({"*"})


def takes_volumes(spec: Mapping[str, object]) -> bool:
    """Of a backup: it may hold manifests alone, and then the data is not in it."""
    taken = spec.get("snapshotVolumes") is not False or spec.get("defaultVolumesToFsBackup") is True
    return taken and _lets_volumes_through(spec)


def brings_volumes(spec: Mapping[str, object]) -> bool:
    """The same of a restore."""
    return spec.get("restorePVs") is not False and _lets_volumes_through(spec)


def chooses_by_label(spec: Mapping[str, object]) -> bool:
    return bool(spec.get("labelSelector") or spec.get("orLabelSelectors"))


def _lets_volumes_through(spec: Mapping[str, object]) -> bool:
    """Claims belong to a namespace, their volumes to the cluster; what is taken out of either takes no data along."""
    return (
        _takes(spec, "Resources", CLAIMS | VOLUMES)
        and _takes(spec, "NamespaceScopedResources", CLAIMS)
        and _takes(spec, "ClusterScopedResources", VOLUMES)
    )


def _takes(spec: Mapping[str, object], kind: str, wanted: frozenset[str]) -> bool:
    """An empty list of what is included takes all."""
    included, excluded = _names(spec.get(f"included{kind}")), _names(spec.get(f"excluded{kind}"))
    return (not included or bool(included & (wanted | EVERYTHING))) and not excluded & (wanted | EVERYTHING)


def _names(value: object) -> frozenset[str]:
    """Without their group, such as in `persistentvolumeclaims.v1`."""
    return frozenset(name.lower().partition(".")[0] for name in texts(value))
