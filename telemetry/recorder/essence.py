"""What of an object makes a state: everything but what changes while nothing happens."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from telemetry.digests import FIELD, ValueDigest

# What changes with every heartbeat, retry or resync and tells nothing of the object itself.
NOISE = {
    "": {"observedTime", "lastHeartbeatTime", "lastProbeTime", "lastUpdateTime", "resourceVersion", "selfLink"},
    "HorizontalPodAutoscaler": {"currentMetrics", "currentCPUUtilizationPercentage"},
    "Job": {"uncountedTerminatedPods"},
    "Backup": {"progress"},
}
NOISY_ANNOTATIONS = frozenset(
    {
        "control-plane.alpha.kubernetes.io/leader",
        "autoscaling.alpha.kubernetes.io/current-metrics",
        "autoscaling.alpha.kubernetes.io/conditions",
    }
)
# Hex digits of `digest_of`: of the object, of the key's id, of the values that stand in it as keyed digests.
ESSENCE, KEY_ID, VALUES = 20, 4, 8
NO_VALUES = "0" * (KEY_ID + VALUES)
_ENCODER = msgspec.json.Encoder(order="deterministic")


def digest_of(body: Mapping[str, Any], kind: str) -> str:
    """32 hex digits, to be compared by `is_same`."""
    values: list[ValueDigest] = []
    essence = _ENCODER.encode(_essence(body, kind, values))
    found = hashlib.blake2b(essence, digest_size=ESSENCE // 2).hexdigest()
    if not values:
        return found + NO_VALUES
    told = " ".join(sorted(value.text for value in values)).encode()
    return found + values[0].key_id + hashlib.blake2b(told, digest_size=VALUES // 2).hexdigest()


def is_same(before: str, after: str) -> bool:
    """Whether two digests are of one state: digests of values count only where one key made both."""
    if before == after:
        return True
    key = slice(ESSENCE, ESSENCE + KEY_ID)
    return before[:ESSENCE] == after[:ESSENCE] and before[key] != after[key]


def _essence(body: Mapping[str, Any], kind: str, values: list[ValueDigest]) -> dict[str, Any]:
    noise = NOISE[""] | NOISE.get(kind, set())
    # Lines of a watch carry their API version, items of a list do not.
    found = {key: _quiet(value, noise, values) for key, value in body.items() if key != "apiVersion"}
    metadata = found.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("annotations"), dict):
        kept = {key: text for key, text in metadata["annotations"].items() if key not in NOISY_ANNOTATIONS}
        metadata["annotations"] = kept
    return found


def _quiet(value: Any, noise: set[str], values: list[ValueDigest]) -> Any:
    if isinstance(value, dict):
        if (digest := ValueDigest.read(value.get(FIELD))) is not None:
            values.append(digest)
            value = {**value, FIELD: True}
        return {key: _quiet(item, noise, values) for key, item in value.items() if key not in noise}
    if isinstance(value, list):
        return [_quiet(item, noise, values) for item in value]
    return value
