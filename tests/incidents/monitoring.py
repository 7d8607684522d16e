"""A small monitored shop: one figure that a test turns up and down, and the real servers around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests import running, system
from tests.stand_ins.server import Asked, Reply, StandIn

SCRAPE = """
global: {{scrape_interval: 1s, {more}}}
scrape_configs:
  - job_name: checkout
    static_configs: [{{targets: ["{target}"], labels: {{namespace: shop}}}}]
"""
RULES = """
groups:
  - name: shop
    interval: 1s
    rules:
      - alert: CheckoutErrors
        expr: sum by (namespace, job) (checkout_errors) > 10
        labels: {severity: critical, service: checkout}
        annotations: {summary: "Checkout answers 503"}
"""
ALERTING = """
rule_files: [{rules}]
alerting:
  alertmanagers:
    - static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
ROUTES = """
route: {{receiver: debrief, group_by: [alertname], group_wait: 100ms, group_interval: 1s, repeat_interval: 1h}}
receivers:
  - name: debrief
    webhook_configs:
      - url: {hook}
        send_resolved: true
        http_config: {{authorization: {{type: Bearer, credentials: {token}}}}}
"""


class Shop(StandIn):
    """What is scraped; it stands in for an application, not for a server that Debrief asks."""

    errors = 0

    def answer(self, asked: Asked) -> Reply:
        return Reply(200, f"checkout_errors {self.errors}\n".encode(), content_type="text/plain; version=0.0.4")


@dataclass
class Monitoring:
    """Addresses of the servers, and the shop that they look at."""

    shop: Shop
    folder: Path
    environment: dict[str, str]
    prometheus: str = ""
    alertmanager: str = ""
    victoriametrics: str = ""
    stack: ExitStack = field(default_factory=ExitStack)

    def start(self, name: str, port: int, flags: dict[str, object], ready: str) -> str:
        program = system.program(name)
        assert program, f"{name}: expected on the PATH; `make test` installs it on Debian and Ubuntu"
        log, address = self.folder / f"{name}.log", f"http://127.0.0.1:{port}"
        command = [program, *(f"--{flag}={value}" for flag, value in flags.items())]
        child = self.stack.enter_context(running.process(command, environment=self.environment, log=log))

        def answers() -> bool:
            assert child.poll() is None, log.read_text()
            try:
                return httpx.get(f"{address}{ready}").is_success
            except httpx.TransportError:
                return False

        running.wait_for(answers, name)
        return address


@contextmanager
def monitoring(folder: Path, environment: dict[str, str], *, hook: str, token: str) -> Iterator[Monitoring]:
    """Debian's Prometheus, Alertmanager and VictoriaMetrics; alerts go to `hook`."""
    ports = [running.free_port() for _ in range(3)]
    with Shop() as shop:
        found = Monitoring(shop, folder, environment)
        target = shop.url.removeprefix("http://")
        (folder / "rules.yml").write_text(RULES)
        alerting = ALERTING.format(rules=folder / "rules.yml", port=ports[0])
        scrape = SCRAPE.format(target=target, more="evaluation_interval: 1s")
        (folder / "prometheus.yml").write_text(scrape + alerting)
        (folder / "victoria.yml").write_text(SCRAPE.format(target=target, more="scrape_timeout: 1s"))
        (folder / "routes.yml").write_text(ROUTES.format(hook=hook, token=token))
        with found.stack:
            found.alertmanager = found.start(
                "prometheus-alertmanager",
                ports[0],
                {
                    "config.file": folder / "routes.yml",
                    "storage.path": folder / "alerts",
                    "web.listen-address": f"127.0.0.1:{ports[0]}",
                    "cluster.listen-address": "",
                    "log.level": "warn",
                },
                "/-/ready",
            )
            found.victoriametrics = found.start(
                "victoria-metrics",
                ports[1],
                {
                    "storageDataPath": folder / "victoria",
                    "httpListenAddr": f"127.0.0.1:{ports[1]}",
                    "promscrape.config": folder / "victoria.yml",
                    "search.latencyOffset": "0s",
                    "retentionPeriod": "1d",
                    "loggerLevel": "ERROR",
                },
                "/health",
            )
            found.prometheus = found.start(
                "prometheus",
                ports[2],
                {
                    "config.file": folder / "prometheus.yml",
                    "storage.tsdb.path": folder / "prometheus",
                    "web.listen-address": f"127.0.0.1:{ports[2]}",
                    "log.level": "warn",
                },
                "/-/ready",
            )
            yield found
