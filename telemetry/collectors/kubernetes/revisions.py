"""Two pod templates side by side: what a reader of a rollout wants to see, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from telemetry import digests
from telemetry.digests import ValueDigest
from telemetry.redaction import LAST_APPLIED, Redactor

NOT_STORED = "(value not stored)"
CHANGED = "(other value, not stored)"
LONGEST_VALUE = 300
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
POD_FIELDS = ("serviceAccountName", "priorityClassName", "nodeSelector", "terminationGracePeriodSeconds", "hostNetwork")


@dataclass(frozen=True, slots=True)
class Setting:
    """`compared` decides whether it changed; `shown` is what may be told."""

    compared: Any
    shown: str


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], redactor: Redactor
) -> tuple[list[dict[str, str | None]], dict[str, int]]:
    """`[{"path", "before", "after"}]` between two pod templates, and what was redacted.

    A side where the setting is absent is None. Values of environment variables are compared here, or the
    digests that stand for them, and told nowhere: only that they are there, or changed.
    """
    several = len(_containers(before)) > 1 or len(_containers(after)) > 1
    old, new = _settings(before, several=several), _settings(after, several=several)
    found: list[dict[str, str | None]] = []
    hits: dict[str, int] = {}

    def told(setting: Setting | None) -> str | None:
        if setting is None:
            return None
        redacted = redactor.text(setting.shown)
        for name, count in redacted.hits.items():
            hits[name] = hits.get(name, 0) + count
        return redacted.text[:LONGEST_VALUE]

    for path in [*new, *(path for path in old if path not in new)]:
        was, now = old.get(path), new.get(path)
        if was and now and not _differ(was.compared, now.compared):
            continue
        line = {"path": path, "before": told(was), "after": told(now)}
        if was and now and line["before"] == line["after"]:
            line["after"] = CHANGED
        found.append(line)
    return found, hits


def _differ(old: Any, new: Any) -> bool:
    """Whether one is known to be another than the other."""
    if isinstance(old, ValueDigest) and isinstance(new, ValueDigest):
        return old.differs(new)
    if isinstance(old, ValueDigest) or isinstance(new, ValueDigest):
        # A reference took a value's place, or came instead of one; of a plain value without a digest nothing is known.
        return isinstance(old, Mapping) or isinstance(new, Mapping)
    return bool(old != new)


def _containers(template: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    spec = template.get("spec") or {}
    return [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]


def _settings(template: Mapping[str, Any], *, several: bool) -> dict[str, Setting]:
    """Everything comparable in a pod template by readable path."""
    settings: dict[str, Setting] = {}
    for container in _containers(template):
        prefix = f"{container.get('name')}." if several else ""
        settings |= {prefix + path: setting for path, setting in _container_settings(container)}
    spec = template.get("spec") or {}
    for field in POD_FIELDS:
        if spec.get(field) not in (None, {}, ""):
            settings[field] = Setting(spec[field], _plain(spec[field]))
    for key, value in ((template.get("metadata") or {}).get("annotations") or {}).items():
        if key != LAST_APPLIED:
            settings[f"annotation {key}"] = Setting(value, str(value))
    return settings


def _container_settings(container: Mapping[str, Any]) -> Iterator[tuple[str, Setting]]:
    if container.get("image"):
        yield "image", Setting(container["image"], str(container["image"]))
    resources = container.get("resources") or {}
    for kind, word in (("requests", "request"), ("limits", "limit")):
        for name, amount in (resources.get(kind) or {}).items():
            yield f"{name} {word}", Setting(amount, str(amount))
    for probe in PROBES:
        for path, value in _leaves(container.get(probe)):
            if digests.HEADERS in path and path.endswith((".value", f".{digests.FIELD}")):
                hidden = ValueDigest.read(value) or value
                yield f"{probe}{path.removesuffix('Digest')}", Setting(hidden, NOT_STORED)
            else:
                yield f"{probe}{path}", Setting(value, _plain(value))
    for field in ("command", "args"):
        if container.get(field):
            words = container[field]
            yield field, Setting(words, " ".join(str(word) for word in words))
    for entry in container.get("env") or []:
        yield f"env {entry.get('name')}", _variable(entry)


def _variable(entry: Mapping[str, Any]) -> Setting:
    if entry.get("valueFrom"):
        return Setting(entry["valueFrom"], _plain(entry["valueFrom"]))
    return Setting(ValueDigest.read(entry.get(digests.FIELD)) or entry.get("value") or "", NOT_STORED)


def _leaves(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and depth < 8:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}", depth + 1)
    elif isinstance(value, list) and value and isinstance(value[0], dict) and depth < 8:
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{number}]", depth + 1)
    elif value is not None:
        yield path, value


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
