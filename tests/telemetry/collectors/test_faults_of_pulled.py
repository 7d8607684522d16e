"""Every pulled source and every way in which asking it fails: one outcome each, in time, in bounds, and never an error."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from telemetry.collectors.elastic import ElasticsearchCollector, OpenSearchCollector
from telemetry.collectors.grafana import GrafanaCollector
from telemetry.collectors.jaeger import JaegerCollector
from telemetry.collectors.loki import LokiCollector
from telemetry.collectors.prometheus import PrometheusCollector
from telemetry.collectors.prometheus.mimir import MimirCollector
from telemetry.collectors.prometheus.thanos import ThanosCollector
from telemetry.collectors.prometheus.victoriametrics import VictoriaMetricsCollector
from telemetry.collectors.tempo import TempoCollector
from telemetry.observations import Budget, Collector, Connection, Status
from tests.stand_ins.elastic import ElasticStandIn, OpenSearchStandIn
from tests.stand_ins.grafana import GrafanaStandIn
from tests.stand_ins.jaeger import JaegerStandIn
from tests.stand_ins.loki import LokiStandIn
from tests.stand_ins.prometheus import PrometheusStandIn
from tests.stand_ins.server import Asked, Reply, StandIn
from tests.stand_ins.tempo import TempoStandIn
from tests.telemetry.collectors.asking import ask, written

SECONDS = 0.25
BYTES = 2 * 1024 * 1024
SECRET = "plain-credential"


@dataclass(frozen=True)
class Case:
    """A source: its collector, its stand-in, the query to ask, and the path under which its answers fail."""

    collector: Callable[[Connection], Collector]
    stand_in: Callable[[], StandIn]
    query: str
    prefix: str
    options: Mapping[str, Any] = field(default_factory=dict)
    expected: Mapping[str, Status] = field(default_factory=dict)


class OpenGrafana(GrafanaStandIn):
    """Signs in whoever asks."""

    token = SECRET


CASES = {
    "elasticsearch": Case(ElasticsearchCollector, ElasticStandIn, "logs", "/_search"),
    "opensearch": Case(OpenSearchCollector, OpenSearchStandIn, "logs", "/_search"),
    "loki": Case(LokiCollector, LokiStandIn, "logs", "/loki/api/v1/query_range"),
    "jaeger": Case(JaegerCollector, JaegerStandIn, "traces", "/api/", {"services": ["checkout"]}),
    "tempo": Case(TempoCollector, TempoStandIn, "traces", "/api/search"),
    "grafana": Case(GrafanaCollector, OpenGrafana, "annotations", "/api/annotations"),
    "prometheus": Case(PrometheusCollector, PrometheusStandIn, "http_5xx_share", "/api/v1/query_range"),
    "victoriametrics": Case(VictoriaMetricsCollector, PrometheusStandIn, "http_5xx_share", "/api/v1/query_range"),
    "thanos": Case(ThanosCollector, PrometheusStandIn, "http_5xx_share", "/api/v1/query_range"),
    "mimir": Case(MimirCollector, PrometheusStandIn, "http_5xx_share", "/api/v1/query_range"),
}
FAULTS = {
    "400": (Status.INVALID_QUERY, False),
    "401": (Status.UNAUTHENTICATED, False),
    "403": (Status.DENIED, False),
    "404": (Status.NOT_INSTALLED, False),
    "429": (Status.THROTTLED, True),
    "500": (Status.ERROR, True),
    "hang": (Status.TIMEOUT, True),
    "drip": (Status.TIMEOUT, True),
    "cut": (Status.ERROR, True),
    "reset": (Status.ERROR, True),
    "garbage": (Status.ERROR, False),
    "redirect": (Status.ERROR, False),
    "huge": (Status.TRUNCATED, False),
}
# These end with the deadline or are tried again until it is near; the others end by themselves.
SLOW = {"hang", "drip", "reset"}
REMEDIED = {Status.UNAUTHENTICATED, Status.DENIED, Status.NOT_INSTALLED, Status.INVALID_QUERY, Status.THROTTLED}
ODD = [
    [],
    None,
    {"data": 3, "hits": [], "result": 3, "traces": 3},
    {"data": [3], "hits": {"total": "x"}, "result": [1]},
]


def connected(case: Case, server: StandIn) -> Collector:
    auth = {"bearer": SECRET}
    return case.collector(Connection(name="s", url=server.url, auth=auth, allow_private=True, options=case.options))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", CASES)
def test_each_fault_has_its_outcome_within_the_budget(kind: str, fault: str) -> None:
    case = CASES[kind]
    status, retryable = FAULTS[fault]
    budget = Budget(deadline_seconds=SECONDS if fault in SLOW else 4, bytes=BYTES)
    with case.stand_in() as server:
        server.fault(case.prefix, fault, retry_after="60")
        outcome, found = ask(connected(case, server), case.query, budget=budget)
    assert (outcome.status, outcome.retryable) == (case.expected.get(fault, status), retryable)
    assert (found, bool(outcome.reason)) == ([], True)
    assert outcome.remedy or outcome.status not in REMEDIED
    assert outcome.truncated_by == ("bytes" if status is Status.TRUNCATED else "")
    assert SECRET not in written(outcome)


@pytest.mark.parametrize("kind", CASES)
def test_a_server_that_is_not_there_is_unreachable(kind: str) -> None:
    with CASES[kind].stand_in() as server:
        gone = connected(CASES[kind], server)
    outcome, _ = ask(gone, CASES[kind].query, budget=Budget(deadline_seconds=SECONDS))
    assert (outcome.status, outcome.retryable) == (Status.UNREACHABLE, True)


@pytest.mark.parametrize("kind", CASES)
def test_sixty_megabytes_stay_outside(kind: str) -> None:
    """The body is cut at the budget's bytes, and what stood in memory is a few times that and not sixty."""
    case = CASES[kind]
    with case.stand_in() as server:
        server.fault(case.prefix, "huge")
        tracemalloc.start()
        try:
            outcome, _ = ask(connected(case, server), case.query, budget=Budget(deadline_seconds=5, bytes=BYTES))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert (outcome.status, outcome.truncated_by) == (Status.TRUNCATED, "bytes")
    assert peak < 20 * 1024 * 1024


@pytest.mark.parametrize("kind", CASES)
def test_json_of_any_other_shape_is_an_outcome(kind: str) -> None:
    case = CASES[kind]
    with case.stand_in() as server:
        healthy = server.answer
        for odd in ODD:
            server.answer = _instead(odd, case.prefix, healthy)  # type: ignore[method-assign]
            outcome, found = ask(connected(case, server), case.query, budget=Budget(deadline_seconds=2))
            assert (found, outcome.status is Status.COMPLETE) == ([], False), odd


def _instead(odd: Any, prefix: str, healthy: Callable[[Asked], Reply]) -> Callable[[Asked], Reply]:
    body = json.dumps(odd).encode()
    return lambda asked: Reply(200, body) if asked.path.startswith(prefix) else healthy(asked)


@pytest.mark.parametrize("kind", CASES)
def test_a_budget_of_one_request_is_told(kind: str) -> None:
    case = CASES[kind]
    with case.stand_in() as server:
        outcome, _ = ask(connected(case, server), case.query, budget=Budget(deadline_seconds=2, requests=1))
    # Prometheus's one request is for the window, and it says that the baseline is missing.
    assert outcome.status is not Status.COMPLETE or "stopped at the budget of 1 requests" in str(outcome.warnings)


@pytest.mark.parametrize("kind", CASES)
def test_a_malformed_pattern_of_the_source_is_told(kind: str) -> None:
    case = CASES[kind]
    with case.stand_in() as server:
        options = {**case.options, "redact": {"mine": "("}}
        collecting = case.collector(Connection(name="s", url=server.url, allow_private=True, options=options))
        outcome, _ = ask(collecting, case.query)
    assert outcome.status is Status.NOT_CONFIGURED


@pytest.mark.parametrize("kind", CASES)
def test_facts_and_preflight_are_there(kind: str) -> None:
    case = CASES[kind]
    with case.stand_in() as server:
        collecting = connected(case, server)
        assert collecting.kind == kind
        assert collecting.facts.collects
        assert collecting.facts.tested
        assert all(check.ok for check in collecting.preflight())
        server.fault("/", "401")
        failing = [check for check in collecting.preflight() if not check.ok]
    assert [check.name for check in failing] == ["authenticated"]
    assert failing[0].remedy
