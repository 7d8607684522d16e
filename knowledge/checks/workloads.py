"""The workloads of a place, and a verdict over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from knowledge.checks.base import FAIL, PASS, UNKNOWN, Facts, Finding, Listing, Place, Readings, names_in
from knowledge.checks.lists import DAEMON_SETS, DEPLOYMENTS, STATEFUL_SETS
from telemetry.collectors.kubernetes.api import Item
from telemetry.collectors.kubernetes.settings import replicas_of
from telemetry.recorder.resources import Recorded

KINDS: Mapping[str, Recorded] = {one.kind: one for one in (DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS)}
SERVICE_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app", "k8s-app", "service")
SCALABLE = ("Deployment", "StatefulSet")
RUNNING = ("Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True, slots=True)
class Workload:
    kind: str
    item: Item

    @property
    def name(self) -> str:
        return str(self.item["metadata"].get("name") or "")

    @property
    def namespace(self) -> str:
        return str(self.item["metadata"].get("namespace") or "")

    @property
    def words(self) -> str:
        return f"{self.kind.lower()}/{self.name}"

    @property
    def replicas(self) -> tuple[int, int]:
        """Desired and ready."""
        return replicas_of(self.item, self.kind)

    @property
    def template(self) -> Mapping[str, Any]:
        return mapping(mapping(self.item.get("spec")).get("template"))

    @property
    def labels(self) -> Mapping[str, Any]:
        return mapping(mapping(self.template.get("metadata")).get("labels"))

    @property
    def pod_spec(self) -> Mapping[str, Any]:
        return mapping(self.template.get("spec"))

    @property
    def containers(self) -> list[Mapping[str, Any]]:
        return objects(self.pod_spec.get("containers"))


@dataclass(frozen=True, slots=True)
class Found:
    """The workloads of a place, the lists they were read from, and those of the lists that could not be read."""

    workloads: tuple[Workload, ...]
    listings: tuple[Listing, ...]

    @property
    def unread(self) -> list[Listing]:
        return [one for one in self.listings if not one.is_read]


@dataclass(frozen=True, slots=True)
class Line:
    """What is to be said of one workload. `cells` go into the table between its name and the words."""

    verdict: str
    said: str
    cells: tuple[str, ...] = ()
    remedy: str = ""


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def find(readings: Readings, kinds: Sequence[str] = RUNNING) -> Found:
    """A kind that the place names is the only one that is listed."""
    place = readings.place
    wanted = [place.workload_kind] if place.workload_kind else list(kinds)
    listings = [readings.listing(KINDS[kind]) for kind in wanted if kind in KINDS]
    found = [
        workload
        for kind, listing in zip([kind for kind in wanted if kind in KINDS], listings, strict=True)
        for workload in (Workload(kind, item) for item in listing.items)
        if belongs(workload, place)
    ]
    return Found(tuple(sorted(found, key=lambda one: (one.namespace, one.name))), tuple(listings))


def belongs(workload: Workload, place: Place) -> bool:
    if place.namespace and workload.namespace != place.namespace:
        return False
    if place.workload_name:
        return workload.name == place.workload_name
    return not place.service or _serves(workload, place.service)


def _serves(workload: Workload, service: str) -> bool:
    own = mapping(workload.item["metadata"].get("labels"))
    labels = [given.get(name) for given in (own, workload.labels) for name in SERVICE_LABELS]
    return workload.name == service or service in labels


def over(
    readings: Readings,
    found: Found,
    judge: Callable[[Workload], Line],
    *,
    columns: Sequence[str],
    also: Iterable[Listing] = (),
) -> Finding:
    """One verdict over all workloads: a failure counts before what could not be read, and that before what passes."""
    lines = [(workload, judge(workload) if workload.containers else _empty(columns)) for workload in found.workloads]
    listings = [*found.listings, *also]
    rows = tuple((one.words, *line.cells, line.said) for one, line in lines)
    facts = facts_of(listings, ("Workload", *columns, "Found"), rows)
    failed = [(one, line) for one, line in lines if line.verdict == FAIL]
    if failed:
        return Finding(FAIL, _said(failed, len(lines)), _remedies(line for _, line in failed), facts)
    if found.unread:
        return unread(found.unread, facts)
    if not lines:
        return nothing(readings, facts)
    unclear = [(one, line) for one, line in lines if line.verdict == UNKNOWN]
    if unclear:
        return Finding(UNKNOWN, _said(unclear, len(lines)), _remedies(line for _, line in unclear), facts)
    return Finding(PASS, _said(lines, len(lines)), "", facts)


def _empty(columns: Sequence[str]) -> Line:
    """No API accepts such a template; an answer that was cut off may hold one."""
    return Line(UNKNOWN, "its pod template names no container", ("",) * len(columns), "Check again.")


def nothing(readings: Readings, facts: Facts, what: str = "workload") -> Finding:
    place = readings.place
    return Finding(
        UNKNOWN,
        f"No {what} was found for {place.words}, so there is nothing to judge.",
        "Correct the cluster, namespace, workload or service of this run, or waive the item with the reason.",
        facts,
    )


def unread(listings: Sequence[Listing], facts: Facts) -> Finding:
    """Unknown, in the server's own words, with what is missing."""
    reason = "; ".join(dict.fromkeys(one.reason for one in listings))
    remedy = "\n".join(dict.fromkeys(one.remedy for one in listings if one.remedy))
    return Finding(UNKNOWN, f"Could not be read: {reason}", remedy, facts)


def facts_of(listings: Iterable[Listing], columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Facts:
    known = [one for one in listings if one.request]
    sources = dict.fromkeys(one.source for one in known if one.source)
    requests = dict.fromkeys(one.request for one in known)
    times = [one.observed_at for one in known if one.observed_at]
    return Facts(tuple(columns), tuple(rows), "\n".join(requests), "; ".join(sources), min(times) if times else None)


def _said(lines: Sequence[tuple[Workload, Line]], total: int) -> str:
    told = [f"{one.words}: {line.said}" for one, line in lines]
    words = "; ".join(told[:3]) + (f"; and {len(told) - 3} more" if len(told) > 3 else "")
    return f"{words}." if total == len(lines) or total < 2 else f"{len(lines)} of {total}: {words}."


def _remedies(lines: Iterable[Line]) -> str:
    return "\n".join(dict.fromkeys(line.remedy for line in lines if line.remedy))


def selects(selector: Any, labels: Mapping[str, Any], *, empty: bool = True) -> bool:
    """Whether a LabelSelector matches; `empty` is what one without a term says."""
    if not isinstance(selector, Mapping):
        return False
    pairs, terms = mapping(selector.get("matchLabels")), objects(selector.get("matchExpressions"))
    if not pairs and not terms:
        return empty
    return all(labels.get(key) == value for key, value in pairs.items()) and all(_meets(one, labels) for one in terms)


def _meets(term: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    key, values, operator = str(term.get("key")), term.get("values"), str(term.get("operator"))
    if operator in {"In", "NotIn"}:
        inside = isinstance(values, list) and labels.get(key) in values
        return bool(inside) == (operator == "In")
    return (key in labels) == (operator == "Exists")


def listed(names: Iterable[str]) -> str:
    return names_in(sorted(names))
