"""Asked again over a longer window, a source that has nothing new says the same, links aside."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest

from telemetry.collectors.elastic import ElasticsearchCollector
from telemetry.collectors.grafana import GrafanaCollector
from telemetry.collectors.jaeger import JaegerCollector
from telemetry.collectors.loki import LokiCollector
from telemetry.collectors.loki.reading import nanoseconds
from telemetry.collectors.tempo import TempoCollector
from telemetry.observations import Budget, Connection, Window
from tests.stand_ins.elastic import ElasticStandIn
from tests.stand_ins.grafana import TOKEN, GrafanaStandIn
from tests.stand_ins.jaeger import JaegerStandIn
from tests.stand_ins.loki import Line, LokiStandIn
from tests.stand_ins.spans import a_trace
from tests.stand_ins.tempo import TempoStandIn
from tests.telemetry.collectors.asking import CHECKOUT, OUTAGE, ask, at

START = at("06:38:00")
LONGER = Window(OUTAGE.start, OUTAGE.end + timedelta(hours=3))

PLACE = {"service": {"name": "checkout"}, "kubernetes": {"namespace": "shop"}}


def grafana() -> GrafanaStandIn:
    server = GrafanaStandIn()
    server.add(int(START.timestamp() * 1_000), "Deploy of checkout", dashboardUID="shop")
    return server


def loki() -> LokiStandIn:
    return LokiStandIn([Line(nanoseconds(START), "lost", {"namespace": "shop", "app": "checkout"})])


def elastic() -> ElasticStandIn:
    return ElasticStandIn([{"@timestamp": START.isoformat(), "message": "lost", **PLACE}])


SOURCES: dict[str, tuple[Callable[[], Any], type[Any], str]] = {
    "annotations": (grafana, GrafanaCollector, "annotations"),
    "dashboard": (grafana, GrafanaCollector, "dashboard_0"),
    "loki": (loki, LokiCollector, "logs"),
    "elasticsearch": (elastic, ElasticsearchCollector, "logs"),
    "tempo": (lambda: TempoStandIn(a_trace(1, START, message="lost")), TempoCollector, "traces"),
    "jaeger": (lambda: JaegerStandIn(a_trace(1, START, message="lost")), JaegerCollector, "traces"),
}


@pytest.mark.parametrize("name", ["loki", "elasticsearch"])
def test_of_a_log_that_is_too_long_a_longer_window_reads_the_same_lines(name: str) -> None:
    _, kind, query = SOURCES[name]
    words = ["ERROR lost" if number == 50 else f"served {number}" for number in range(90)]
    times = [at("06:25:00") + timedelta(seconds=20 * number) for number in range(90)]
    made: AbstractContextManager[Any]
    if name == "loki":
        labels = {"namespace": "shop", "app": "checkout"}
        made = LokiStandIn([Line(nanoseconds(when), text, labels) for when, text in zip(times, words, strict=True)])
    else:
        rows = zip(times, words, strict=True)
        made = ElasticStandIn([{"@timestamp": when.isoformat(), "message": text, **PLACE} for when, text in rows])
    with made as server:
        connection = Connection(name="s", url=server.url, allow_private=True)
        budget = Budget(deadline_seconds=3, items=30)
        asked = [ask(kind(connection), query, scope=CHECKOUT, window=w, budget=budget) for w in (OUTAGE, LONGER)]
    assert [outcome.truncated_by for outcome, _ in asked] == ["items", "items"]
    first, second = ([line["text"] for line in found[0].payload["lines"]] for _, found in asked)
    assert first == second


@pytest.mark.parametrize("name", SOURCES)
def test_a_longer_window_alone_is_no_news(name: str) -> None:
    make, kind, query = SOURCES[name]
    options = {"link_url": "https://grafana.example", "dashboards": [{"title": "Shop", "uid": "shop"}]}
    started: AbstractContextManager[Any] = make()
    with started as server:
        connection = Connection(name="s", url=server.url, auth={"bearer": TOKEN}, allow_private=True, options=options)
        _, (first,) = ask(kind(connection), query, scope=CHECKOUT)
        _, (second,) = ask(kind(connection), query, scope=CHECKOUT, window=LONGER)
    assert first.links
    assert (first.dedup_key, first.digest()) == (second.dedup_key, second.digest())
