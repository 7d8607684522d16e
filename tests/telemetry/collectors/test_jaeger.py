"""Traces from a Jaeger stand-in: both versions of its API, failing ones first, limits and warnings told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from telemetry.collectors.jaeger import NOT_BY_ERROR, JaegerCollector
from telemetry.collectors.jaeger.answers import spans_of_v1, spans_of_v3
from telemetry.collectors.pulled_traces import Traces
from telemetry.observations import Budget, Connection, EvidenceType, Level, Scope, Status
from tests.stand_ins.jaeger import V1, V3, JaegerStandIn
from tests.stand_ins.spans import a_trace, resource_spans
from tests.telemetry.collectors.asking import CHECKOUT, OUTAGE, SHOP, ask, at, written

PAYLOADS = Path(__file__).parents[2] / "payloads" / "jaeger"
START = at("06:38:00")


@pytest.fixture(params=[True, False], ids=["v3", "v1"])
def server(request: pytest.FixtureRequest) -> Iterator[JaegerStandIn]:
    with JaegerStandIn() as stand_in:
        stand_in.v3 = request.param
        yield stand_in


def collector(server: JaegerStandIn, **options: Any) -> JaegerCollector:
    return JaegerCollector(Connection(name="j", url=server.url, allow_private=True, options=options))


def test_failing_and_slow_traces_come_as_waterfalls(server: JaegerStandIn) -> None:
    server.spans = [
        *a_trace(1, START, message="i/o timeout"),
        *a_trace(2, START, ms=4_000.0),
        *a_trace(3, START, ms=5.0),
        *a_trace(4, START, service="other", message="not of this scope"),
        *a_trace(5, at("04:00:00"), message="before the window"),
    ]
    outcome, (failed, slow) = ask(collector(server), "traces", scope=CHECKOUT)
    assert (outcome.status, outcome.kept) == (Status.COMPLETE, 2)
    assert (failed.type, failed.level, failed.summary) == (EvidenceType.TRACE, Level.ERROR, "db: i/o timeout")
    assert (failed.payload["failed"], slow.payload["duration_ms"]) == (True, 4_000.0)
    spans = failed.payload["spans"]
    assert [(one["service"], one["parent_id"] == spans[0]["span_id"]) for one in spans] == [
        ("checkout", False),
        ("db", True),
    ]
    assert failed.dedup_key == f"trace:{2:032x}"
    assert failed.links[0]["url"] == f"{server.url}/trace/{2:032x}"


def test_where_nothing_failed_or_was_slow_whatever_there_is_comes(server: JaegerStandIn) -> None:
    server.spans = a_trace(1, START, ms=5.0)
    outcome, (found,) = ask(collector(server), "traces", scope=CHECKOUT)
    assert (outcome.status, found.payload["failed"]) == (Status.COMPLETE, False)


def test_a_search_that_ends_at_its_limit_is_a_sample(server: JaegerStandIn) -> None:
    server.spans = [span for n in range(6) for span in a_trace(n, START, message="lost")]
    outcome, found = ask(collector(server, limit=3), "traces", scope=CHECKOUT)
    assert (outcome.status, outcome.truncated_by) == (Status.TRUNCATED, "limit")
    assert outcome.reason.endswith("a search for failing traces of checkout ended at its limit of 3")
    assert {one.flags["sampled"] for one in found} == {True}


def test_the_spans_of_the_budget_end_the_reading(server: JaegerStandIn) -> None:
    server.spans = [span for n in range(6) for span in a_trace(n, START, message="lost", ms=5_000.0)]
    outcome, _ = ask(collector(server), "traces", scope=CHECKOUT, budget=Budget(deadline_seconds=3, items=4))
    assert (outcome.status, outcome.truncated_by) == (Status.TRUNCATED, "items")


def test_without_a_service_those_that_jaeger_knows_are_asked(server: JaegerStandIn) -> None:
    server.spans = a_trace(1, START, message="lost")
    server.known = [f"s{n:02}" for n in range(20)]
    outcome, _ = ask(collector(server), "traces", scope=SHOP, budget=Budget(deadline_seconds=8))
    assert (outcome.status, outcome.kept) == (Status.PARTIAL, 1)
    assert outcome.reason == "asked for 10 of the 22 services that Jaeger knows"
    _, (found,) = ask(collector(server, services=["checkout"]), "traces", scope=SHOP)
    assert found.payload["root"]["service"] == "checkout"


def test_nothing_is_empty_with_what_jaeger_knows(server: JaegerStandIn) -> None:
    outcome, _ = ask(collector(server), "traces", scope=CHECKOUT)
    assert (outcome.status, outcome.covered_from, len(outcome.warnings)) == (Status.EMPTY, OUTAGE.start, 1)
    server.known = []
    outcome, _ = ask(collector(server), "traces", scope=CHECKOUT)
    assert outcome.reason == "Jaeger knows no service of the name checkout."


def test_warnings_and_errors_of_an_answer_make_it_partial() -> None:
    with JaegerStandIn(a_trace(1, START, message="lost")) as server:
        server.v3 = False
        server.warnings = ["clock skew adjustment disabled; password=hunter2secret"]
        outcome, found = ask(collector(server), "traces", scope=CHECKOUT)
        assert (outcome.status, len(found)) == (Status.PARTIAL, 1)
        assert "clock skew adjustment disabled" in outcome.reason
        assert "hunter2secret" not in written(outcome)
        server.warnings, server.errors, server.spans = [], ["shard 3 is away"], []
        outcome, found = ask(collector(server), "traces", scope=CHECKOUT)
    assert (outcome.status, outcome.reason, found) == (Status.PARTIAL, "Jaeger reports: shard 3 is away", [])


FINE = [span for number in range(4) for span in a_trace(number, START, ms=5.0)]


def test_version_1_finds_the_errors_that_version_3_does_not_search_by() -> None:
    with JaegerStandIn([*FINE, *a_trace(8, START, message="lost"), *a_trace(9, START, service="cart")]) as server:
        server.attributes = False
        outcome, found = ask(collector(server, limit=3), "traces", scope=Scope(services=("checkout", "cart")))
        paths = [path for path in server.paths() if "traces" in path]
    assert (outcome.status, outcome.warnings) == (Status.COMPLETE, ())
    assert [(one.payload["root"]["service"], one.payload["failed"]) for one in found] == [
        ("checkout", True),
        ("cart", False),
    ]
    # Once it is known, version 3 is not asked for errors any more.
    assert paths == [V3, V1, V3, V1, V3, V3]


def test_without_a_search_by_error_the_sample_is_called_what_it_is() -> None:
    with JaegerStandIn([*FINE, *a_trace(8, START, message="lost")]) as server:
        server.attributes = server.v1 = False
        outcome, _ = ask(collector(server, limit=3), "traces", scope=CHECKOUT)
        assert (outcome.status, outcome.warnings) == (Status.TRUNCATED, (NOT_BY_ERROR,))
        assert outcome.reason.endswith("a search for any traces of checkout ended at its limit of 3")
        outcome, found = ask(collector(server), "traces", scope=CHECKOUT)
    assert (outcome.status, outcome.warnings) == (Status.COMPLETE, (NOT_BY_ERROR,))
    assert [one.payload["failed"] for one in found].count(True) == 1


def test_spans_without_a_result_around_them_are_read() -> None:
    groups = resource_spans(a_trace(1, START))
    assert len(spans_of_v3(json.dumps({"resourceSpans": groups}).encode(), Traces())) == 2


def test_version_1_is_asked_only_where_version_3_is_not_served() -> None:
    with JaegerStandIn() as server:
        ask(collector(server), "traces", scope=CHECKOUT)
        assert V1 not in server.paths()
        server.v3 = False
        server.requests.clear()
        ask(collector(server), "traces", scope=CHECKOUT)
    assert [path for path in server.paths() if "traces" in path] == [V3, V1, V1, V1]


def test_a_fault_after_the_first_search_keeps_what_was_found(server: JaegerStandIn) -> None:
    server.spans = a_trace(1, START, message="lost")
    budget = Budget(deadline_seconds=3, requests=1 if server.v3 else 2)
    outcome, found = ask(collector(server), "traces", scope=CHECKOUT, budget=budget)
    assert (outcome.status, outcome.truncated_by, len(found)) == (Status.TRUNCATED, "requests", 1)


@pytest.mark.parametrize("name", ['a"}', "a&service=b", "a\\", "a\nb", "a b", "ä", "../x"])
def test_a_hostile_name_stays_one_value(server: JaegerStandIn, name: str) -> None:
    server.spans = [*a_trace(1, START, service=name, message="lost"), *a_trace(2, START, message="lost")]
    outcome, (found,) = ask(collector(server), "traces", scope=Scope(services=(name,)))
    assert (outcome.kept, found.payload["trace_id"]) == (1, f"{2:032x}")


def test_secrets_stay_out(server: JaegerStandIn) -> None:
    server.spans = a_trace(1, START, name="login token=abcdef1234567890", message="password=hunter2secret badge 12-34")
    collecting = collector(server, redact={"badge": r"badge \d\d-\d\d"})
    outcome, found = ask(collecting, "traces", scope=CHECKOUT)
    text = written(outcome, *found)
    assert not [secret for secret in ("abcdef1234567890", "hunter2secret", "12-34") if secret in text]


def test_each_trace_tells_what_was_taken_out_of_its_own_spans() -> None:
    with JaegerStandIn([*a_trace(1, START, message="badge 12-34"), *a_trace(2, START, message="lost")]) as server:
        collecting = collector(server, redact={"badge": r"badge \d\d-\d\d"})
        outcome, found = ask(collecting, "traces", scope=CHECKOUT)
    told = sorted(one.redactions.get("badge", 0) for one in found)
    assert told == [0, outcome.redactions["badge"]]


@pytest.mark.parametrize("version", ["v1", "v3", "v3-streamed"])
def test_the_answers_of_each_version_are_read(version: str) -> None:
    body = (PAYLOADS / f"traces-{version}.json").read_bytes()
    traces = Traces()
    rows = spans_of_v1(json.loads(body), traces) if version == "v1" else spans_of_v3(body, traces)
    assert [(row.service, row.name, row.status_code) for row in rows] == [
        ("checkout", "POST /checkout", 2),
        ("orders-db", "SELECT orders", 0),
    ]
    assert rows[1].parent_span_id == rows[0].span_id == "00f067aa0ba902b7"
    assert {row.trace_id for row in rows} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
    assert (rows[0].end_at - rows[0].start_at).total_seconds() == 5.0
    assert rows[0].status_message == "i/o timeout"


def test_spans_that_cannot_be_read_are_told() -> None:
    groups = resource_spans(a_trace(1, START))
    groups[0]["scopeSpans"][0]["spans"][0]["traceId"] = "zz"
    traces = Traces()
    assert len(spans_of_v3(json.dumps({"result": {"resourceSpans": groups}}).encode(), traces)) == 1
    assert "spans were left out" in next(iter(traces.partial))


def test_a_preflight_says_which_version_answers(server: JaegerStandIn) -> None:
    (check,) = collector(server).preflight()
    assert check.detail == f"It answers with its API {'v3' if server.v3 else 'v1'}; 1 services have traces."
