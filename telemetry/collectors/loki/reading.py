"""Reading Loki page by page: lines in order of time, errors first where there are more than can be read."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from telemetry.collectors.log_messages import level_named
from telemetry.collectors.pulled import LEAD, Cleaner, Read, kept_since, line_row
from telemetry.collectors.pushed import Counts
from telemetry.http import Http, Refusal, SourceError
from telemetry.observations import Budget, Level, Status, Window
from telemetry.rows import LogRow

QUERY = "/loki/api/v1/query_range"
PAGE = 1_000
BARS = 60
LEAST_SECONDS = 5.0
ERRORS = ' |~ "(?i)(error|fatal|panic|exception|critical|traceback)"'
ERRORS_SHARE = 0.6
TRACE_KEYS = ("trace_id", "traceid", "traceID", "TraceId", "trace.id", "traceId")
LEVEL_KEYS = ("level", "detected_level", "severity", "severity_text", "lvl")
# Quoted parts may hold braces of their own.
SELECTOR = re.compile(r"""\s*(\{(?:[^"`}]|"(?:[^"\\]|\\.)*"|`[^`]*`)*\})""")
LIMIT_TOLD = re.compile(r"entries limit.*\(\d+ > (\d+)\)")


@dataclass(frozen=True, slots=True)
class Names:
    """The labels that say where a line is from."""

    namespace: str
    app: str
    pod: str
    container: str

    def place(self, labels: Mapping[str, str]) -> dict[str, str]:
        return {
            "k8s.namespace.name": labels.get(self.namespace) or labels.get("k8s_namespace_name") or "",
            "k8s.pod.name": labels.get(self.pod) or labels.get("k8s_pod_name") or "",
            "k8s.container.name": labels.get(self.container) or labels.get("k8s_container_name") or "",
        }

    def service(self, labels: Mapping[str, str]) -> str:
        keys = (self.app, "service_name", self.container, "job")
        return next((labels[key] for key in keys if labels.get(key)), "unknown_service")


def nanoseconds(at: datetime) -> int:
    """Exact, where the seconds of a float would be 100 ns off."""
    since = at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    ns: int
    text: str
    labels: Mapping[str, str]
    metadata: Mapping[str, str]


class Lines:
    """The lines of one query, each once."""

    def __init__(self, http: Http, expr: str, window: Window, budget: Budget, names: Names, cleaner: Cleaner) -> None:
        self.http, self.expr, self.names, self.cleaner = http, expr, names, cleaner
        self.most = budget.items
        self.start, self.end = nanoseconds(window.start), nanoseconds(window.end)
        self.page = PAGE
        self.found: dict[tuple[int, bytes], LogRow] = {}

    def read(self, *, total: int | None, expected: int) -> Read:
        """Up to the budget's items. Where `expected`, which may be too high, says that there are more, errors come
        first."""
        read = Read(total=total)
        try:
            if expected > self.most:
                self._pages(self.expr + ERRORS, self.start, int(self.most * ERRORS_SHARE))
                first = min((ns for ns, _ in self.found), default=self.start)
                # What led to the first error tells more than what was said at the start of the window.
                self._pages(self.expr, max(self.start, first - LEAD // timedelta(microseconds=1) * 1_000), self.most)
                read.cut = self._pages(self.expr, self.start, self.most)
                # At the end of the window nothing is left, whatever was expected.
                read.total = total if read.cut else None
            else:
                cut = self._pages(self.expr, self.start, self.most)
                read.cut = "" if len(self.found) == total else cut
        except SourceError as error:
            read.stopped = error
        read.rows = [self.found[key] for key in sorted(self.found)]
        return read

    def _pages(self, expr: str, start: int, most: int) -> str:
        """Forward from `start` until `most` lines are held; which limit ended it, "" if none did."""
        while len(self.found) < most:
            entries = self._asked(expr, start)
            before = len(self.found)
            if not all(self._keep(entry, most) for entry in entries):
                return "items"
            if len(entries) < self.page:
                return ""
            last = max(entry.ns for entry in entries)
            if last == start and len(self.found) == before:
                return "nanosecond"
            start = last
        return "items"

    def _asked(self, expr: str, start: int) -> list[Entry]:
        fields = {
            "query": expr,
            "start": str(start),
            "end": str(self.end),
            "limit": str(self.page),
            "direction": "forward",
        }
        try:
            answer = self.http.get(QUERY, fields).json_object()
        except Refusal as error:
            told = LIMIT_TOLD.search(error.reason)
            if error.code != 400 or not told or not 0 < int(told.group(1)) < self.page:
                raise
            self.page = int(told.group(1))
            return self._asked(expr, start)
        return list(entries_of(answer))

    def _keep(self, entry: Entry, most: int) -> bool:
        """Whether there was a place for it."""
        stream = json.dumps([entry.labels, entry.text], sort_keys=True).encode(errors="replace")
        key = (entry.ns, hashlib.sha256(stream).digest())
        if key in self.found or not self.start <= entry.ns < self.end:
            return True
        if len(self.found) >= most:
            return False
        both = {**entry.labels, **entry.metadata}
        self.found[key] = line_row(
            at=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=entry.ns // 1_000),
            body=entry.text,
            service=self.names.service(both),
            level=_level(both),
            trace_id=next((both[name] for name in TRACE_KEYS if both.get(name)), ""),
            place=self.names.place(both),
            cleaner=self.cleaner,
        )
        return True


def entries_of(answer: Mapping[str, Any]) -> Iterator[Entry]:
    """The lines of an answer of streams, with what Loki 3 keeps beside a line; raises `SourceError` for numbers."""
    data = answer.get("data")
    if answer.get("status") != "success" or not isinstance(data, dict):
        raise SourceError(Status.ERROR, "the answer is not Loki's", remedy="Check that the address is Loki's.")
    if data.get("resultType") != "streams":
        raise SourceError(
            Status.INVALID_QUERY,
            "the query counts lines instead of returning them",
            remedy="Write a log query here; a metric query belongs to a Prometheus source with Loki's address.",
        )
    for stream in data.get("result") or []:
        labels = _texts(stream.get("stream"))
        for value in stream.get("values") or []:
            yield Entry(int(value[0]), str(value[1]), labels, _metadata(value[2] if len(value) > 2 else None))


def _metadata(told: Any) -> dict[str, str]:
    """`{"structuredMetadata": {…}, "parsed": {…}}` as Loki 3 answers, or the plain object of others."""
    if not isinstance(told, dict):
        return {}
    parts = [told.get("structuredMetadata"), told.get("parsed")]
    if any(isinstance(part, dict) for part in parts):
        return {key: value for part in parts for key, value in _texts(part).items()}
    return _texts(told)


def _texts(value: Any) -> dict[str, str]:
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, dict) else {}


def _level(labels: Mapping[str, str]) -> str:
    found = next((labels[key] for key in LEVEL_KEYS if labels.get(key)), "")
    return "" if found == "unknown" else found


@dataclass(frozen=True, slots=True)
class Counted:
    """Lines by (service, namespace) and time; `total` is None if Loki did not tell, `expected` at least the total."""

    counts: Counts = field(default_factory=dict)
    total: int | None = None
    expected: int = 0


def counted(http: Http, expr: str, window: Window, names: Names, cleaner: Cleaner) -> Counted:
    """How many lines there are. It costs Loki one pass without lines on the way; where that is refused, the index
    knows the number of lines of the streams, which is that of the query only where it takes them all."""
    length = max(1, int(window.seconds * 1_000))
    bars = next(number for number in range(BARS, 0, -1) if length % number == 0)
    step = length // bars
    keys = [names.namespace, names.app, "level", "detected_level"]
    fields = {
        "query": f"sum by ({', '.join(dict.fromkeys(keys))}) (count_over_time({expr} [{step}ms]))",
        "start": str(nanoseconds(window.start) + step * 10**6),
        "end": str(nanoseconds(window.end)),
        "step": f"{step / 1_000:g}",
    }
    try:
        data = http.get(QUERY, fields).json_object().get("data")
    except SourceError as error:
        too_much = isinstance(error, Refusal) and error.code in {400, 404, 422, 500, 504}
        if not too_much and not (error.status is Status.TIMEOUT and http.seconds_left > LEAST_SECONDS):
            raise
        entries = _stats(http, expr, window)
        if not entries or not SELECTOR.fullmatch(expr.rstrip()):
            return Counted(expected=entries)
        return Counted({("", ""): [(window.start.timestamp(), entries, 0)]}, entries, entries)
    if not isinstance(data, dict) or data.get("resultType") != "matrix":
        return Counted()
    counts = _matrix(data.get("result") or [], names, step / 1_000, cleaner)
    total = sum(count for one in counts.values() for _, count, _ in one)
    return Counted(counts, total, total)


def _matrix(
    result: Sequence[Mapping[str, Any]], names: Names, step: float, cleaner: Cleaner
) -> dict[tuple[str, str], list[tuple[float, int, int]]]:
    found: dict[tuple[str, str], list[tuple[float, int, int]]] = defaultdict(list)
    for series in result:
        labels = {key: cleaner.text(value) for key, value in _texts(series.get("metric")).items()}
        wrong = level_named(_level(labels)) is Level.ERROR
        place = names.place(labels)["k8s.namespace.name"]
        for moment, value in series.get("values") or []:
            count = float(value)
            if math.isfinite(count) and count > 0:
                found[names.service(labels), place].append((float(moment) - step, int(count), int(count) * wrong))
    return dict(found)


def _stats(http: Http, expr: str, window: Window) -> int:
    """How many lines the index has for the streams of a query, whatever its filters leave of them; 0 if not told."""
    streams = SELECTOR.match(expr)
    if streams is None:
        return 0
    span = {"start": str(nanoseconds(window.start)), "end": str(nanoseconds(window.end))}
    try:
        told = http.get("/loki/api/v1/index/stats", {"query": streams.group(1), **span}).json_object()
    except SourceError:
        return 0
    entries = told.get("entries")
    return entries if isinstance(entries, int) and entries > 0 else 0


def seen_by_others(http: Http, window: Window, names: Names) -> bool:
    """Whether anybody's lines are there from this window."""
    return _stats(http, f'{{{names.namespace}=~".+"}}', window) > 0


def retention(http: Http) -> datetime | None:
    """From when on lines are kept; None where Loki does not say."""
    paths = ("/loki/api/v1/drilldown-limits", "/config/tenant/v1/limits", "/config")
    return kept_since(http, paths, "retention_period")
