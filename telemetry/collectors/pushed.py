"""Spans and log records as observations: whole traces worth a look, and each service's log.

Works on rows in memory, pushed to us or pulled from a backend; who reads them from where is not decided here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telemetry.collectors.log_lines import LogLine, histogram, level_of, log_payload, loudest
from telemetry.collectors.times import iso
from telemetry.observations import EvidenceType, Level, Observation
from telemetry.rows import LogRow, SpanRow

TRACES = 20
ALIKE = 3
SPANS_SHOWN = 200
MESSAGE_LIMIT = 500
TRACE_IDS = 20
STATUS_ERROR = 2
NAMESPACE_KEYS = ("k8s.namespace.name", "service.namespace")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where rows were read: `kind` goes into the identity of logs, `query` and `links` are shown with each observation.

    `trace_links` makes the links of one trace from its id. `sampled`: the backend answered with some of many traces.
    `redactions` are by trace id, or by (service, namespace) of logs.
    """

    kind: str = "pushed"
    query: str = ""
    links: Sequence[Mapping[str, str]] = ()
    trace_links: Callable[[str], Sequence[Mapping[str, str]]] = lambda _: ()
    sampled: bool = False
    redactions: Mapping[Hashable, Mapping[str, int]] = field(default_factory=dict)


PUSHED = Origin()
# By (service, namespace): (seconds since the epoch, lines, errors), as the backend counted them over the whole window.
Counts = Mapping[tuple[str, str], Sequence[tuple[float, int, int]]]


@dataclass(frozen=True, slots=True)
class _Trace:
    spans: Sequence[SpanRow]
    root: SpanRow
    children: Mapping[str, Sequence[SpanRow]]
    orphans: int

    @property
    def failed(self) -> bool:
        return any(span.status_code == STATUS_ERROR for span in self.spans)

    @property
    def milliseconds(self) -> float:
        return _milliseconds(self.root, self.root)[1]


def trace_observations(spans: Iterable[SpanRow], *, limit: int = TRACES, origin: Origin = PUSHED) -> list[Observation]:
    """The failing traces and the slowest, `limit` of them, at most three of one root name each.

    Payload: `{"trace_id", "root": {"service", "name"}, "start_at", "duration_ms", "spans":
    [{"span_id", "parent_id", "service", "name", "start_ms", "duration_ms", "error", "message"}],
    "spans_total", "orphans", "critical": [span ids], "failed"}`.
    """
    by_trace: dict[str, dict[str, SpanRow]] = defaultdict(dict)
    for span in spans:
        by_trace[span.trace_id][span.span_id] = span
    traces = [_trace(list(found.values())) for found in by_trace.values()]
    chosen = _chosen(traces, limit)
    sampled = origin.sampled or len(chosen) < len(traces)
    return [_observe_trace(trace, origin, sampled=sampled) for trace in chosen]


def _trace(spans: list[SpanRow]) -> _Trace:
    """Spans under their parents; the root is the first span without one, or else the earliest."""
    ordered = sorted(spans, key=lambda span: (span.start_at, span.span_id))
    known = {span.span_id for span in ordered}
    children: dict[str, list[SpanRow]] = defaultdict(list)
    for span in ordered:
        children[span.parent_span_id].append(span)
    root = next((span for span in ordered if not span.parent_span_id), ordered[0])
    orphans = sum(bool(span.parent_span_id) and span.parent_span_id not in known for span in ordered)
    return _Trace(ordered, root, children, orphans)


def _chosen(traces: list[_Trace], limit: int) -> list[_Trace]:
    failing_first = sorted(traces, key=lambda trace: (not trace.failed, -trace.milliseconds, trace.root.trace_id))
    slowest = sorted(traces, key=lambda trace: (-trace.milliseconds, trace.root.trace_id))
    chosen: dict[str, _Trace] = {}
    alike: Counter[tuple[str, str, bool]] = Counter()
    # Failing traces may take most of the places, never all: a slow one tells something else.
    for ranking, places in ((failing_first, limit - limit // 4), (slowest, limit), (failing_first, limit)):
        for trace in ranking:
            name = (trace.root.service, trace.root.name, trace.failed)
            if len(chosen) >= places:
                break
            if trace.root.trace_id in chosen or alike[name] >= ALIKE:
                continue
            alike[name] += 1
            chosen[trace.root.trace_id] = trace
    return sorted(chosen.values(), key=lambda trace: (trace.root.start_at, trace.root.trace_id))


def _observe_trace(trace: _Trace, origin: Origin, *, sampled: bool) -> Observation:
    root = trace.root
    errors = [span for span in trace.spans if span.status_code == STATUS_ERROR]
    critical = _critical_path(trace)
    payload = {
        "trace_id": root.trace_id,
        "root": {"service": root.service, "name": root.name},
        "start_at": iso(root.start_at),
        "duration_ms": trace.milliseconds,
        "spans": [_span_payload(span, root) for span in _shown(trace, critical)],
        "spans_total": len(trace.spans),
        "orphans": trace.orphans,
        "critical": critical,
        "failed": trace.failed,
    }
    deepest = max(errors, key=lambda span: (span.start_at, span.span_id), default=None)
    told = f"{deepest.service}: {deepest.status_message or deepest.name}"[:MESSAGE_LIMIT] if deepest else ""
    missing = f"{trace.orphans} spans without their parent" if trace.orphans else ""
    root_failed = root.status_code == STATUS_ERROR
    return Observation(
        type=EvidenceType.TRACE,
        dedup_key=f"trace:{root.trace_id}",
        title=f"{root.name} of {root.service}: {_in_words(trace.milliseconds)}{', failed' if trace.failed else ''}",
        first_at=root.start_at,
        last_at=max(span.end_at for span in trace.spans),
        level=Level.ERROR if root_failed else Level.WARNING if trace.failed else Level.INFO,
        subject=_subject(root.service, root.resource),
        summary="; ".join(part for part in (told, missing) if part),
        payload=payload,
        links=tuple(origin.trace_links(root.trace_id)),
        query=origin.query,
        redactions=dict(origin.redactions.get(root.trace_id, {})),
        flags={"sampled": True} if sampled else {},
    )


def _shown(trace: _Trace, critical: Sequence[str]) -> list[SpanRow]:
    """All spans, or of many those on the critical path, the failing and the longest."""
    if len(trace.spans) <= SPANS_SHOWN:
        return list(trace.spans)
    by_id = {span.span_id: span for span in trace.spans}
    longest = sorted(trace.spans, key=lambda span: (span.start_at - span.end_at, span.span_id))
    errors = [span for span in longest if span.status_code == STATUS_ERROR]
    path = [by_id[span_id] for span_id in critical[: SPANS_SHOWN // 2]]
    ranked = {span.span_id: span for span in (*path, *errors[: SPANS_SHOWN // 4], *longest)}
    return sorted(list(ranked.values())[:SPANS_SHOWN], key=lambda span: (span.start_at, span.span_id))


def _critical_path(trace: _Trace) -> list[str]:
    """The spans that the root waited for: from its end backwards, always the child that ended last."""
    path: list[SpanRow] = []
    pending = [(trace.root, trace.root.end_at)]
    seen: set[str] = set()
    while pending and len(path) < SPANS_SHOWN:
        span, until = pending.pop()
        if span.span_id in seen:
            continue
        seen.add(span.span_id)
        path.append(span)
        moment = min(until, span.end_at)
        for child in sorted(trace.children.get(span.span_id, ()), key=lambda one: one.end_at, reverse=True):
            if child.start_at < moment and child.end_at <= moment:
                pending.append((child, moment))
                moment = child.start_at
    return [span.span_id for span in sorted(path, key=lambda one: (one.start_at, one.start_at - one.end_at))]


def _span_payload(span: SpanRow, root: SpanRow) -> dict[str, Any]:
    start, duration = _milliseconds(span, root)
    return {
        "span_id": span.span_id,
        "parent_id": span.parent_span_id,
        "service": span.service,
        "name": span.name,
        "start_ms": start,
        "duration_ms": duration,
        "error": span.status_code == STATUS_ERROR,
        "message": span.status_message[:MESSAGE_LIMIT],
    }


def _milliseconds(span: SpanRow, root: SpanRow) -> tuple[float, float]:
    """Start after the root's start, and duration."""
    start = (span.start_at - root.start_at).total_seconds() * 1_000
    return round(start, 3), round((span.end_at - span.start_at).total_seconds() * 1_000, 3)


def _in_words(milliseconds: float) -> str:
    return f"{milliseconds / 1_000:.1f} s" if milliseconds >= 1_000 else f"{milliseconds:.0f} ms"


def log_observations(
    rows: Iterable[LogRow], *, origin: Origin = PUSHED, counts: Counts | None = None
) -> list[Observation]:
    """One observation for each service and namespace, in the form of every log payload, with
    `"service"`, `"namespace"` and the `"trace_ids"` of its first errors.

    With `counts` the histogram and the total are over all lines that there are, of which those read are a part.
    """
    by_service: dict[tuple[str, str], list[LogRow]] = defaultdict(list)
    for row in rows:
        by_service[row.service, _namespace(row.resource)].append(row)
    counts = counts or {}
    return [
        _observe_log(service, namespace, found, origin, counts.get((service, namespace), ()))
        for (service, namespace), found in sorted(by_service.items())
    ]


def _observe_log(
    service: str, namespace: str, rows: list[LogRow], origin: Origin, counts: Sequence[tuple[float, int, int]]
) -> Observation:
    ordered = sorted(rows, key=lambda row: (row.at, row.digest))
    lines = [LogLine(row.at, row.body, _level(row)) for row in ordered]
    traces = (row.trace_id for row, line in zip(ordered, lines, strict=True) if line.level is Level.ERROR)
    payload = {
        "service": service,
        "namespace": namespace,
        "pod": _shared(ordered, "k8s.pod.name"),
        "container": _shared(ordered, "k8s.container.name"),
        "previous": False,
        **log_payload(lines),
        "trace_ids": list(dict.fromkeys(trace for trace in traces if trace))[:TRACE_IDS],
        **_counted(lines, counts),
    }
    truncated = payload["total"] > len(lines)
    return Observation(
        type=EvidenceType.LOG,
        dedup_key=f"log:{origin.kind}:{namespace}:{service}",
        title=f"Log of {service}",
        first_at=lines[0].at,
        last_at=lines[-1].at,
        count=payload["total"],
        level=loudest(lines),
        subject=_subject(service, ordered[0].resource),
        summary=_told(payload, len(lines), truncated),
        payload=payload,
        links=tuple(origin.links),
        query=origin.query,
        redactions=dict(origin.redactions.get((service, namespace), {})),
        flags={"truncated": True} if truncated else {},
    )


def _counted(lines: Sequence[LogLine], counts: Sequence[tuple[float, int, int]]) -> dict[str, Any]:
    """What the backend counted, where that is more than was read."""
    total, errors = sum(count for _, count, _ in counts), sum(wrong for _, _, wrong in counts)
    if total <= len(lines):
        return {}
    read = sum(line.level is Level.ERROR for line in lines)
    if errors < read:
        # It knows no levels: what was read is the least that there is.
        told = [(line.at.timestamp(), 0, 1) for line in lines if line.level is Level.ERROR]
        counts, errors = [*((at, count, 0) for at, count, _ in counts), *told], read
    return {"total": total, "errors": errors, "histogram": histogram(counts)}


def _told(payload: Mapping[str, Any], read: int, truncated: bool) -> str:
    errors, total = payload["errors"], payload["total"]
    said = f"{errors:,} of {total:,} lines are errors: {payload['patterns'][0]['pattern']}" if errors else ""
    return f"{said}; {read:,} lines were read".removeprefix("; ") if truncated else said


def _level(row: LogRow) -> Level:
    """By OpenTelemetry's severity number, or by the text where there is none."""
    for least, level in ((17, Level.ERROR), (13, Level.WARNING), (9, Level.INFO), (1, Level.NORMAL)):
        if row.severity_number >= least:
            return level
    return level_of(f"{row.severity_text} {row.body}")


def _shared(rows: Sequence[LogRow], key: str) -> str:
    values = {str(row.resource.get(key) or "") for row in rows}
    return values.pop() if len(values) == 1 else ""


def _namespace(resource: Mapping[str, Any]) -> str:
    return next((str(resource[key]) for key in NAMESPACE_KEYS if resource.get(key)), "")


def _subject(service: str, resource: Mapping[str, Any]) -> dict[str, str]:
    fields = {
        "kind": "Service",
        "namespace": _namespace(resource),
        "name": service,
        "node": str(resource.get("k8s.node.name") or ""),
    }
    return {key: value for key, value in fields.items() if value}
