"""The OTLP intake of a real web process, pushed to by the real exporters and by hostile hands."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry._logs import LogRecord as Record
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import LogRecordExportResult, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, MetricExportResult
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from accounts.actions.tokens import revoke_token
from accounts.models import ApiToken
from telemetry.models import LogRecord, MetricPoint, MetricSeries, Span
from tests import database, system
from tests.builders import make_person, make_token

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.django_db(transaction=True)]
RESOURCE = Resource({"service.name": "checkout", "k8s.namespace.name": "shop"})
NPM = Path(__file__).parents[2] / "npm"


@pytest.fixture
def token(committed: None) -> str:
    return make_token(make_person("ada"), "ingest")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def exporter(web: str, token: str) -> Iterator[OTLPSpanExporter]:
    made = OTLPSpanExporter(f"{web}/v1/traces", headers=bearer(token), compression=Compression.Gzip)
    yield made
    made.shutdown()


def finished_spans(count: int = 3) -> list[Any]:
    """Spans that the real SDK made."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("tests")
    for place in range(count):
        with tracer.start_as_current_span(f"POST /checkout {place}") as span:
            span.set_attribute("db.statement", "password=hunter2-in-a-span")
    return list(kept.get_finished_spans())


def test_the_python_exporter_pushes_spans_as_compressed_protobuf_once(exporter: OTLPSpanExporter) -> None:
    spans = finished_spans()
    for _ in range(2):
        assert exporter.export(spans) is SpanExportResult.SUCCESS
    rows = list(Span.objects.order_by("start_at"))
    assert [row.name for row in rows] == [f"POST /checkout {place}" for place in range(3)]
    assert {(row.service, row.namespace) for row in rows} == {("checkout", "shop")}
    assert rows[0].trace_id == format(spans[0].context.trace_id, "032x")
    assert database.places_of("hunter2") == []


def test_the_python_exporter_pushes_logs(web: str, token: str) -> None:
    results = []

    class Watched(OTLPLogExporter):
        def export(self, batch: Any) -> LogRecordExportResult:
            results.append(super().export(batch))
            results.append(super().export(batch))
            return results[-1]

    exporter = Watched(f"{web}/v1/logs", headers=bearer(token), compression=Compression.Gzip)
    provider = LoggerProvider(resource=RESOURCE)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    at = int(datetime(2026, 11, 21, 6, 38, tzinfo=UTC).timestamp() * 1e9)
    record = Record(timestamp=at, severity_number=SeverityNumber.ERROR, body="dial tcp: token=hunter2-in-a-log")
    provider.get_logger("tests").emit(record)
    provider.shutdown()
    assert results == [LogRecordExportResult.SUCCESS] * 2
    row = LogRecord.objects.get()
    assert (row.service, row.severity_number, row.at) == ("checkout", 17, datetime(2026, 11, 21, 6, 38, tzinfo=UTC))
    assert "dial tcp" in row.body
    assert database.places_of("hunter2") == []


def test_the_python_exporter_pushes_metrics_once(web: str, token: str) -> None:
    reader = InMemoryMetricReader(preferred_temporality={Counter: AggregationTemporality.DELTA})
    views = [
        View(instrument_name="size", instrument_type=Histogram, aggregation=ExponentialBucketHistogramAggregation())
    ]
    provider = MeterProvider([reader], resource=RESOURCE, views=views, shutdown_on_exit=False)
    meter = provider.get_meter("tests")
    meter.create_counter("requests", unit="{request}").add(3, {"token": "hunter2-in-a-label"})
    meter.create_up_down_counter("queue").add(-2)
    for name in ("duration", "size"):
        meter.create_histogram(name, unit="s").record(0.3)
    told = reader.get_metrics_data()
    assert told is not None
    exporter = OTLPMetricExporter(f"{web}/v1/metrics", headers=bearer(token), compression=Compression.Gzip)
    for _ in range(2):
        assert exporter.export(told) is MetricExportResult.SUCCESS
    exporter.shutdown()
    provider.shutdown()
    rows = {row.name: row for row in MetricSeries.objects.all()}
    kinds = {"requests": ("counter", True), "queue": ("gauge", False)}
    kinds |= dict.fromkeys(("duration", "size"), ("histogram", False))
    assert {name: (row.kind, row.is_delta) for name, row in rows.items()} == kinds
    points = {point.series_id: point for point in MetricPoint.objects.all()}
    assert len(points) == 4
    assert (points[rows["requests"].pk].value, points[rows["queue"].pk].value) == (3.0, -2.0)
    (upper, *_) = points[rows["size"].pk].distribution["bounds"]
    assert upper == pytest.approx(0.3, rel=0.1)
    assert database.places_of("hunter2") == []


@pytest.fixture(scope="session")
def npm_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exporter of tests/npm, installed once into a cache directory under the name of its lock."""
    lock = (NPM / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "debrief-tests" / f"npm-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(NPM / name, folder / name)
        subprocess.run(
            [str(system.program("npm")), "ci", "--no-audit", "--no-fund", "--silent"],
            cwd=folder,
            check=True,
            timeout=150,
        )
        (folder / "complete").touch()
    return folder


@pytest.mark.real_server("node", "npm")
def test_the_npm_exporter_pushes_compressed_chunked_json(web: str, token: str, npm_packages: Path) -> None:
    script = shutil.copy(NPM / "send.mjs", npm_packages / "send.mjs")
    done = subprocess.run(
        [str(system.program("node")), str(script), web, token],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=npm_packages,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [{"code": 0, "error": ""}]
    row = Span.objects.get()
    assert (row.service, row.name, row.status_code) == ("basket", "GET /basket", 2)
    assert row.end_at - row.start_at == timedelta(milliseconds=250)
    assert database.places_of("hunter2") == []


JSON = {"Content-Type": "application/json"}
EMPTY = {"resourceSpans": []}


def send(web: str, token: str, content: Any, path: str = "/v1/traces", **headers: str) -> httpx.Response:
    named = JSON | bearer(token) | {name.replace("_", "-"): value for name, value in headers.items()}
    body = content if isinstance(content, bytes | Iterator) else json.dumps(content).encode()
    return httpx.post(web + path, content=body, headers=named, timeout=30)


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs", "/v1/metrics"])
def test_an_empty_request_is_a_success(web: str, token: str, path: str) -> None:
    for body in (b"{}", gzip.compress(b"{}")):
        headers = {"Content_Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}
        answer = send(web, token, body, path, **headers)
        assert (answer.status_code, answer.json()) == (200, {})
    protobuf = send(web, token, b"", path, Content_Type="application/x-protobuf")
    assert (protobuf.status_code, protobuf.content) == (200, b"")
    assert protobuf.headers["content-type"] == "application/x-protobuf"


def test_a_chunked_body_arrives_whole(web: str, token: str) -> None:
    span = {
        "traceId": "a" * 32,
        "spanId": "b" * 16,
        "name": "x" * 200,
        "startTimeUnixNano": "1795243080000000000",
        "endTimeUnixNano": "1795243081000000000",
    }
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    answer = send(web, token, iter([body[:50], body[50:120], body[120:]]))
    assert answer.status_code == 200
    assert Span.objects.get().span_id == "b" * 16


def test_refusals_say_what_was_expected_in_the_senders_own_type(web: str, token: str) -> None:
    bomb = gzip.compress(b"[" + b" " * (25 * 2**20))
    cases = {
        401: [send(web, "dbf_unknown", EMPTY), send(web, token, EMPTY, Authorization="Basic abc")],
        403: [
            send(web, make_token(make_person("ada"), "write"), EMPTY),
            send(web, make_token(make_person("cy"), "ingest"), EMPTY),
        ],
        413: [send(web, token, bomb, Content_Encoding="gzip"), send(web, token, b"x" * (21 * 2**20))],
        415: [send(web, token, b"<a/>", Content_Type="text/xml")],
        400: [
            send(web, token, b"{"),
            send(web, token, b"\xff\xff\xff", Content_Type="application/x-protobuf"),
            send(web, token, b"nonsense", Content_Encoding="gzip"),
        ],
    }
    for status, answers in cases.items():
        for answer in answers:
            assert answer.status_code == status, answer.text
            assert answer.content
            assert answer.headers["content-type"] in {"application/json", "application/x-protobuf"}
    assert cases[401][0].headers["www-authenticate"].startswith("Bearer")
    assert not Span.objects.exists()
    assert httpx.get(f"{web}/v1/traces").status_code == 405


def test_a_revoked_token_and_one_that_has_expired_push_nothing(web: str, token: str) -> None:
    ada = make_person("ada")
    revoke_token(token=ApiToken.objects.get(), by=ada, now=datetime.now(UTC))
    expired = make_token(ada, "ingest", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    for secret in (token, expired):
        assert send(web, secret, EMPTY).status_code == 401


def test_one_bad_span_costs_itself_alone(web: str, token: str) -> None:
    good = {
        "traceId": "a" * 32,
        "spanId": "b" * 16,
        "name": "good",
        "startTimeUnixNano": "1795243080000000000",
        "endTimeUnixNano": "1795243081000000000",
    }
    answer = send(web, token, {"resourceSpans": [{"scopeSpans": [{"spans": [good, good | {"spanId": "zz"}]}]}]})
    assert answer.json()["partialSuccess"]["rejectedSpans"] in {1, "1"}
    assert Span.objects.get().name == "good"
