"""The collector against the real Prometheus of this machine, scraping itself."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from telemetry.collectors.prometheus import PrometheusCollector
from telemetry.observations import Budget, Connection, Scope, Status, Window
from tests.telemetry.collectors.asking import ask

pytestmark = pytest.mark.real_server("prometheus")

CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: itself
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
RULES = """
groups:
  - name: one
    rules:
      - alert: AlwaysThere
        expr: up == 1
        labels: {severity: critical}
"""
OWN = [
    {"name": "up", "title": "Up", "expr": 'up{job=~"{services}"}', "unit": ""},
    {"name": "none", "title": "None", "expr": "no_such_metric", "unit": ""},
    {"name": "wrong", "title": "Wrong", "expr": "sum(", "unit": ""},
    {"name": "odd", "title": "Odd", "expr": "up * NaN", "unit": ""},
    {"name": "alerts", "title": "Alerts", "expr": 'ALERTS{namespace=~"{namespaces}|"}', "unit": ""},
]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    port = free_port()
    (folder / "rules.yml").write_text(RULES)
    (folder / "prometheus.yml").write_text(CONFIG.format(port=port, rules=folder / "rules.yml"))
    with start(folder, port) as process:
        address = f"http://127.0.0.1:{port}"
        try:
            wait_until_it_has_scraped(address, process)
            yield address
        finally:
            process.terminate()
            process.wait(20)


def start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    program = shutil.which("prometheus")
    assert program is not None, "prometheus: expected on the PATH; `make test` installs it on Debian and Ubuntu"
    flags = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": folder / "data",
        "web.listen-address": f"127.0.0.1:{port}",
        "log.level": "error",
    }
    return subprocess.Popen([program, *(f"--{name}={value}" for name, value in flags.items())])


def wait_until_it_has_scraped(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, "prometheus ended before it answered"
        try:
            answer = httpx.get(f"{address}/api/v1/query", params={"query": "count_over_time(ALERTS[1m]) > 0"})
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        if answer.is_success and answer.json()["data"]["result"]:
            return
        time.sleep(0.1)
    raise AssertionError("prometheus did not scrape itself within 30 s")


def collector(url: str) -> PrometheusCollector:
    options = {"queries": OWN, "scrape_seconds": 1}
    return PrometheusCollector(Connection(name="p", url=url, allow_private=True, options=options))


def window() -> Window:
    # Far enough ahead that a step of the coarsest grid (5 s) lies after the first sample.
    end = datetime.now(UTC) + timedelta(seconds=6)
    return Window(end - timedelta(minutes=2), end)


def test_its_own_series_come_as_a_chart(url: str) -> None:
    outcome, (chart,) = ask(
        collector(url), "up", window=window(), scope=Scope(services=("itself",)), budget=Budget(deadline_seconds=10)
    )
    assert outcome.status is Status.COMPLETE
    assert chart.payload["series"][0]["labels"]["job"] == "itself"
    assert {value for _, value in chart.payload["series"][0]["points"]} <= {0.0, 1.0}


def test_a_scope_with_odd_names_is_still_a_valid_query(url: str) -> None:
    scope = Scope(services=('a"} or vector(1) #', "b\\c", "d.e", "ö\n", "(("), namespaces=("x'y",))
    for name in ("up", "alerts"):
        outcome, _ = ask(collector(url), name, window=window(), scope=scope, budget=Budget(deadline_seconds=10))
        assert outcome.status in {Status.EMPTY, Status.COMPLETE}


def test_nothing_found_is_empty(url: str) -> None:
    outcome, found = ask(collector(url), "none", window=window(), budget=Budget(deadline_seconds=10))
    assert (outcome.status, found) == (Status.EMPTY, [])


def test_a_malformed_query_is_invalid(url: str) -> None:
    outcome, _ = ask(collector(url), "wrong", window=window(), budget=Budget(deadline_seconds=10))
    assert outcome.status is Status.INVALID_QUERY
    assert "parse error" in outcome.reason


def test_not_a_number_is_null(url: str) -> None:
    _, (chart,) = ask(collector(url), "odd", window=window(), budget=Budget(deadline_seconds=10))
    assert {value for _, value in chart.payload["series"][0]["points"]} == {None}
    assert chart.payload["peak"] is None


def test_firing_alerts_come_as_spans(url: str) -> None:
    _, (alert,) = ask(collector(url), "alerts", window=window(), budget=Budget(deadline_seconds=10))
    assert (alert.payload["alertname"], alert.payload["state"]) == ("AlwaysThere", "firing")


def test_every_default_query_is_one_that_prometheus_understands(url: str) -> None:
    collecting = PrometheusCollector(Connection(name="p", url=url, allow_private=True))
    scope = Scope(namespaces=("shop",), services=("checkout",))
    for query in collecting.plan(scope, window()):
        outcome, _ = ask(collecting, query.name, scope=scope, window=window(), budget=Budget(deadline_seconds=10))
        assert outcome.status in {Status.EMPTY, Status.COMPLETE}, (query.name, outcome.reason)


def test_a_preflight_holds(url: str) -> None:
    assert all(check.ok for check in collector(url).preflight())
