"""Which fields of an index hold what: Filebeat's ECS, Fluent Bit's and Fluentd's `kubernetes.*`, OpenTelemetry's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

USUAL: dict[str, tuple[str, ...]] = {
    "time_field": ("@timestamp",),
    "message_field": ("message", "log", "body.text", "body", "msg", "event.original"),
    "level_field": ("log.level", "level", "severity_text", "severity", "levelname"),
    "service_fields": (
        "service.name",
        "resource.attributes.service.name",
        "kubernetes.labels.app_kubernetes_io/name",
        "kubernetes.labels.app",
        "kubernetes.deployment.name",
        "kubernetes.container.name",
        "kubernetes.container_name",
    ),
    "namespace_fields": (
        "kubernetes.namespace",
        "kubernetes.namespace_name",
        "resource.attributes.k8s.namespace.name",
        "k8s.namespace.name",
    ),
}
POD = ("kubernetes.pod.name", "kubernetes.pod_name", "resource.attributes.k8s.pod.name")
CONTAINER = ("kubernetes.container.name", "kubernetes.container_name", "resource.attributes.k8s.container.name")
TRACE = ("trace.id", "trace_id", "traceId", "TraceId", "traceid")
FIELD = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_@./ -]{0,199}")


@dataclass(frozen=True, slots=True)
class Fields:
    """The names of the fields, each list in the order in which they are tried."""

    time: str
    message: tuple[str, ...]
    level: tuple[str, ...]
    services: tuple[str, ...]
    namespaces: tuple[str, ...]

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Fields:
        """The source's own where they are given, one or a list, else the usual ones."""
        chosen = {key: _given(options.get(key)) or usual for key, usual in USUAL.items()}
        return cls(
            time=chosen["time_field"][0],
            message=chosen["message_field"],
            level=chosen["level_field"],
            services=chosen["service_fields"],
            namespaces=chosen["namespace_fields"],
        )

    def all(self) -> list[str]:
        groups = ([self.time], self.message, self.level, self.services, self.namespaces, POD, CONTAINER, TRACE)
        return list(dict.fromkeys(name for group in groups for name in group))


def _given(value: Any) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [value]
    return tuple(name for name in names if isinstance(name, str) and FIELD.fullmatch(name))


class Mappings:
    """What `_field_caps` told of the fields: which are there, and under which name whole values can be compared."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._told = {name: types for name, types in told.items() if isinstance(types, dict)}

    def has(self, name: str) -> bool:
        types = set(self._told.get(name) or {})
        return bool(types - {"unmapped", "object", "nested"})

    def counts_nanoseconds(self, name: str) -> bool:
        """Whether an index holds the field as date_nanos, alone or beside others that hold it as date."""
        return "date_nanos" in (self._told.get(name) or {})

    def exact(self, name: str) -> str | None:
        """The field itself or its `.keyword`, whichever holds whole values; None if neither does."""
        for candidate in (name, f"{name}.keyword"):
            types = [kind for kind in (self._told.get(candidate) or {}).values() if isinstance(kind, dict)]
            mapped = [kind for kind in types if kind.get("type") != "unmapped"]
            if mapped and all(kind.get("aggregatable") for kind in mapped):
                return candidate
        return None

    def present(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if self.has(name)]

    def first_exact(self, names: Sequence[str]) -> tuple[str, str] | None:
        """(the name in documents, the name to compare) of the first that holds whole values."""
        pairs = ((name, self.exact(name)) for name in names)
        return next(((name, exact) for name, exact in pairs if exact), None)


def value_at(document: Any, path: str) -> Any:
    """The value under a dotted path, whether its parts are objects or keys with dots in them; None if there is none."""
    if not isinstance(document, dict):
        return None
    if path in document:
        return document[path]
    for head, rest in _cuts(path):
        found = value_at(document.get(head), rest)
        if found is not None:
            return found
    return None


def _cuts(path: str) -> Iterator[tuple[str, str]]:
    for place, char in enumerate(path):
        if char == ".":
            yield path[:place], path[place + 1 :]


def text_at(document: Any, paths: Sequence[str]) -> str:
    """The first of the paths that holds text or a number, as text."""
    for path in paths:
        value = value_at(document, path)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            return str(value)
    return ""
