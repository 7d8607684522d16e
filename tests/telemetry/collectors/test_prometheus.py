"""Charts and alerts from a stand-in with the outage's series, and every way in which asking fails."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from telemetry.collectors.prometheus import DEFAULT_QUERIES, PrometheusCollector
from telemetry.collectors.prometheus.queries import filled_in
from telemetry.collectors.queries import regexp_of
from telemetry.observations import Budget, Connection, EvidenceType, Level, Scope, Status, Window, Workload
from tests.stand_ins.outage_series import Measured
from tests.stand_ins.prometheus import PrometheusStandIn
from tests.telemetry.collectors.asking import OUTAGE, SHOP, ask, at, written


@pytest.fixture
def server() -> Iterator[PrometheusStandIn]:
    with PrometheusStandIn() as stand_in:
        yield stand_in


def collector(server: PrometheusStandIn, **options: Any) -> PrometheusCollector:
    return PrometheusCollector(Connection(name="p", url=server.url, allow_private=True, options=options))


def test_the_default_set_asks_for_traffic_errors_saturation_and_alerts(server: PrometheusStandIn) -> None:
    names = [query.name for query in collector(server).plan(SHOP, OUTAGE)]
    assert names == [entry["name"] for entry in DEFAULT_QUERIES]
    assert {"http_5xx_share", "http_latency_p95", "container_restarts", "pods_not_ready", "alerts"} <= set(names)


def test_a_chart_holds_the_window_its_peak_and_a_baseline(server: PrometheusStandIn) -> None:
    outcome, (chart,) = ask(collector(server, scrape_seconds=20), "http_5xx_share")
    payload = chart.payload
    assert (outcome.status, chart.type) == (Status.COMPLETE, EvidenceType.METRIC)
    assert payload["peak"] == {
        "at": "2026-11-21T06:38:40Z",
        "value": 0.63,
        "labels": {"job": "checkout", "namespace": "shop"},
    }
    assert payload["window"] == {"start": "2026-11-21T06:22:00Z", "end": "2026-11-21T07:05:00Z"}
    assert payload["step_seconds"] == 20
    assert len(payload["series"][0]["points"]) == len(payload["baseline"][0]["points"]) == 43 * 3
    assert payload["baseline"][0]["points"][-1][0] < OUTAGE.start.timestamp()
    assert chart.summary == "peak 63 % at 06:38:40, median before 0.792 %"


def test_the_chart_links_to_the_graph_page(server: PrometheusStandIn) -> None:
    _, (chart,) = ask(collector(server, link_url="https://prom.example/"), "http_request_rate")
    link = urlsplit(chart.links[0]["url"])
    assert (link.scheme, link.netloc, link.path) == ("https", "prom.example", "/graph")
    assert parse_qs(link.query)["g0.expr"] == [chart.query]


def test_alerts_are_spans_of_firing(server: PrometheusStandIn) -> None:
    outcome, (alert,) = ask(collector(server), "alerts")
    assert (outcome.status, alert.type, alert.level) == (Status.COMPLETE, EvidenceType.ALERT, Level.ERROR)
    assert (alert.first_at, alert.last_at) == (at("06:38:00"), at("06:46:35"))
    assert alert.payload["alertname"] == "CheckoutErrorRateHigh"
    assert (alert.payload["state"], alert.payload["ongoing"]) == ("firing", False)


def test_an_alert_that_fires_twice_is_two_spans_and_a_lone_pending_one_is_told(server: PrometheusStandIn) -> None:
    def flapping(moment: float) -> float | None:
        return 1.0 if (moment // 600) % 2 else None

    labels = {"__name__": "ALERTS", "alertname": "Flapping", "alertstate": "firing"}
    server.series = [
        Measured(labels, flapping),
        Measured({**labels, "alertname": "Slow", "alertstate": "pending"}, lambda _: 1.0),
    ]
    _, found = ask(collector(server), "alerts")
    assert [one.title for one in found].count("Flapping firing") >= 2
    (pending,) = [one for one in found if one.title == "Slow pending"]
    assert pending.level is Level.INFO
    assert (pending.payload["began_before"], pending.payload["ongoing"]) == (True, True)


HOUR = 3_600


def fired(server: PrometheusStandIn, begun: str, seconds: float, *more: tuple[str, float]) -> None:
    """One alert, firing for so many seconds from each of the times on."""
    stretches = [(at(clock).timestamp(), length) for clock, length in ((begun, seconds), *more)]

    def value(moment: float) -> float | None:
        return 1.0 if any(start <= moment <= start + length for start, length in stretches) else None

    server.series = [Measured({"__name__": "ALERTS", "alertname": "A", "alertstate": "firing"}, value)]


def keys_over(server: PrometheusStandIn, *ends: float) -> list[list[str]]:
    """The alerts' keys for windows from 11:30 on that end so many seconds after 12:00."""
    start, noon = at("11:30:00"), at("12:00:00")
    windows = [Window(start, noon + timedelta(seconds=seconds)) for seconds in ends]
    budget = Budget(deadline_seconds=8)
    return [[one.dedup_key for one in ask(collector(server), "alerts", window=w, budget=budget)[1]] for w in windows]


def test_an_alert_stays_the_same_while_the_window_grows(server: PrometheusStandIn) -> None:
    fired(server, "12:00:03", 600)
    first, *others = keys_over(server, *(minutes * 60 for minutes in (60, 90, 120, 180)))
    assert len(first) == 1
    assert others == [first] * 3


def test_an_alert_stays_the_same_where_the_window_asks_for_a_coarse_step(server: PrometheusStandIn) -> None:
    fired(server, "12:00:03", 3_000, ("14:01:01", 1_000))
    keys = keys_over(server, 3 * HOUR, 20 * HOUR, 60 * HOUR, 200 * HOUR)
    assert len(keys[0]) == 2
    assert keys == [keys[0]] * 4


def test_an_alert_from_before_the_window_stays_the_same_wherever_it_begins(server: PrometheusStandIn) -> None:
    fired(server, "10:00:00", 3 * HOUR)
    windows = [Window(at(start), at("12:30:00")) for start in ("11:30:00", "11:30:02", "11:45:00")]
    found = [ask(collector(server), "alerts", window=window)[1][0] for window in windows]
    assert {one.payload["began_before"] for one in found} == {True}
    assert len({one.dedup_key for one in found}) == 1


def test_a_start_that_cannot_be_looked_at_closer_is_told(server: PrometheusStandIn) -> None:
    fired(server, "12:00:03", 3_000)
    window = Window(at("11:30:00"), at("12:00:00") + timedelta(hours=60))
    outcome, found = ask(collector(server), "alerts", window=window, budget=Budget(deadline_seconds=8, requests=1))
    assert (outcome.status, len(found)) == (Status.COMPLETE, 1)
    assert outcome.warnings[0].startswith("Starts of alerts are known to 60 s only: ")


def test_no_answer_within_retention_is_empty(server: PrometheusStandIn) -> None:
    server.series = []
    server.retention = "500y"
    outcome, found = ask(collector(server), "cpu")
    assert (outcome.status, found) == (Status.EMPTY, [])
    assert outcome.covered_from == OUTAGE.start


def test_no_answer_from_before_retention_proves_nothing(server: PrometheusStandIn) -> None:
    server.series = []
    server.retention = "1s or 10GiB"
    window = Window(at("00:00:00").replace(year=2020), at("00:30:00").replace(year=2020))
    outcome, _ = ask(collector(server), "cpu", window=window)
    assert outcome.status is Status.GONE
    assert outcome.reason.endswith("the window lies before that.")


def test_no_answer_from_a_window_that_retention_reaches_into_is_partial(server: PrometheusStandIn) -> None:
    server.series = []
    server.retention = "365d"
    window = Window(at("00:00:00").replace(year=2020), at("00:00:00") + timedelta(days=3_000))
    outcome, _ = ask(collector(server), "cpu", window=window)
    assert (outcome.status, outcome.covered_to) == (Status.PARTIAL, window.end)


def test_warnings_of_the_server_make_it_partial(server: PrometheusStandIn) -> None:
    server.warnings = ["remote read of store-2 failed"]
    outcome, found = ask(collector(server), "cpu")
    assert (outcome.status, outcome.reason, len(found)) == (Status.PARTIAL, "remote read of store-2 failed", 1)


def test_values_that_are_no_numbers_become_null(server: PrometheusStandIn) -> None:
    odd = {0: math.nan, 1: math.inf, 2: -math.inf}
    server.series = [Measured({"job": "a"}, lambda moment: odd.get(int(moment // 15) % 4, 2.5))]
    _, (chart,) = ask(collector(server), "cpu")
    assert {value for _, value in chart.payload["series"][0]["points"]} == {None, 2.5}
    assert chart.payload["peak"]["value"] == 2.5


def test_more_series_than_the_budget_are_dropped_and_counted(server: PrometheusStandIn) -> None:
    server.series = [Measured({"pod": f"p{n:02}"}, lambda _, n=n: float(n)) for n in range(30)]
    outcome, (chart,) = ask(collector(server), "cpu", budget=Budget(deadline_seconds=5, series=5))
    assert (outcome.status, outcome.truncated_by, outcome.dropped) == (Status.TRUNCATED, "series", 25)
    assert [one["labels"]["pod"] for one in chart.payload["series"]] == ["p29", "p28", "p27", "p26", "p25"]
    assert (chart.payload["dropped_series"], chart.flags) == (25, {"truncated": True})


def test_a_long_window_gets_a_step_that_the_server_accepts(server: PrometheusStandIn) -> None:
    window = Window(at("00:00:00").replace(month=1), at("00:00:00"))
    outcome, (chart,) = ask(collector(server), "cpu", window=window, budget=Budget(deadline_seconds=20))
    assert outcome.status is Status.COMPLETE
    assert len(chart.payload["series"][0]["points"]) <= 1_000


def test_a_failing_baseline_costs_a_warning_and_not_the_chart(server: PrometheusStandIn) -> None:
    collecting = collector(server)
    (query,) = [one for one in collecting.plan(SHOP, OUTAGE) if one.name == "cpu"]
    found: list[Any] = []
    outcome = collecting.collect(query, OUTAGE, Budget(deadline_seconds=5, requests=1), found.extend)
    assert outcome.status is Status.COMPLETE
    assert outcome.warnings[0].startswith("No baseline: ")
    assert found[0].payload["baseline"] == []


@pytest.mark.parametrize(
    ("fault", "status", "retryable"),
    [
        ("400", Status.INVALID_QUERY, False),
        ("401", Status.UNAUTHENTICATED, False),
        ("403", Status.DENIED, False),
        ("404", Status.NOT_INSTALLED, False),
        ("422", Status.INVALID_QUERY, False),
        ("429", Status.THROTTLED, True),
        ("500", Status.ERROR, True),
        ("503", Status.TIMEOUT, True),
        ("hang", Status.TIMEOUT, True),
        ("huge", Status.TRUNCATED, False),
        ("cut", Status.ERROR, True),
        ("garbage", Status.ERROR, False),
    ],
)
def test_each_failure_has_its_outcome(server: PrometheusStandIn, fault: str, status: Status, retryable: bool) -> None:
    server.fault("/api/v1/query_range", fault, retry_after="60")
    budget = Budget(deadline_seconds=0.8, bytes=1024 * 1024)
    outcome, found = ask(collector(server), "cpu", budget=budget)
    assert (outcome.status, outcome.retryable, found) == (status, retryable, [])
    assert outcome.reason


def test_a_malformed_query_is_told_in_the_servers_words(server: PrometheusStandIn) -> None:
    server.fault("/api/v1/query_range", 400)
    outcome, _ = ask(collector(server), "cpu")
    assert "parse error: unclosed left parenthesis" in outcome.reason
    assert outcome.remedy == "Correct the query in this source's settings."


def test_queries_of_ones_own_replace_the_default_set(server: PrometheusStandIn) -> None:
    own = [{"name": "up", "title": "Up", "expr": 'up{job=~"{services}"}', "unit": ""}, {"name": "bad"}, "nonsense"]
    collecting = collector(server, queries=own)
    assert [query.name for query in collecting.plan(SHOP, OUTAGE)] == ["up", "bad", "query_3"]
    assert ask(collecting, "up")[0].status is Status.COMPLETE
    outcome, _ = ask(collecting, "bad")
    assert (outcome.status, outcome.reason) == (
        Status.INVALID_QUERY,
        "query bad: expr: expected 1 to 4,000 characters",
    )


def test_placeholders_match_the_scope_and_everything_without_one() -> None:
    scope = Scope(namespaces=("shop", "pay.eu"), workloads=(Workload("Deployment", "shop", "checkout"),))
    assert filled_in('x{namespace=~"{namespaces}",job=~"{services}"}', scope) == (
        'x{namespace=~"(shop|pay[.]eu)",job=~"checkout"}'
    )
    assert filled_in('x{namespace=~"{namespaces}"}', Scope()) == 'x{namespace=~".*"}'


@pytest.mark.parametrize("name", ['a"} or vector(1) #', "a\\", "a'b", "a`b", "a\nb", "a|b", "(a", "ä", "{range}"])
def test_a_name_cannot_leave_its_matcher(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_/\[\].-]*(\\\\x\{[0-9A-F]+\}[A-Za-z0-9_/\[\].-]*)*", regexp_of([name]))


def test_a_preflight_tells_the_version(server: PrometheusStandIn) -> None:
    checks = {check.name: check for check in collector(server).preflight()}
    assert all(check.ok for check in checks.values())
    assert checks["version"].detail == "2.53.3"


@pytest.mark.parametrize(("fault", "name"), [("401", "authenticated"), ("500", "reachable"), ("garbage", "reachable")])
def test_a_preflight_says_what_does_not_hold(fault: str, name: str) -> None:
    with PrometheusStandIn() as server:
        server.fault("/api/v1/status", fault)
        failing = [check for check in collector(server).preflight() if not check.ok]
    assert [check.name for check in failing] == [name]


def test_credentials_stay_out_of_outcomes_and_evidence() -> None:
    with PrometheusStandIn(bearer="plain-credential") as server:
        connection = Connection(name="p", url=server.url, auth={"bearer": "plain-credential"}, allow_private=True)
        good = ask(PrometheusCollector(connection), "cpu")
        server.bearer = "another"
        bad = ask(PrometheusCollector(connection), "cpu")
    assert (good[0].status, bad[0].status) == (Status.COMPLETE, Status.UNAUTHENTICATED)
    assert "plain-credential" not in written(good[0], *good[1], bad[0])
