"""Servers that speak Prometheus's API: the real VictoriaMetrics of this machine, and what Thanos and Mimir document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from telemetry.collectors.prometheus.mimir import MimirCollector
from telemetry.collectors.prometheus.thanos import ThanosCollector
from telemetry.collectors.prometheus.victoriametrics import VictoriaMetricsCollector
from telemetry.observations import Budget, Connection, Scope, Status, Window
from tests import running, system
from tests.stand_ins.prometheus import PrometheusStandIn, failure
from tests.stand_ins.server import Asked, Reply
from tests.telemetry.collectors.asking import ask

PATIENT = Budget(deadline_seconds=10)
OWN = [
    {"name": "errors", "title": "Errors", "expr": 'errors{namespace=~"{namespaces}"}'},
    {"name": "none", "title": "None", "expr": "no_such_metric"},
    {"name": "wrong", "title": "Wrong", "expr": "sum("},
]


def connection(url: str, **more: Any) -> Connection:
    return Connection(name="p", url=url, allow_private=True, options={"queries": OWN, "scrape_seconds": 1}, **more)


@pytest.fixture(scope="module")
def victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """With one series of now, and a retention of one day."""
    folder, port = tmp_path_factory.mktemp("victoria"), running.free_port()
    flags = {"storageDataPath": folder / "data", "httpListenAddr": f"127.0.0.1:{port}", "retentionPeriod": "1d"}
    flags |= {"search.latencyOffset": "0s", "loggerLevel": "ERROR"}
    command = [str(system.program("victoria-metrics")), *(f"--{name}={value}" for name, value in flags.items())]
    with running.process(command, environment={}, log=folder / "log") as child:
        url = f"http://127.0.0.1:{port}"

        def stored() -> bool:
            assert child.poll() is None, (folder / "log").read_text()
            try:
                httpx.post(f"{url}/api/v1/import/prometheus", content=b'errors{namespace="shop"} 3\n')
                httpx.get(f"{url}/internal/force_flush")
                return b'"values"' in httpx.get(f"{url}/api/v1/query_range", params=asked_now()).content
            except httpx.TransportError:
                return False

        running.wait_for(stored, "VictoriaMetrics")
        yield url


def asked_now() -> dict[str, Any]:
    now = datetime.now(UTC).timestamp()
    return {"query": "errors", "start": now - 60, "end": now + 5, "step": 1, "nocache": 1}


def now() -> Window:
    end = datetime.now(UTC) + timedelta(seconds=5)
    return Window(end - timedelta(minutes=2), end)


@pytest.mark.real_server("victoria-metrics")
class TestVictoriaMetrics:
    def test_its_series_come_as_a_chart_with_a_link_to_its_own_page(self, victoria: str) -> None:
        collector = VictoriaMetricsCollector(connection(victoria))
        scope = Scope(namespaces=("shop",))
        outcome, (chart,) = ask(collector, "errors", scope=scope, window=now(), budget=PATIENT)
        assert outcome.status is Status.COMPLETE
        assert chart.payload["peak"]["value"] == 3.0
        assert chart.links[0]["url"].startswith(f"{victoria}/vmui/#/?g0.expr=errors")

    def test_a_query_that_it_cannot_read_names_its_words(self, victoria: str) -> None:
        outcome, _ = ask(VictoriaMetricsCollector(connection(victoria)), "wrong", window=now(), budget=PATIENT)
        assert outcome.status is Status.INVALID_QUERY
        assert outcome.remedy.startswith("Correct the query")

    def test_silence_within_its_retention_is_empty_and_before_it_gone(self, victoria: str) -> None:
        collector = VictoriaMetricsCollector(connection(victoria))
        assert ask(collector, "none", window=now(), budget=PATIENT)[0].status is Status.EMPTY
        long_ago = Window(now().start - timedelta(days=3), now().end - timedelta(days=3))
        outcome, _ = ask(collector, "none", window=long_ago, budget=PATIENT)
        assert outcome.status is Status.GONE
        assert "the window lies before that" in outcome.reason

    def test_the_preflight_holds(self, victoria: str) -> None:
        assert all(check.ok for check in VictoriaMetricsCollector(connection(victoria)).preflight())


class TenantStandIn(PrometheusStandIn):
    """Refuses what names no tenant, in Mimir's words."""

    def answer(self, asked: Asked) -> Reply:
        if not asked.headers.get("x-scope-orgid"):
            return Reply(401, b"no org id\n", content_type="text/plain")
        return super().answer(asked)


def test_mimir_without_a_tenant_says_which_header_is_missing() -> None:
    with TenantStandIn() as server:
        outcome, _ = ask(MimirCollector(connection(server.url)), "errors")
        assert outcome.status is Status.UNAUTHENTICATED
        assert "X-Scope-OrgID" in outcome.remedy
        (check,) = [check for check in MimirCollector(connection(server.url)).preflight() if not check.ok]
        assert (check.name, "X-Scope-OrgID" in check.remedy) == ("authenticated", True)
        outcome, _ = ask(MimirCollector(connection(server.url, headers={"X-Scope-OrgID": "shop|pay"})), "errors")
        assert outcome.status in {Status.COMPLETE, Status.EMPTY}


def test_limits_of_mimir_are_told_as_too_much() -> None:
    class Limited(PrometheusStandIn):
        def range(self, fields: dict[str, str]) -> Reply:
            words = "the query exceeded the maximum number of chunks (err-mimir-max-chunks-per-query)"
            return failure(422, "execution", words)

    with Limited() as server:
        outcome, _ = ask(MimirCollector(connection(server.url)), "errors")
    assert outcome.status is Status.INVALID_QUERY
    assert "err-mimir-max-chunks-per-query" in outcome.reason
    assert "fewer series" in outcome.remedy


def test_thanos_is_asked_for_partial_answers_and_its_warnings_make_them_partial() -> None:
    with PrometheusStandIn() as server:
        server.warnings = ["No StoreAPIs matched for this query"]
        outcome, _ = ask(ThanosCollector(connection(server.url)), "errors")
        sent = [asked.form for asked in server.requests if asked.path == "/api/v1/query_range"]
    assert outcome.status is Status.PARTIAL
    assert all((form["dedup"], form["partial_response"]) == ("true", "true") for form in sent)
