"""100,000 rows pushed over HTTP through a real web process by each way in, beside COPY of the very same rows.

The floor is what the finished rows cost alone: COPY of their text into the same table with the same indexes, a
thousand in a transaction. Afterwards the same again with the web process killed twice on the way, while the sender
retries: every row is there, none twice.
"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import random
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack
from django.db import connection
from django.utils import timezone
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from accounts.actions.tokens import create_token
from accounts.models import ApiToken, Role, User
from benchmarks.measure import Figure, figure
from tests import running

NUMBER, BATCH, SENDERS = 100_000, 1_000, 2
START = 1_795_242_000_123_456_000
KILLS = 2
# At least a quarter of COPY's rate.
AIM = 4.0
TABLES = ("telemetry_logrecord", "telemetry_span", "telemetry_metricpoint", "telemetry_metricseries")


@dataclass(frozen=True, slots=True)
class Way:
    name: str
    path: str
    content_type: str
    table: str
    body: Callable[[random.Random, int], bytes]


def figures() -> list[Figure]:
    ada, _ = User.objects.get_or_create(username="ada", defaults={"email": "ada@example.org", "role": Role.RESPONDER})
    scopes = [ApiToken.Scope.INGEST.value]
    _, token = create_token(user=ada, name="measured", scopes=scopes, now=timezone.now())
    found = []
    for way in WAYS:
        chance = random.Random(7)
        bodies = [gzip.compress(way.body(chance, place), 1) for place in range(NUMBER // BATCH)]
        with tempfile.TemporaryDirectory() as folder, _web(Path(folder)) as web:
            ours = min(_push(way, bodies, web, token) for _ in range(2))
            floor = min(_copied(way) for _ in range(2))
            _push(way, bodies, web, token, kills=KILLS)
        name = f"{way.name}: {NUMBER // 1_000},000 rows over HTTP / COPY of the same"
        found.append(figure(name, value=ours, floor=floor, unit="s", aim=AIM))
    _empty()
    return found


class _Web:
    """A web process that can be killed; the next one listens at the same address."""

    def __init__(self, log: Path) -> None:
        self.port, self._log = running.free_port(), log
        self._child: Any = None

    def start(self) -> None:
        self._child = running.process(
            running.web_command(self.port), environment={**os.environ, "PORT": str(self.port)}, log=self._log
        )
        self._child.__enter__()

    def kill(self) -> None:
        self._child.__exit__(None, None, None)


@contextmanager
def _web(folder: Path) -> Iterator[_Web]:
    web = _Web(folder / "web.log")
    web.start()
    try:
        yield web
    finally:
        web.kill()


def _empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(TABLES)}")
        cursor.execute("CHECKPOINT")


def _push(way: Way, bodies: list[bytes], web: _Web, token: str, *, kills: int = 0) -> float:
    """Seconds from the first request to the last answer; raises unless every row is there once."""
    _empty()
    waiting = list(enumerate(bodies))[::-1]
    sent = threading.Semaphore(0)
    senders = [threading.Thread(target=_send, args=(way, waiting, web.port, token, sent)) for _ in range(SENDERS)]
    _send(way, [], web.port, token, sent, wait=True)
    start = time.perf_counter()
    for thread in senders:
        thread.start()
    for _ in range(kills):
        for _ in range(len(bodies) // (kills + 2)):
            sent.acquire()
        web.kill()
        web.start()
    for thread in senders:
        thread.join()
    taken = time.perf_counter() - start
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {way.table}")
        (there,) = cursor.fetchone()
    if there != NUMBER:
        raise RuntimeError(f"{way.name}: {there:,} rows of {NUMBER:,} with {kills} kills")
    return taken


def _send(
    way: Way, waiting: list[tuple[int, bytes]], port: int, token: str, sent: threading.Semaphore, wait: bool = False
) -> None:
    """As an exporter: one request after the other, each again until it is answered with 200."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": way.content_type, "Content-Encoding": "gzip"}
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    empty = gzip.compress(b"" if "protobuf" in way.content_type else b"[]" if "fluent" in way.path else b"{}")
    until = time.monotonic() + 120
    while waiting or wait:
        _, body = waiting.pop() if waiting else (0, empty)
        while True:
            assert time.monotonic() < until
            try:
                line.request("POST", way.path, body, headers)
                answer = line.getresponse()
                told = answer.read()
            except (OSError, http.client.HTTPException):
                line.close()
                time.sleep(0.05)
                continue
            if answer.status == 200:
                break
            if answer.status != 503:
                raise RuntimeError(f"{way.path} answered {answer.status}: {told[:200]!r}")
            time.sleep(0.2)
        if wait:
            return
        sent.release()
    line.close()


def _copied(way: Way) -> float:
    """The rows that are there, out as text and in again."""
    connection.ensure_connection()
    plain = connection.connection
    with plain.cursor() as cursor:
        with cursor.copy(f"COPY {way.table} TO STDOUT") as out:
            lines = b"".join(bytes(piece) for piece in out).splitlines(keepends=True)
        cursor.execute(f"TRUNCATE {way.table}")
        cursor.execute("CHECKPOINT")
        start = time.perf_counter()
        for place in range(0, len(lines), BATCH):
            with plain.transaction(), cursor.copy(f"COPY {way.table} FROM STDIN") as into:
                into.write(b"".join(lines[place : place + BATCH]))
        return time.perf_counter() - start


def _words(chance: random.Random, place: int) -> str:
    return (
        f"GET /api/orders/{chance.randrange(10**6)} finished with {chance.choice((200, 201, 404, 503))}"
        f" in {chance.randrange(900)} ms for customer {place}"
    )


def _resource(resource: Any) -> None:
    for key, value in (
        ("service.name", "checkout"),
        ("service.version", "1.4.2"),
        ("k8s.namespace.name", "shop"),
        ("k8s.pod.name", "checkout-5bbc75684d-flwhw"),
        ("k8s.container.name", "app"),
    ):
        resource.attributes.add(key=key).value.string_value = value


def _attributes(owner: Any, chance: random.Random) -> None:
    owner.attributes.add(key="http.method").value.string_value = "GET"
    owner.attributes.add(key="http.status_code").value.int_value = 200
    owner.attributes.add(key="order.id").value.string_value = f"{chance.getrandbits(48):012x}"
    owner.attributes.add(key="thread.name").value.string_value = f"worker-{chance.randrange(16)}"


def _times(batch: int) -> Iterator[tuple[int, int]]:
    return ((place, START + (batch * BATCH + place) * 1_000_000) for place in range(BATCH))


def _otlp_logs(chance: random.Random, batch: int) -> bytes:
    request = logs_service_pb2.ExportLogsServiceRequest()
    group = request.resource_logs.add()
    _resource(group.resource)
    scope = group.scope_logs.add()
    for place, at in _times(batch):
        record = scope.log_records.add(time_unix_nano=at, severity_number=9, severity_text="INFO")
        record.body.string_value = _words(chance, place)
        record.trace_id, record.span_id = chance.randbytes(16), chance.randbytes(8)
        _attributes(record, chance)
    return bytes(request.SerializeToString())


def _otlp_json_logs(chance: random.Random, batch: int) -> bytes:
    def attribute(key: str, value: str) -> dict[str, Any]:
        return {"key": key, "value": {"stringValue": value}}

    records = [
        {
            "timeUnixNano": str(at),
            "severityNumber": 9,
            "severityText": "INFO",
            "body": {"stringValue": _words(chance, place)},
            "traceId": chance.randbytes(16).hex(),
            "spanId": chance.randbytes(8).hex(),
            "attributes": [
                attribute("http.method", "GET"),
                {"key": "http.status_code", "value": {"intValue": "200"}},
                attribute("order.id", f"{chance.getrandbits(48):012x}"),
                attribute("thread.name", f"worker-{chance.randrange(16)}"),
            ],
        }
        for place, at in _times(batch)
    ]
    resource = {"attributes": [attribute("service.name", "checkout"), attribute("k8s.namespace.name", "shop")]}
    return json.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}).encode()


def _otlp_spans(chance: random.Random, batch: int) -> bytes:
    request = trace_service_pb2.ExportTraceServiceRequest()
    group = request.resource_spans.add()
    _resource(group.resource)
    scope = group.scope_spans.add()
    for _, at in _times(batch):
        span = scope.spans.add(
            name="GET /api/orders/{id}", kind=2, start_time_unix_nano=at, end_time_unix_nano=at + 5_000_000
        )
        span.trace_id, span.span_id, span.parent_span_id = (chance.randbytes(size) for size in (16, 8, 8))
        _attributes(span, chance)
    return bytes(request.SerializeToString())


def _otlp_metrics(chance: random.Random, batch: int) -> bytes:
    """A thousand series, told once in each request: gauges, counters, histograms."""
    request = metrics_service_pb2.ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    _resource(group.resource)
    scope = group.scope_metrics.add()
    at = START + batch * 15 * 10**9
    for number in range(10):
        gauge = scope.metrics.add(name=f"pool.used.{number}", unit="1").gauge
        counter = scope.metrics.add(name=f"requests.{number}", unit="1").sum
        counter.is_monotonic, counter.aggregation_temporality = True, 2
        histogram = scope.metrics.add(name=f"duration.{number}", unit="s").histogram
        histogram.aggregation_temporality = 2
        for place in range(40):
            _labelled(gauge.data_points.add(time_unix_nano=at, as_double=chance.random() * 100), place)
            _labelled(counter.data_points.add(time_unix_nano=at, as_int=batch * 100 + place), place)
        for place in range(20):
            point = histogram.data_points.add(time_unix_nano=at, count=batch * 6, sum=batch * 0.6)
            point.explicit_bounds.extend((0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0))
            point.bucket_counts.extend([batch] * 8)
            _labelled(point, place)
    return bytes(request.SerializeToString())


def _labelled(point: Any, place: int) -> None:
    point.attributes.add(key="route").value.string_value = f"/api/{place}"
    point.attributes.add(key="method").value.string_value = "GET"


def _fluent(chance: random.Random, batch: int) -> Iterator[tuple[int, dict[str, Any]]]:
    for place, at in _times(batch):
        yield (
            at,
            {
                "log": _words(chance, place) + "\n",
                "stream": "stdout",
                "level": "info",
                "order_id": f"{chance.getrandbits(48):012x}",
                "kubernetes": {
                    "pod_name": "checkout-5bbc75684d-flwhw",
                    "namespace_name": "shop",
                    "container_name": "app",
                    "host": "node-2",
                    "labels": {"app.kubernetes.io/name": "checkout", "pod-template-hash": "5bbc75684d"},
                },
            },
        )


def _fluent_lines(chance: random.Random, batch: int) -> bytes:
    return b"\n".join(json.dumps({"date": at / 1e9, **record}).encode() for at, record in _fluent(chance, batch))


def _fluent_msgpack(chance: random.Random, batch: int) -> bytes:
    return b"".join(
        msgpack.packb([msgpack.ExtType(0, struct.pack(">II", *divmod(at, 10**9))), record])
        for at, record in _fluent(chance, batch)
    )


PROTOBUF = "application/x-protobuf"
WAYS = (
    Way("OTLP logs", "/v1/logs", PROTOBUF, TABLES[0], _otlp_logs),
    Way("OTLP logs as JSON", "/v1/logs", "application/json", TABLES[0], _otlp_json_logs),
    Way("OTLP spans", "/v1/traces", PROTOBUF, TABLES[1], _otlp_spans),
    Way("OTLP metrics", "/v1/metrics", PROTOBUF, TABLES[2], _otlp_metrics),
    Way("Fluent Bit lines of JSON", "/ingest/fluent/", "application/x-ndjson", TABLES[0], _fluent_lines),
    Way("Fluent Bit msgpack", "/ingest/fluent/", "application/msgpack", TABLES[0], _fluent_msgpack),
)
