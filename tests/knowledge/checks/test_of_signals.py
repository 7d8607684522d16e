"""Checks of metrics, logs, traces and alerts against stand-ins of the backends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from knowledge.checks import CHECKS, FAIL, PASS, UNKNOWN, InvalidParam
from tests.builders import make_alert
from tests.knowledge.checks.judged import NOW, connect_source, judged
from tests.stand_ins.jaeger import JaegerStandIn
from tests.stand_ins.loki import Line, LokiStandIn
from tests.stand_ins.prometheus import PrometheusStandIn

pytestmark = pytest.mark.django_db
CHECKOUT = {"service": "checkout"}
UP = {"namespace": "shop", "job": "shop/checkout", "pod": "checkout-1"}


@pytest.fixture
def prometheus() -> Iterator[PrometheusStandIn]:
    with PrometheusStandIn() as server:
        server.vectors = {}
        connect_source(server, "prometheus")
        yield server


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([(UP, "1")], PASS),
        ([(UP, "1"), (UP | {"pod": "checkout-2"}, "0")], FAIL),
        ([(UP | {"job": "shop/checkouts", "pod": "checkouts-1"}, "1")], FAIL),
        ([(UP | {"job": "checkout-db", "pod": "checkout-db-0"}, "1")], FAIL),
        ([(UP | {"job": "pods", "pod": "checkout-5d4f8b7c9d-x7k2p"}, "1")], PASS),
        ([(UP | {"job": "pods", "pod": "checkout-db-5d4f8b7c9d-x7k2p"}, "1")], FAIL),
        ([], FAIL),
    ],
)
def test_metrics_are_scraped_when_every_target_is_up(
    prometheus: PrometheusStandIn, rows: list[Any], verdict: str
) -> None:
    prometheus.vectors = {"up": rows}
    assert judged("metrics_scraped", **CHECKOUT).verdict == verdict


@pytest.mark.parametrize("name", ["metrics_scraped", "logs_arriving", "traces_arriving", "alerts_exist", "promql"])
def test_without_a_source_nothing_is_known(name: str) -> None:
    found = judged(name, params={"expression": "up"} if name == "promql" else {}, **CHECKOUT)
    assert (found.verdict, found.remedy) == (UNKNOWN, "Connect one under Sources.")


@pytest.mark.parametrize("name", ["metrics_scraped", "alerts_exist", "promql"])
@pytest.mark.parametrize("fault", ["403", "garbage"])
def test_a_prometheus_that_refuses_makes_the_verdict_unknown(
    prometheus: PrometheusStandIn, name: str, fault: str
) -> None:
    prometheus.fault("/api", fault)
    found = judged(name, params={"expression": "up"} if name == "promql" else {}, **CHECKOUT)
    assert (found.verdict, found.reason[:30]) == (UNKNOWN, "Could not be read: Prometheus:")


@pytest.mark.parametrize(
    ("params", "rows", "verdict"),
    [
        ({"comparison": "<", "value": 5}, [({}, "3")], PASS),
        ({"comparison": "<", "value": 5}, [({}, "3"), ({"pod": "b"}, "7")], FAIL),
        ({"comparison": "<", "value": 5}, [({}, "NaN")], UNKNOWN),
        ({"comparison": "<", "value": 5}, [], UNKNOWN),
        ({"comparison": "<", "value": 5, "empty": "pass"}, [], PASS),
    ],
)
def test_a_condition_of_ones_own(prometheus: PrometheusStandIn, params: Any, rows: Any, verdict: str) -> None:
    prometheus.vectors = {'queue_length{namespace="shop"}': rows}
    asked = {"expression": 'queue_length{namespace="{namespaces}"}'}
    assert judged("promql", params=asked | params).verdict == verdict


def test_parameters_are_refused_by_name_with_what_was_expected() -> None:
    with pytest.raises(InvalidParam, match="expression: is empty; expected an expression in PromQL"):
        CHECKS["promql"].clean({})
    with pytest.raises(InvalidParam, match="least: is 'x'; expected a whole number from 1 to 1000"):
        CHECKS["replicas"].clean({"least": "x"})
    with pytest.raises(InvalidParam, match="days: is not a parameter of"):
        CHECKS["replicas"].clean({"days": 1})
    assert CHECKS["replicas"].clean({"least": "3"}) == {"least": 3}


def test_a_rule_that_names_the_service_is_an_alert_for_it(prometheus: PrometheusStandIn) -> None:
    rule = {"type": "alerting", "name": "Errors", "query": 'rate(http_errors{job="pay"}[5m]) > 1', "labels": {}}
    prometheus.rules = [rule, {"type": "recording", "name": "checkout:rate", "query": "1"}]
    found = judged("alerts_exist", **CHECKOUT)
    assert (found.verdict, "1 rule of no named place" in found.reason) == (FAIL, True)
    prometheus.rules.append(rule | {"name": "CheckoutDown", "labels": {"service": "checkout"}})
    assert judged("alerts_exist", **CHECKOUT).reason == "Alerts that name checkout in shop: CheckoutDown."


@pytest.mark.parametrize(
    ("target", "query", "labels", "verdict"),
    [
        (CHECKOUT, 'rate(errors{service="checkout"}[5m]) > 1', {}, PASS),
        (CHECKOUT, 'rate(errors{app=~"checkout|pay"}[5m]) > 1', {}, PASS),
        (CHECKOUT, 'kube_pod_status_ready{pod=~"checkout-.*"} == 0', {}, PASS),
        (CHECKOUT, "up == 0", {"service": "checkout", "namespace": "{{ $labels.namespace }}"}, PASS),
        (CHECKOUT, 'up{job="checkout-db"} == 0', {}, FAIL),
        (CHECKOUT, "up == 0", {"service": "checkout-db"}, FAIL),
        (CHECKOUT, 'up{service!="checkout"} == 0', {}, FAIL),
        (CHECKOUT, 'up{service=~".+"} == 0', {}, FAIL),
        (CHECKOUT, 'up == 0 # service="checkout"', {}, FAIL),
        (CHECKOUT, 'up{service="checkout",namespace="staging"} == 0', {}, FAIL),
        ({"service": "job"}, 'sum by (job) (rate(errors{job="pay"}[5m])) > 1', {}, FAIL),
        ({"namespace": "up"}, "up == 0", {}, FAIL),
        ({"namespace": "shop"}, 'up{namespace=~"shop|pay"} == 0', {}, PASS),
        ({"namespace": "shop"}, 'up{namespace="shop-db"} == 0', {}, FAIL),
    ],
)
def test_a_rule_names_a_place_by_its_labels_and_matchers(
    prometheus: PrometheusStandIn, target: Any, query: str, labels: dict[str, str], verdict: str
) -> None:
    prometheus.rules = [{"type": "alerting", "name": "checkout job up", "query": query, "labels": labels}]
    assert judged("alerts_exist", **target).verdict == verdict


def test_a_pushed_alert_counts_when_it_was_seen_and_is_unknown_until_then() -> None:
    make_alert(labels={"service": "pay", "namespace": "shop"}, starts_at=NOW - timedelta(days=2))
    assert judged("alerts_exist", **CHECKOUT).verdict == UNKNOWN
    make_alert(fingerprint="bb", starts_at=NOW - timedelta(days=2))
    assert judged("alerts_exist", **CHECKOUT).verdict == PASS


def test_logs_arrive_or_they_do_not_and_a_refusal_says_neither() -> None:
    with LokiStandIn() as server:
        connect_source(server, "loki")
        assert judged("logs_arriving", **CHECKOUT).reason == (
            "No logs of checkout in shop arrived in the last 60 minutes."
        )
        labels = {"namespace": "shop", "app": "checkout", "pod": "checkout-1", "container": "app"}
        at = int((NOW - timedelta(minutes=5)).timestamp() * 1e9)
        server.lines.append(Line(at, "paid", labels))
        assert judged("logs_arriving", **CHECKOUT).verdict == PASS
        assert judged("logs_arriving", service="search").verdict == FAIL
        server.fault("/", "401")
        found = judged("logs_arriving", **CHECKOUT)
        assert (found.verdict, "no org id" in found.reason) == (UNKNOWN, True)


def test_traces_need_a_service_and_a_silent_backend_fails() -> None:
    with JaegerStandIn() as server:
        connect_source(server, "jaeger")
        assert "this run names none" in judged("traces_arriving").reason
        assert judged("traces_arriving", **CHECKOUT).verdict == FAIL
        server.fault("/", "403")
        assert judged("traces_arriving", **CHECKOUT).verdict == UNKNOWN
