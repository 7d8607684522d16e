"""OTLP bodies as real exporters and hostile senders write them."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from telemetry.otlp import decode
from telemetry.otlp.decode import JSON, PROTOBUF, BadPayload, PayloadTooLarge, decode_logs, decode_traces, decompress

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
START = 1_795_242_000_123_456_789


def make_span(**overrides: Any) -> dict[str, Any]:
    span = {
        "traceId": TRACE,
        "spanId": SPAN,
        "parentSpanId": "",
        "name": "POST /checkout",
        "kind": 2,
        "startTimeUnixNano": str(START),
        "endTimeUnixNano": str(START + 5_001_000_000),
        "attributes": [{"key": "http.response.status_code", "value": {"intValue": "503"}}],
        "status": {"code": 2, "message": "i/o timeout"},
    }
    return span | overrides


def make_traces(*spans: dict[str, Any]) -> dict[str, Any]:
    service = [{"key": "service.name", "value": {"stringValue": "checkout"}}]
    return {"resourceSpans": [{"resource": {"attributes": service}, "scopeSpans": [{"spans": list(spans)}]}]}


def make_logs(*records: dict[str, Any]) -> dict[str, Any]:
    service = [{"key": "service.name", "value": {"stringValue": "checkout"}}]
    return {"resourceLogs": [{"resource": {"attributes": service}, "scopeLogs": [{"logRecords": list(records)}]}]}


def make_record(**overrides: Any) -> dict[str, Any]:
    return {"timeUnixNano": str(START), "severityNumber": 17, "body": {"stringValue": "dial tcp"}} | overrides


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_json_with_hex_ids_and_integers_as_text_becomes_a_row() -> None:
    (row,) = decode_traces(as_json(make_traces(make_span())), JSON).rows
    assert (row.trace_id, row.span_id, row.parent_span_id) == (TRACE, SPAN, "")
    assert (row.service, row.name, row.kind, row.status_code) == ("checkout", "POST /checkout", 2, 2)
    assert row.start_at == datetime.fromtimestamp(START // 10**9, UTC).replace(microsecond=123_456)
    assert (row.end_at - row.start_at).total_seconds() == 5.001
    assert row.attributes == {"http.response.status_code": 503}
    assert row.status_message == "i/o timeout"


def test_spans_of_the_real_sdk_become_the_same_rows_in_both_encodings() -> None:
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "web", "k8s.namespace.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("outer"), tracer.start_as_current_span("inner") as inner:
        inner.record_exception(ValueError("no rows"))
    request = encode_spans(memory.get_finished_spans())
    rows = decode_traces(request.SerializeToString(), PROTOBUF).rows
    by_name = {row.name: row for row in rows}
    assert by_name["inner"].parent_span_id == by_name["outer"].span_id
    assert by_name["inner"].status_message == "ValueError: no rows"
    assert by_name["outer"].resource["k8s.namespace.name"] == "shop"
    written = json_format.MessageToDict(request, use_integers_for_enums=True)
    for span in written["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for key in ("traceId", "spanId", "parentSpanId"):
            if key in span:
                span[key] = base64.b64decode(span[key]).hex()
    assert decode_traces(as_json(written), JSON).rows == rows


def test_unknown_fields_are_ignored() -> None:
    body = make_traces(make_span(newField={"a": [1]}))
    assert len(decode_traces(as_json({**body, "future": True}), JSON).rows) == 1


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"traceId": "xyz"}, "trace_id is not 16 bytes"),
        ({"traceId": "0" * 32}, "trace_id is not 16 bytes"),
        ({"spanId": "00f067"}, "span_id is not 8 bytes"),
        ({"startTimeUnixNano": "0"}, "span without a start time before 2100"),
        ({"startTimeUnixNano": "x"}, "a number is no number"),
        ({"name": 5}, "a text is no text"),
        ({"attributes": {}}, "attributes are no list"),
        ({"status": [1]}, "an object is no object"),
        ({"endTimeUnixNano": "18446744073709551615"}, "span without an end time before 2100"),
    ],
)
def test_one_bad_span_costs_itself_alone(overrides: dict[str, Any], reason: str) -> None:
    decoded = decode_traces(as_json(make_traces(make_span(**overrides), make_span())), JSON)
    assert (len(decoded.rows), decoded.rejected, decoded.message) == (1, 1, f"1 × {reason}")


def test_a_log_record_becomes_a_row() -> None:
    record = make_record(traceId=TRACE, spanId=SPAN, severityText="ERROR")
    (row,) = decode_logs(as_json(make_logs(record)), JSON).rows
    assert (row.severity_number, row.severity_text, row.body) == (17, "ERROR", "dial tcp")
    assert (row.trace_id, row.span_id, row.service) == (TRACE, SPAN, "checkout")
    assert len(row.digest) == 32


def test_a_record_without_a_time_takes_that_of_its_observation() -> None:
    observed = make_record(timeUnixNano="0", observedTimeUnixNano=str(START))
    decoded = decode_logs(as_json(make_logs(observed, make_record(timeUnixNano="0"))), JSON)
    assert [row.at.year for row in decoded.rows] == [2026]
    assert decoded.message == "1 × log record without a time before 2100"


def test_the_same_record_has_the_same_digest_in_both_encodings_and_another_one_another() -> None:
    value = make_logs(make_record(), make_record(body={"stringValue": "other"}))
    request = json_format.ParseDict(value, logs_service_pb2.ExportLogsServiceRequest())
    first = decode_logs(as_json(value), JSON).rows
    again = decode_logs(request.SerializeToString(), PROTOBUF).rows
    assert [row.digest for row in first] == [row.digest for row in again]
    assert first[0].digest != first[1].digest


def test_structured_bodies_and_odd_values_become_json() -> None:
    values = [
        {"key": "a", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"boolValue": True}]}}},
        {"key": "b", "value": {"doubleValue": "NaN"}},
        {"key": "c", "value": {"bytesValue": "AAE="}},
        {"key": "d", "value": {}},
    ]
    (row,) = decode_logs(as_json(make_logs(make_record(body={"kvlistValue": {"values": values}}))), JSON).rows
    assert json.loads(row.body) == {"a": [1, True], "b": "nan", "c": "AAE=", "d": None}


def test_secrets_are_masked_in_bodies_attributes_names_and_resources() -> None:
    attributes = [
        {"key": "db.password", "value": {"stringValue": "hunter2"}},
        {"key": "dsn", "value": {"stringValue": "postgres://a:hunter2@db/"}},
    ]
    logs = make_logs(make_record(body={"stringValue": "PASSWORD=hunter2"}, attributes=attributes))
    logs["resourceLogs"][0]["resource"]["attributes"] += attributes
    traces = make_traces(make_span(name="GET https://u:hunter2@x/", status={"message": "token=hunter2"}))
    rows = [*decode_logs(as_json(logs), JSON).rows, *decode_traces(as_json(traces), JSON).rows]
    assert "hunter2" not in repr(rows)


def test_characters_that_a_database_refuses_are_replaced() -> None:
    attributes = [{"key": "k\x00", "value": {"stringValue": "v\x00"}}]
    (row,) = decode_logs(
        as_json(make_logs(make_record(body={"stringValue": "a\x00b"}, attributes=attributes))), JSON
    ).rows
    assert (row.body, row.attributes) == ("a\ufffdb", {"k\ufffd": "v\ufffd"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"resourceSpans": 5}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": {}}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "\\ud800"}]}]}]}',
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    ],
)
def test_malformed_json_says_what_was_expected(body: bytes) -> None:
    with pytest.raises(BadPayload, match=r"^body: expected"):
        decode_traces(body, JSON)


def test_malformed_protobuf_says_what_was_expected() -> None:
    with pytest.raises(BadPayload, match="expected a protobuf ExportTraceServiceRequest"):
        decode_traces(b"\x0a\xff\xff\xff\xff\x0f", PROTOBUF)


@given(st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_random_bytes_are_rows_or_a_bad_payload(body: bytes) -> None:
    for read in (decode_traces, decode_logs):
        decoded = None
        with contextlib.suppress(BadPayload):
            decoded = read(body, PROTOBUF)
        assert decoded is None or decoded.rejected >= 0


def test_an_empty_request_is_a_success() -> None:
    assert decode_traces(b"", PROTOBUF).rows == []
    assert decode_logs(b"{}", JSON).rejected == 0


@pytest.mark.parametrize("encoding", ["gzip", "GZIP ", "deflate", "", "identity"])
def test_bodies_are_decompressed_as_their_header_says(encoding: str) -> None:
    compress = {"gzip": gzip.compress, "deflate": zlib.compress}.get(encoding.strip().lower(), bytes)
    assert decompress(compress(b"hello"), encoding) == b"hello"


def test_a_bomb_is_too_large_and_never_unfolds() -> None:
    with pytest.raises(PayloadTooLarge, match="at most 20 MiB"):
        decompress(gzip.compress(b"\x00" * (64 * 1024 * 1024)), "gzip")


@pytest.mark.parametrize(
    ("body", "encoding"), [(b"not gzip", "gzip"), (gzip.compress(b"x" * 999, mtime=0)[:-12], "gzip"), (b"x", "br")]
)
def test_broken_compression_is_a_bad_payload(body: bytes, encoding: str) -> None:
    with pytest.raises(BadPayload):
        decompress(body, encoding)


def test_full_success_leaves_partial_success_unset() -> None:
    decoded = decode_traces(as_json(make_traces(make_span())), JSON)
    assert decode.traces_answer(decoded, JSON) == b"{}"
    answer = trace_service_pb2.ExportTraceServiceResponse.FromString(decode.traces_answer(decoded, PROTOBUF))
    assert not answer.HasField("partial_success")


def test_partial_success_counts_and_says_why() -> None:
    decoded = decode_logs(as_json(make_logs(make_record(timeUnixNano="0"))), JSON)
    told = json.loads(decode.logs_answer(decoded, JSON))
    assert told == {
        "partialSuccess": {"rejectedLogRecords": "1", "errorMessage": "1 × log record without a time before 2100"}
    }
    answer = logs_service_pb2.ExportLogsServiceResponse.FromString(decode.logs_answer(decoded, PROTOBUF))
    assert answer.partial_success.rejected_log_records == 1


@pytest.mark.parametrize("message", ["no", "x" * 300])
def test_an_error_body_is_a_status_in_the_senders_encoding(message: str) -> None:
    from google.protobuf import descriptor_pb2

    assert json.loads(decode.status_answer(message, JSON)) == {"message": message}
    # Any message with a text in field 2 reads the wire form; google.rpc.Status is not installed.
    parsed = descriptor_pb2.FileDescriptorProto.FromString(decode.status_answer(message, PROTOBUF))
    assert parsed.package == message
