"""Which pushed traces and logs become observations, and what they tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from telemetry.collectors.pushed import Origin, log_observations, trace_observations
from telemetry.observations import EvidenceType, Level
from telemetry.otlp.decode import LogRow, SpanRow
from tests.telemetry.collectors.asking import at


def make_span(span_id: str, parent: str = "", *, start: float = 0, seconds: float = 1, **overrides: Any) -> SpanRow:
    begun = at("06:38:00") + timedelta(seconds=start)
    fields = {
        "trace_id": "a" * 32,
        "span_id": span_id,
        "parent_span_id": parent,
        "service": "web",
        "name": f"work {span_id}",
        "kind": 1,
        "start_at": begun,
        "end_at": begun + timedelta(seconds=seconds),
        "resource": {"k8s.namespace.name": "shop"},
    }
    return SpanRow(**(fields | overrides))


def make_log(clock: str, body: str, **overrides: Any) -> LogRow:
    fields = {"at": at(clock), "observed_at": None, "severity_number": 9, "severity_text": "", "body": body}
    return LogRow(**(fields | {"service": "checkout", "digest": clock + body} | overrides))


def test_a_trace_is_a_waterfall_from_its_root() -> None:
    spans = [
        make_span("root", seconds=5, status_code=2, service="web", name="POST /checkout"),
        make_span("call", "root", start=0.5, seconds=4, service="checkout"),
        make_span("db", "call", start=1, seconds=3, service="checkout", status_code=2, status_message="i/o timeout"),
    ]
    (trace,) = trace_observations(reversed(spans))
    payload = trace.payload
    assert (trace.type, trace.level, trace.title) == (
        EvidenceType.TRACE,
        Level.ERROR,
        "POST /checkout of web: 5.0 s, failed",
    )
    assert payload["root"] == {"service": "web", "name": "POST /checkout"}
    assert [(one["span_id"], one["start_ms"], one["duration_ms"], one["error"]) for one in payload["spans"]] == [
        ("root", 0.0, 5000.0, True),
        ("call", 500.0, 4000.0, False),
        ("db", 1000.0, 3000.0, True),
    ]
    assert payload["critical"] == ["root", "call", "db"]
    assert trace.summary == "checkout: i/o timeout"


def test_the_critical_path_leaves_out_what_nobody_waited_for() -> None:
    spans = [
        make_span("root", seconds=10),
        make_span("first", "root", start=0, seconds=3),
        make_span("beside", "root", start=0.5, seconds=1),
        make_span("last", "root", start=4, seconds=5),
    ]
    (trace,) = trace_observations(spans)
    assert trace.payload["critical"] == ["root", "first", "last"]


def test_spans_whose_parent_never_came_are_counted() -> None:
    (trace,) = trace_observations([make_span("root"), make_span("lost", "missing", start=0.1)])
    assert trace.payload["orphans"] == 1
    assert trace.summary == "1 spans without their parent"


def test_parents_in_a_circle_end() -> None:
    (trace,) = trace_observations([make_span("a", "b"), make_span("b", "a"), make_span("c", "c")])
    assert trace.payload["spans_total"] == 3


def test_failing_and_slowest_traces_are_chosen_and_the_rest_is_a_sample() -> None:
    spans = []
    for number in range(60):
        failing = number < 4
        spans.append(
            make_span(
                "s",
                seconds=number / 10,
                trace_id=f"{number:032x}",
                name=f"route {number % 10}",
                status_code=2 if failing else 0,
            )
        )
    found = trace_observations(spans, limit=8)
    assert len(found) == 8
    assert all(one.flags == {"sampled": True} for one in found)
    assert sum(one.payload["failed"] for one in found) == 4
    assert max(one.payload["duration_ms"] for one in found) == 5900


def test_at_most_three_traces_are_alike() -> None:
    spans = [make_span("s", trace_id=f"{number:032x}", name="same", status_code=2) for number in range(1, 30)]
    assert len(trace_observations(spans)) == 3


def test_a_large_trace_shows_its_path_and_errors_first() -> None:
    spans = [make_span("root", seconds=1_000)]
    spans += [make_span(f"s{number}", "root", start=number, seconds=0.1) for number in range(500)]
    spans[300] = replace(spans[300], status_code=2)
    (trace,) = trace_observations(spans)
    shown = {one["span_id"] for one in trace.payload["spans"]}
    assert (len(shown), trace.payload["spans_total"]) == (200, 501)
    assert {"root", spans[300].span_id} <= shown


def test_logs_are_grouped_by_service_with_counts_and_patterns() -> None:
    rows = [
        make_log("06:37:26.112", "dial tcp orders-db-0:5432: i/o timeout", severity_number=17, trace_id="t1"),
        make_log("06:37:24.880", "GET /healthz 200 2ms"),
        make_log("06:37:28.871", "dial tcp orders-db-1:5432: i/o timeout", severity_number=17),
        make_log("06:37:29", "started", service="web", severity_number=1),
    ]
    checkout, web = log_observations(rows)
    payload = checkout.payload
    assert (payload["service"], payload["total"], payload["errors"]) == ("checkout", 3, 2)
    assert [line["level"] for line in payload["lines"]] == ["info", "error", "error"]
    assert payload["patterns"][0] == {
        "pattern": "dial tcp orders-db-<*>: i/o timeout",
        "count": 2,
        "first_at": "2026-11-21T06:37:26.112000Z",
        "last_at": "2026-11-21T06:37:28.871000Z",
        "level": "error",
        "trend": "",
    }
    assert payload["trace_ids"] == ["t1"]
    assert (checkout.level, web.level) == (Level.ERROR, Level.INFO)


def test_a_record_without_severity_is_judged_by_its_text() -> None:
    (found,) = log_observations([make_log("06:37:26", "FATAL: out of disk", severity_number=0)])
    assert found.level is Level.ERROR


def test_what_a_backend_counted_stands_beside_what_was_read() -> None:
    rows = [make_log("06:37:26", "ERROR lost", severity_number=17), make_log("06:37:27", "served")]
    first = rows[0].at.timestamp()
    counts = {("checkout", ""): [(first - 600, 400, 0), (first, 600, 90)]}
    (found,) = log_observations(rows, origin=Origin(kind="loki:errors", query="{app}"), counts=counts)
    assert (found.payload["total"], found.payload["errors"], found.payload["shown"]) == (1_000, 90, 2)
    assert sum(bucket["count"] for bucket in found.payload["histogram"]) == 1_000
    assert found.summary == "90 of 1,000 lines are errors: ERROR lost; 2 lines were read"
    assert (found.dedup_key, found.flags, found.count) == ("log:loki:errors::checkout", {"truncated": True}, 1_000)


def test_a_backend_that_knows_no_levels_counts_the_errors_that_were_read() -> None:
    rows = [make_log("06:37:26", "ERROR lost", severity_number=17)]
    counts = {("checkout", ""): [(rows[0].at.timestamp(), 600, 0)]}
    (found,) = log_observations(rows, counts=counts)
    assert (found.payload["total"], found.payload["errors"]) == (600, 1)
    assert [bucket["errors"] for bucket in found.payload["histogram"]] == [1]
