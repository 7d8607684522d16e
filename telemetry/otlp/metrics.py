"""Metrics of OTLP as points: gauges, counters, histograms of both kinds, summaries.

https://opentelemetry.io/docs/specs/otel/metrics/data-model/. Exponential buckets become explicit ones on a grid that
is coarse enough to stay the same when a sender changes its scale. Exemplars are not read.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from telemetry.otlp.protobuf import attributes
from telemetry.rows import (
    LATEST_NANOSECONDS,
    PointRow,
    Rejected,
    SeriesRow,
    Taking,
    clean_mapping,
    clean_text,
    digest_of,
    service_of,
    time_of,
)

LABELS_LIMIT = 64
BUCKETS_LIMIT = 400
QUANTILES_LIMIT = 40
METRIC_NAME_LIMIT, UNIT_LIMIT = 200, 63
NO_RECORDED_VALUE = 1
DELTA = 1
COARSEST_SCALE = 3
LARGEST_EXPONENT = 1_023.0
LARGEST_COUNT = 2**63 - 1

# A series comes again with every export: what cleaning its labels found is kept by the bytes that they came as.
Key = tuple[Any, ...]
KNOWN: dict[Key, SeriesRow] = {}
MOST_KNOWN = 20_000
_written = KeyValue.SerializeToString
Told = tuple[float | None, int | None, dict[str, Any] | None]


def take(group: Any, resource: dict[str, Any], taking: Taking[PointRow]) -> None:
    """The points of one resource; bad ones cost themselves alone."""
    identity, service = digest_of(resource), service_of(resource)
    for scope in group.scope_metrics:
        for metric in scope.metrics:
            form = metric.WhichOneof("data")
            if form is None:
                continue
            data = getattr(metric, form)
            kind, is_delta = _kind(form, data)
            name, unit = clean_text(metric.name, METRIC_NAME_LIMIT), clean_text(metric.unit, UNIT_LIMIT)
            for point in data.data_points:
                if not taking.has_room():
                    continue
                try:
                    key = (identity, name, unit, kind, is_delta, *map(_written, point.attributes))
                    series = KNOWN.get(key)
                    if series is None:
                        labels = _labels(point, name)
                        digest = digest_of(name, unit, kind, is_delta, labels, identity)
                        series = SeriesRow(name, unit, kind, is_delta, service, labels, resource, digest)
                        _remember(key, series)
                    taking.rows.append(_row(point, form, series))
                except Rejected as rejected:
                    taking.reject(str(rejected))


def _remember(key: Key, series: SeriesRow) -> None:
    if len(KNOWN) >= MOST_KNOWN:
        KNOWN.clear()
    KNOWN[key] = series


def _kind(form: str, data: Any) -> tuple[str, bool]:
    """A sum that also falls is read like a gauge."""
    kind = {"gauge": "gauge", "summary": "summary"}.get(form, "histogram")
    if form == "sum":
        kind = "counter" if data.is_monotonic else "gauge"
    return kind, form not in {"gauge", "summary"} and data.aggregation_temporality == DELTA


def _labels(point: Any, name: str) -> dict[str, Any]:
    if not name:
        raise Rejected("metric without a name")
    if len(point.attributes) > LABELS_LIMIT:
        raise Rejected(f"data point with more than {LABELS_LIMIT} labels")
    return clean_mapping(attributes(point.attributes))


def _row(point: Any, form: str, series: SeriesRow) -> PointRow:
    at = time_of(point.time_unix_nano, "data point without a time before 2100")
    started = point.start_time_unix_nano
    start_at = time_of(started, "start") if 0 < started <= LATEST_NANOSECONDS else None
    value, count, distribution = (None, None, None) if point.flags & NO_RECORDED_VALUE else READERS[form](point)
    return PointRow(series, at, start_at, value, count, distribution)


def _number(point: Any) -> Told:
    """NaN and infinity are moments without a value."""
    kind = point.WhichOneof("value")
    return (_finite(getattr(point, kind)) if kind else None), None, None


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _count(count: int) -> int:
    if count > LARGEST_COUNT:
        raise Rejected("data point with a count past 63 bits")
    return count


def _histogram(point: Any) -> Told:
    bounds, counts = list(point.explicit_bounds), [_count(count) for count in point.bucket_counts]
    if len(counts) > BUCKETS_LIMIT:
        raise Rejected(f"histogram with more than {BUCKETS_LIMIT} buckets")
    if counts and len(counts) != len(bounds) + 1:
        raise Rejected("histogram whose bounds and buckets do not belong together")
    if not all(map(math.isfinite, bounds)) or any(one >= next_one for one, next_one in pairwise(bounds)):
        raise Rejected("histogram whose bounds do not rise")
    distribution = {"bounds": bounds, "counts": counts} if counts else None
    return (_finite(point.sum) if point.HasField("sum") else None), _count(point.count), distribution


def _exponential(point: Any) -> Told:
    uppers: dict[float, int] = defaultdict(int)
    uppers[point.zero_threshold if math.isfinite(point.zero_threshold) else 0.0] += _count(point.zero_count)
    for sign, buckets in ((1.0, point.positive), (-1.0, point.negative)):
        if len(buckets.bucket_counts) > BUCKETS_LIMIT:
            raise Rejected(f"histogram with more than {BUCKETS_LIMIT} buckets")
        for upper, count in _uppers(point.scale, buckets, sign):
            uppers[upper] += _count(count)
    bounds = sorted(upper for upper, count in uppers.items() if count)
    distribution = {"bounds": bounds, "counts": [*(_count(uppers[upper]) for upper in bounds), 0]} if bounds else None
    return (_finite(point.sum) if point.HasField("sum") else None), _count(point.count), distribution


def _uppers(scale: int, buckets: Any, sign: float) -> Iterator[tuple[float, int]]:
    """Upper bounds on the coarse grid with what lies below each: bucket i ends at 2 ** ((i + 1) / 2 ** scale)."""
    coarse = min(scale, COARSEST_SCALE)
    shift = min(scale - coarse, 64)
    for place, count in enumerate(buckets.bucket_counts):
        if count:
            index = (buckets.offset + place) >> shift
            edge = index + 1 if sign > 0 else index
            exponent = edge * 2.0 ** -max(coarse, -16)
            yield sign * 2.0 ** max(-LARGEST_EXPONENT, min(LARGEST_EXPONENT, exponent)), count


def _summary(point: Any) -> Told:
    told: Iterable[Any] = point.quantile_values[:QUANTILES_LIMIT]
    quantiles = [[one.quantile, one.value] for one in told if math.isfinite(one.value) and 0 <= one.quantile <= 1]
    return _finite(point.sum), _count(point.count), {"quantiles": quantiles} if quantiles else None


READERS = {
    "gauge": _number,
    "sum": _number,
    "histogram": _histogram,
    "exponential_histogram": _exponential,
    "summary": _summary,
}
