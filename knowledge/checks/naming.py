"""Whom series and alerting rules name: told from labels and label matchers, never from the words of an expression."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from telemetry.collectors.kubernetes.selection import SUFFIX
from telemetry.expressions import InvalidPattern, safe_expression
from telemetry.workload_names import named_workload

SERVICES = frozenset(
    {
        *("service", "service_name", "app", "application", "app_kubernetes_io_name", "label_app", "component"),
        *("label_app_kubernetes_io_name", "workload", "deployment", "statefulset", "daemonset", "container"),
        *("owner_name", "created_by_name", "destination_workload", "destination_service_name", "exported_service"),
    }
)
JOBS = frozenset({"job", "exported_job", "job_name"})
PODS = frozenset({"pod", "pod_name", "exported_pod", "kubernetes_pod_name"})
NAMESPACES = frozenset(
    {"namespace", "exported_namespace", "kubernetes_namespace", "kube_namespace", "destination_workload_namespace"}
)
# Strings and comments are read over, so that what looks like a matcher in them is none.
MATCHER = re.compile(
    r"#[^\n]*|(?:\b(?P<label>[A-Za-z_]\w*)\s*(?P<sign>=~|!~|!=|=)\s*)?"
    r"(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`)"
)
# An expression that takes this takes everything, and so names nothing.
NOBODY = "qzx-nobody-qzx"
LONGEST_QUERY = 20_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One matcher that takes something: `label="text"`, or `label=~"text"` where `is_regex`."""

    label: str
    text: str
    is_regex: bool = False

    def takes(self, *values: str) -> bool:
        """One of `values`, and not just any."""
        return not self._matches(NOBODY) and any(self._matches(value) for value in values)

    @property
    def takes_all(self) -> bool:
        """So does what cannot be judged: it narrows nothing that is known."""
        return self._matches(NOBODY) or (self.is_regex and not _is_safe(self.text))

    def _matches(self, value: str) -> bool:
        if not self.is_regex:
            return self.text == value
        try:
            return safe_expression(self.text).fullmatch(value) is not None
        except InvalidPattern:
            return False


def _is_safe(text: str) -> bool:
    try:
        safe_expression(text)
    except InvalidPattern:
        return False
    return True


def names_it(labels: Mapping[str, Any], name: str) -> bool:
    """By a label that says which workload or service it is, or by the name of one of its pods."""
    told = {str(key): str(value) for key, value in labels.items()}
    return (
        any(told.get(label) == name for label in SERVICES)
        or any(name in _jobs(told[label]) for label in JOBS if label in told)
        or any(_is_pod_of(told[label], name) for label in PODS if label in told)
    )


def names_namespace(labels: Mapping[str, Any], namespace: str) -> bool:
    return any(str(labels.get(label) or "") == namespace for label in NAMESPACES)


def asked_for(query: str) -> tuple[Asked, ...]:
    """The matchers of an expression in PromQL, without those that leave something out."""
    return tuple(
        Asked(found["label"], _unquoted(found["text"]), found["sign"] == "=~")
        for found in MATCHER.finditer(query[:LONGEST_QUERY])
        if found["label"] and found["sign"] in {"=", "=~"}
    )


def _unquoted(text: str) -> str:
    """Between backticks a backslash is itself."""
    return text[1:-1] if text.startswith("`") else re.sub(r"\\(.)", r"\1", text[1:-1])


def asks_for(asked: Iterable[Asked], name: str) -> bool:
    pods = (f"{name}-5d4f8b7c9d-x7k2p", f"{name}-0", f"{name}-x7k2p")
    for one in asked:
        if one.label in SERVICES and one.takes(name):
            return True
        if one.label in JOBS and (one.takes(name) or (not one.is_regex and name in _jobs(one.text))):
            return True
        if one.label in PODS and (one.takes(*pods) or (not one.is_regex and _is_pod_of(one.text, name))):
            return True
    return False


def asks_for_namespace(asked: Iterable[Asked], namespace: str) -> bool:
    return any(one.label in NAMESPACES and one.takes(namespace) for one in asked)


def is_of_another(labels: Mapping[str, Any], asked: Iterable[Asked], namespace: str) -> bool:
    """It names a namespace, and not this one."""
    named = [str(labels[label]) for label in NAMESPACES if labels.get(label)]
    # A rule's label may be a template, filled in when the alert fires.
    fixed = [one for one in named if "{{" not in one]
    wanted = [one for one in asked if one.label in NAMESPACES]
    others = [one for one in wanted if one.text and not one.takes(namespace) and not one.takes_all]
    return bool((fixed and namespace not in fixed) or (others and len(others) == len(wanted)))


def _jobs(job: str) -> tuple[str, str]:
    """The operator's jobs are called `shop/checkout`."""
    return job, job.rpartition("/")[2]


def _is_pod_of(pod: str, name: str) -> bool:
    of_daemon_set = re.fullmatch(rf"{re.escape(name)}-{SUFFIX}{{5}}", pod)
    return pod == name or named_workload("Pod", pod)[1] == name or bool(of_daemon_set)
