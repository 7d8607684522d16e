"""Keyed digests in place of values that must not be kept: they tell that a value became another, and nothing else.

Without the key nobody can try likely values. A digest is bound to where its value stands, so that equal values of
other places cannot be told from different ones. Plain Python; why it is so: docs/decisions/0010-env-digests.md.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FIELD = "valueDigest"
# Where an object may have containers: `data` is that of ControllerRevisions.
HOLDERS = ("spec", "data")
CONTAINERS = frozenset({"containers", "initContainers", "ephemeralContainers"})
HEADERS = "httpHeaders"
VALUES = frozenset({"env", HEADERS})
MAX_DEPTH = 64
_WRITTEN = re.compile(r"([0-9a-f]{4}):([0-9a-f]{12})\Z")


@dataclass(frozen=True, slots=True)
class ValueDigest:
    """`key_id` names the key that it was made with; digests of different keys tell nothing of each other."""

    key_id: str
    text: str

    @classmethod
    def read(cls, written: Any) -> ValueDigest | None:
        """What stands in an object under `valueDigest`; None for anything else."""
        match = _WRITTEN.match(written) if isinstance(written, str) else None
        return cls(match[1], match[2]) if match else None

    def differs(self, other: ValueDigest) -> bool:
        return self.key_id == other.key_id and self.text != other.text


class ValueDigests:
    """Makes digests under one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._key_id = hashlib.sha256(key).hexdigest()[:4]

    def of(self, value: str, *place: str) -> str:
        """`KEYID:DIGEST`; `place` is where the value stands, from the widest to the narrowest."""
        told = json.dumps([*place, value]).encode()
        return f"{self._key_id}:{hmac.digest(self._key, told, 'sha256').hex()[:12]}"

    def put_into(self, obj: Mapping[str, Any], resource: str) -> dict[str, Any]:
        """A copy of a Kubernetes object in which variables and headers of containers have a digest for a value.

        `resource` as in `Resource.name`. A variable without any value has the empty one, as the API leaves that out.
        """
        metadata = obj.get("metadata")
        namespace = metadata.get("namespace") if isinstance(metadata, Mapping) else ""
        place = (str(namespace or ""), resource)
        return {**obj, **{key: self._walk(key, obj[key], place, 1) for key in HOLDERS if key in obj}}

    def _walk(self, key: str, value: Any, place: tuple[str, ...], depth: int) -> Any:
        """`place` grows by the container's name, which is when values are looked for, and by each step inside it."""
        if depth > MAX_DEPTH:
            return value
        if isinstance(value, Mapping):
            inside = (*place, key) if len(place) > 2 else place
            return {name: self._walk(name, item, inside, depth + 1) for name, item in value.items()}
        if not isinstance(value, list):
            return value
        if key in CONTAINERS and len(place) == 2:
            return [
                {name: self._walk(name, item, (*place, str(one.get("name"))), depth + 2) for name, item in one.items()}
                if isinstance(one, Mapping)
                else one
                for one in value
            ]
        if key in VALUES and len(place) > 2:
            return [self._digested(one, (*place, key)) if isinstance(one, Mapping) else one for one in value]
        return [self._walk(key, item, place, depth + 1) for item in value]

    def _digested(self, entry: Mapping[str, Any], place: tuple[str, ...]) -> dict[str, Any]:
        kept = {name: item for name, item in entry.items() if name not in {"value", FIELD}}
        value = entry.get("value", "")
        if not kept.get("valueFrom") and isinstance(value, str):
            kept[FIELD] = self.of(value, *place, str(entry.get("name")))
        return kept
