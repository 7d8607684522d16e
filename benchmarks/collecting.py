"""Declare → every outcome, with 12 sources answering in 0.2 to 2 s, through a real worker over the embedded broker.

The floor is the slowest source alone: asking in parallel cannot be faster than that.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.utils import timezone

from accounts.models import Role, User
from benchmarks.measure import Figure, figure
from incidents.actions.incident import declare_incident
from incidents.models import Severity
from telemetry.actions.source import save_source
from telemetry.models import Heartbeat, Source
from telemetry.observations import Budget, Scope, Window
from telemetry.registry import collector_for
from telemetry.tasks import beat

SLOWEST = 2.0
DELAYS = [0.2 + (SLOWEST - 0.2) * n / 11 for n in range(12)]
ANSWER = b'{"status":"success","data":{"resultType":"matrix","result":[]}}'


class _Slow(BaseHTTPRequestHandler):
    """A stand-in for a Prometheus that takes its time: the first part of the path says how many milliseconds."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        time.sleep(int(self.path.split("/")[1]) / 1000)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        return


def figures() -> list[Figure]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = [sys.executable, "-m", "celery", "--app", "config", "--quiet", "worker", "--pool", "prefork"]
    command += ["--concurrency", "14", "--without-gossip", "--without-mingle", "--loglevel", "ERROR"]
    worker = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return [_measure(server.server_address[1])]
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
        server.shutdown()


def _measure(port: int) -> Figure:
    admin = User.objects.get(role=Role.ADMIN)
    options = {
        "queries": [{"name": "one", "title": "One", "expr": "up", "unit": ""}],
        "scrape_seconds": 15,
        "alerts": False,
    }
    for place, delay in enumerate(DELAYS):
        url = f"http://127.0.0.1:{port}/{round(delay * 1000)}"
        source = save_source(
            kind="prometheus",
            name=f"slow {place}",
            url=url,
            allow_private=True,
            options=options,
            by=admin,
            now=timezone.now(),
        )
    _await_worker()
    taken = [_declare(admin, place) for place in range(3)]
    slowest = _slowest_alone(source)
    name = "declare → 12 outcomes / slowest source alone"
    return figure(name, value=sorted(taken)[1], floor=slowest, unit="s", aim=1.3)


def _slowest_alone(source: Source) -> float:
    """The slowest source asked by itself, in this process: its own requests one after the other, nothing else."""
    now = timezone.now()
    window = Window(now - timedelta(minutes=30), now)
    collector = collector_for(source.kind)(source.connection())
    taken = 0.0
    for query in collector.plan(Scope(), window):
        start = time.perf_counter()
        outcome = collector.collect(query, window, Budget(), lambda batch: None)
        assert outcome.status in {"complete", "empty"}, outcome
        taken = max(taken, time.perf_counter() - start)
    return taken


def _await_worker() -> None:
    beat.delay()
    until = time.monotonic() + 30
    while not Heartbeat.objects.exists():
        assert time.monotonic() < until, "the worker did not start"
        time.sleep(0.05)


def _declare(admin: User, place: int) -> float:
    start = time.perf_counter()
    incident = declare_incident(
        title=f"Measured {place}", severity=Severity.objects.get(rank=4), by=admin, now=timezone.now()
    )
    asked = incident.runs.count()
    while incident.collections.filter(finished_at=None).exists():
        assert time.perf_counter() - start < 60, "the collection did not finish"
        time.sleep(0.02)
    taken = time.perf_counter() - start
    assert asked >= len(DELAYS), asked
    assert not incident.runs.exclude(status__in=["complete", "empty"]).exists(), list(
        incident.runs.values_list("status", "reason")
    )
    return taken
