"""Metrics of OTLP as points, and as charts again: every kind of point, and what is no number."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2

from telemetry import intake
from telemetry.actions.source import delete_source
from telemetry.collectors.otlp import METRICS, OtlpCollector
from telemetry.models import MetricPoint, MetricSeries
from telemetry.observations import Budget, Observation, Outcome, Scope, Status, Window
from telemetry.otlp.decode import JSON, PROTOBUF, decode_metrics, metrics_answer
from telemetry.rows import Decoded, PointRow
from tests.builders import make_person, make_source

START = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


def nanoseconds(seconds: float) -> str:
    return str(int((START.timestamp() + seconds) * 1_000) * 1_000_000)


def point(seconds: float = 0, **fields: Any) -> dict[str, Any]:
    labels = [{"key": "route", "value": {"stringValue": "/pay"}}]
    return {"timeUnixNano": nanoseconds(seconds), "startTimeUnixNano": nanoseconds(-60), "attributes": labels} | fields


def body(*metrics: dict[str, Any], service: str = "checkout") -> dict[str, Any]:
    resource = [
        {"key": "service.name", "value": {"stringValue": service}},
        {"key": "k8s.namespace.name", "value": {"stringValue": "shop"}},
    ]
    return {"resourceMetrics": [{"resource": {"attributes": resource}, "scopeMetrics": [{"metrics": list(metrics)}]}]}


def gauge(*points: dict[str, Any], name: str = "pool.used", **more: Any) -> dict[str, Any]:
    return {"name": name, "unit": "1", "gauge": {"dataPoints": list(points)}, **more}


def decoded(*metrics: dict[str, Any]) -> Decoded[PointRow]:
    return decode_metrics(json.dumps(body(*metrics)).encode(), JSON)


EXEMPLAR = {"traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "asDouble": 1.0}


@pytest.mark.parametrize(
    ("metric", "kind", "value", "count", "distribution"),
    [
        (gauge(point(asDouble=1.5, exemplars=[EXEMPLAR])), "gauge", 1.5, None, None),
        (gauge(point(asInt="9007199254740993")), "gauge", 9007199254740992.0, None, None),
        (gauge(point(asDouble="NaN")), "gauge", None, None, None),
        (gauge(point(asDouble="-Infinity")), "gauge", None, None, None),
        (gauge(point(flags=1)), "gauge", None, None, None),
        (
            {"name": "n", "sum": {"isMonotonic": True, "aggregationTemporality": 2, "dataPoints": [point(asInt="7")]}},
            "counter",
            7.0,
            None,
            None,
        ),
        (
            {"name": "n", "sum": {"aggregationTemporality": 2, "dataPoints": [point(asInt="7")]}},
            "gauge",
            7.0,
            None,
            None,
        ),
        (
            {
                "name": "n",
                "histogram": {
                    "aggregationTemporality": 2,
                    "dataPoints": [point(count="3", sum=1.5, explicitBounds=[0.1, 1], bucketCounts=["1", "1", "1"])],
                },
            },
            "histogram",
            1.5,
            3,
            {"bounds": [0.1, 1.0], "counts": [1, 1, 1]},
        ),
        (
            {
                "name": "n",
                "exponentialHistogram": {
                    "aggregationTemporality": 1,
                    "dataPoints": [
                        point(
                            count="6",
                            scale=0,
                            zeroCount="1",
                            positive={"offset": 0, "bucketCounts": ["2", "1"]},
                            negative={"offset": 1, "bucketCounts": ["2"]},
                        )
                    ],
                },
            },
            "histogram",
            None,
            6,
            {"bounds": [-2.0, 0.0, 2.0, 4.0], "counts": [2, 1, 2, 1, 0]},
        ),
        (
            {
                "name": "n",
                "summary": {"dataPoints": [point(count="2", sum=3, quantileValues=[{"quantile": 0.95, "value": 2}])]},
            },
            "summary",
            3.0,
            2,
            {"quantiles": [[0.95, 2.0]]},
        ),
    ],
)
def test_every_kind_of_point_becomes_a_row_in_both_encodings(
    metric: dict[str, Any], kind: str, value: float | None, count: int | None, distribution: Any
) -> None:
    (row,) = decoded(metric).rows
    assert (row.series.kind, row.value, row.count, row.distribution) == (kind, value, count, distribution)
    assert (row.series.service, row.series.labels, row.at) == ("checkout", {"route": "/pay"}, START)
    if "exemplars" not in json.dumps(metric):
        request = json_format.ParseDict(body(metric), metrics_service_pb2.ExportMetricsServiceRequest())
        (again,) = decode_metrics(request.SerializeToString(), PROTOBUF).rows
        assert (again.series.digest, again.value, again.distribution) == (row.series.digest, value, distribution)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (gauge(point(timeUnixNano="0")), "data point without a time before 2100"),
        (
            gauge(point(attributes=[{"key": f"k{n}", "value": {"intValue": "1"}} for n in range(65)])),
            "more than 64 labels",
        ),
        (gauge(point(), name=""), "metric without a name"),
        (
            {"name": "n", "histogram": {"dataPoints": [point(explicitBounds=[1, 1], bucketCounts=["1", "1", "1"])]}},
            "do not rise",
        ),
        (
            {"name": "n", "histogram": {"dataPoints": [point(explicitBounds=[1], bucketCounts=["1"])]}},
            "do not belong together",
        ),
        ({"name": "n", "histogram": {"dataPoints": [point(count="18446744073709551615")]}}, "past 63 bits"),
    ],
)
def test_a_bad_point_costs_itself_alone(bad: dict[str, Any], reason: str) -> None:
    found = decoded(bad, gauge(point(asDouble=1)))
    assert (len(found.rows), found.rejected) == (1, 1)
    assert reason in found.message
    assert json.loads(metrics_answer(found, JSON))["partialSuccess"]["rejectedDataPoints"] == "1"


def test_exponential_buckets_of_any_scale_and_offset_are_finite() -> None:
    buckets = {"offset": 2**30, "bucketCounts": ["1"] * 160}
    for scale in (-10, 0, 3, 20):
        data = point(count="160", scale=scale, positive=buckets, negative=buckets | {"offset": -(2**30)})
        (row,) = decoded({"name": "n", "exponentialHistogram": {"dataPoints": [data]}}).rows
        assert row.distribution is not None
        assert sum(row.distribution["counts"]) == 320
        assert row.distribution["bounds"] == sorted(set(row.distribution["bounds"]))


def stored(*metrics: dict[str, Any], **options: Any) -> tuple[Any, dict[str, int]]:
    source = make_source(kind="otlp", name="OpenTelemetry", options=options)
    return source, intake.store_points(decoded(*metrics).rows, source, START)


def charts(
    source: Any, *, services: tuple[str, ...] = ("checkout",), budget: Budget | None = None
) -> tuple[Outcome, list[Observation]]:
    """Of the ten minutes from START, whose baseline are the ten before."""
    found: list[Observation] = []
    collector = OtlpCollector(source.connection())
    window = Window(START, START + timedelta(minutes=10))
    query = next(one for one in collector.plan(Scope(services=services), window) if one.name == METRICS)
    return collector.collect(query, window, budget or Budget(), found.extend), found


def series(name: str, before: float, after: float) -> dict[str, Any]:
    values = [(seconds, before if seconds < 0 else after) for seconds in range(-600, 600, 60)]
    return gauge(*(point(seconds, asDouble=value) for seconds, value in values), name=name)


@pytest.mark.django_db
def test_points_told_twice_are_stored_once_and_the_most_changed_metric_comes_first() -> None:
    source, refused = stored(series("steady", 5, 5), series("rose", 1, 9))
    assert refused == {}
    assert intake.store_points(decoded(series("rose", 1, 9)).rows, source, START) == {}
    assert (MetricSeries.objects.count(), MetricPoint.objects.count()) == (2, 40)
    outcome, found = charts(source)
    assert (outcome.status, [one.title for one in found]) == (Status.COMPLETE, ["rose", "steady"])
    payload = found[0].payload
    assert (payload["step_seconds"], payload["baseline_median"], payload["peak"]["value"]) == (60.0, 1.0, 9.0)
    assert payload["series"][0]["labels"] == {"service": "checkout", "namespace": "shop", "route": "/pay"}
    assert payload["series"][0]["points"][0] == [START.timestamp(), 9.0]
    assert len(payload["baseline"][0]["points"]) == 10
    assert (found[0].subject["name"], found[0].summary) == ("checkout", "peak 9 1 at 06:00:00, median before 1 1")


@pytest.mark.django_db
def test_counters_are_shown_by_their_rate_also_over_a_restart() -> None:
    values = [(0, "100", -60), (60, "160", -60), (120, "30", 90), (180, "90", 90)]
    points = [point(at, asInt=value, startTimeUnixNano=nanoseconds(began)) for at, value, began in values]
    source, _ = stored(
        {
            "name": "requests",
            "unit": "{request}",
            "sum": {"isMonotonic": True, "aggregationTemporality": 2, "dataPoints": points},
        }
    )
    _, (chart,) = charts(source)
    assert [value for _, value in chart.payload["series"][0]["points"]] == [1.0, 0.5, 1.0]
    assert (chart.title, chart.payload["unit"]) == ("requests (per second)", "request/s")


@pytest.mark.django_db
def test_histograms_are_shown_by_their_95th_percentile_and_their_rate() -> None:
    def told(seconds: float, *counts: int) -> dict[str, Any]:
        return point(
            seconds, count=str(sum(counts)), explicitBounds=[0.1, 1.0], bucketCounts=[str(one) for one in counts]
        )

    data = {
        "aggregationTemporality": 2,
        "dataPoints": [told(0, 100, 0, 0), told(60, 200, 0, 0), told(120, 200, 100, 0)],
    }
    source, _ = stored({"name": "duration", "unit": "s", "histogram": data})
    _, found = charts(source)
    by_title = {one.title: [value for _, value in one.payload["series"][0]["points"]] for one in found}
    assert by_title["duration (95th percentile)"] == pytest.approx([0.095, 0.955])
    assert by_title["duration (per second)"] == pytest.approx([100 / 60, 100 / 60])


@pytest.mark.django_db
def test_a_series_and_its_points_belong_to_the_source_that_they_were_pushed_to() -> None:
    first, _ = stored(series("rose", 1, 9))
    second = make_source(kind="otlp", name="Staging")
    assert intake.store_points(decoded(series("rose", 2, 7)).rows, second, START) == {}
    for source, peak in ((first, 9.0), (second, 7.0)):
        outcome, (chart,) = charts(source)
        assert (outcome.status, chart.payload["peak"]["value"]) == (Status.COMPLETE, peak)
    assert MetricPoint.objects.count() == 40


@pytest.mark.django_db
def test_a_source_made_anew_shows_what_it_is_told() -> None:
    source, _ = stored(series("rose", 1, 9))
    delete_source(source=source, by=make_person("root"), now=START)
    again, _ = stored(series("rose", 1, 8))
    outcome, (chart,) = charts(again)
    assert (outcome.status, chart.payload["peak"]["value"]) == (Status.COMPLETE, 8.0)


@pytest.mark.django_db
def test_series_past_the_sources_cap_are_refused_and_said() -> None:
    source, refused = stored(gauge(point(asDouble=1), name="a"), gauge(point(asDouble=1), name="b"), max_series=1)
    assert refused == {"a series more than the 1 of this source (max_series)": 1}
    taken = MetricSeries.objects.get().name
    assert intake.store_points(decoded(gauge(point(5, asDouble=1), name=taken)).rows, source, START) == {}
    assert MetricPoint.objects.count() == 2


@pytest.mark.django_db
def test_charts_left_out_are_said_and_other_services_are_not_shown() -> None:
    source, _ = stored(*(series(f"m{number}", 1, 1 + number) for number in range(14)))
    outcome, found = charts(source)
    assert (outcome.status, outcome.dropped, len(found)) == (Status.TRUNCATED, 2, 12)
    assert "12 charts of 14" in outcome.reason
    outcome, found = charts(source, services=("basket",))
    assert (outcome.status, found) == (Status.EMPTY, [])
    other = make_source(kind="otlp", name="Other")
    assert charts(other)[0].status is Status.NOT_CONFIGURED
