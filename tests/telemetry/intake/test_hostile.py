"""Whatever is pushed, by whatever name: an answer that is no 500, and nothing stored that pages cannot show."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.models import LogRecord, MetricPoint, MetricSeries, Span
from tests.builders import make_person, make_token
from tests.telemetry.fluent.bodies import FORMATS
from tests.telemetry.otlp.test_decode import make_logs, make_record, make_span, make_traces
from tests.telemetry.otlp.test_metrics import body, gauge, point

pytestmark = pytest.mark.django_db
TRIES = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
PATHS = st.sampled_from(["/v1/logs", "/v1/traces", "/v1/metrics", "/ingest/fluent/"])
TYPES = st.sampled_from(["application/json", "application/x-protobuf", "application/msgpack", "text/plain", "x", ""])
ENCODINGS = st.sampled_from(["", "gzip", "deflate", "zstd", "br", "identity"])
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["\x00", "\ud800", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "NaN", "1e400", "9" * 400, 1e308]
    ),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3),
)
VALID: dict[str, Any] = {
    "/v1/logs": make_logs(make_record(attributes=[{"key": "k", "value": {"stringValue": "v"}}])),
    "/v1/traces": make_traces(make_span()),
    "/v1/metrics": body(
        gauge(point(asDouble=1)),
        {"name": "h", "histogram": {"dataPoints": [point(count="3", explicitBounds=[1], bucketCounts=["1", "2"])]}},
    ),
    "/ingest/fluent/": json.loads(FORMATS["json"][1])[:1],
}


@pytest.fixture
def token(db: None) -> str:
    return make_token(make_person("ada"), "ingest")


def push(token: str, path: str, content: bytes, kind: str, encoding: str) -> None:
    headers = {"Authorization": f"Bearer {token}"} | ({"Content-Encoding": encoding} if encoding else {})
    answer: Any = Client().post(path, content, content_type=kind, headers=headers)
    assert answer.status_code in {200, 400, 413, 415}, answer.content
    assert answer.content or answer.status_code == 200
    _assert_shown()


def _assert_shown() -> None:
    """Read back as pages do; PostgreSQL itself holds no NUL."""
    for rows, at in ((LogRecord.objects, "at"), (Span.objects, "start_at"), (MetricPoint.objects, "at")):
        for row in rows.all():
            assert 1970 <= getattr(row, at).year <= 2100
    for model in (LogRecord, Span, MetricSeries, MetricPoint):
        for values in model.objects.values():
            json.dumps(values, default=str, allow_nan=False).encode()
    for model in (LogRecord, Span, MetricPoint, MetricSeries):
        model.objects.all().delete()


@TRIES
@given(path=PATHS, content=st.binary(max_size=120), kind=TYPES, encoding=ENCODINGS)
def test_arbitrary_bytes(token: str, path: str, content: bytes, kind: str, encoding: str) -> None:
    push(token, path, content, kind, encoding)


@TRIES
@given(
    path=PATHS,
    places=st.lists(st.integers(0, 10_000), min_size=1, max_size=3),
    odd=st.lists(ODD, min_size=3, max_size=3),
)
def test_valid_payloads_with_odd_values_in_odd_places(token: str, path: str, places: list[int], odd: list[Any]) -> None:
    whole = json.loads(json.dumps(VALID[path]))
    for place, value in zip(places, odd, strict=False):
        spots = list(_spots(whole))
        holder, key = spots[place % len(spots)]
        holder[key] = value
    push(token, path, json.dumps(whole).encode(), "application/json", "")


@TRIES
@given(
    name=st.sampled_from(sorted(FORMATS)),
    places=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 200),
)
def test_fluent_bodies_with_bytes_changed_and_cut(
    token: str, name: str, places: list[tuple[int, int]], cut: int
) -> None:
    kind, content = FORMATS[name]
    changed = bytearray(content[: len(content) - cut])
    for place, value in places:
        changed[place % len(changed)] = value
    push(token, "/ingest/fluent/", gzip.compress(bytes(changed), 1), kind or "x", "gzip")


def _spots(value: Any) -> Any:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(pairs):
        yield value, key
        yield from _spots(item)
