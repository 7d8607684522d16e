"""Traces from a Tempo stand-in: searches that are samples, traces that are partial, and ids in base64."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from telemetry.collectors.pulled_traces import Traces, otlp_spans, with_hex_ids
from telemetry.collectors.tempo import KEPT, TempoCollector, as_otlp
from telemetry.observations import Budget, Connection, EvidenceType, Level, Scope, Status, Window
from tests.stand_ins.server import Asked, Reply
from tests.stand_ins.spans import a_trace
from tests.stand_ins.tempo import TempoStandIn, plain
from tests.telemetry.collectors.asking import CHECKOUT, OUTAGE, ask, at, written

PAYLOADS = Path(__file__).parents[2] / "payloads" / "tempo"
START = at("06:38:00")
WIDE = Budget(deadline_seconds=8)


@pytest.fixture(params=[True, False], ids=["v2", "v1"])
def server(request: pytest.FixtureRequest) -> Iterator[TempoStandIn]:
    with TempoStandIn() as stand_in:
        stand_in.v2 = request.param
        yield stand_in


@pytest.fixture
def newer() -> Iterator[TempoStandIn]:
    with TempoStandIn() as stand_in:
        yield stand_in


def collector(server: TempoStandIn, **options: Any) -> TempoCollector:
    return TempoCollector(Connection(name="t", url=server.url, allow_private=True, options=options))


def test_failing_and_slow_traces_come_as_waterfalls(server: TempoStandIn) -> None:
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
    assert (failed.payload["trace_id"], slow.payload["duration_ms"]) == (f"{2:032x}", 4_000.0)
    assert [one["service"] for one in failed.payload["spans"]] == ["checkout", "db"]


def test_a_search_that_fails_leaves_what_the_one_before_it_found() -> None:
    class Failing(TempoStandIn):
        def search(self, asked: Asked) -> Reply:
            return self.refusal(400, asked) if "duration" in asked.query["q"] else super().search(asked)

    with Failing(a_trace(1, START, message="lost")) as server:
        outcome, (found,) = ask(collector(server), "traces", scope=CHECKOUT)
    assert (outcome.status, found.payload["failed"]) == (Status.PARTIAL, True)
    assert "parse error at line 1" in outcome.reason


def test_an_older_tempo_is_asked_for_version_2_once() -> None:
    with TempoStandIn([span for n in range(3) for span in a_trace(n, START, message="lost")]) as server:
        server.v2 = False
        ask(collector(server), "traces", scope=CHECKOUT)
    assert sum("/v2/" in path for path in server.paths()) == 1


def test_a_search_that_ends_at_its_limit_is_a_sample(newer: TempoStandIn) -> None:
    newer.spans = [span for n in range(6) for span in a_trace(n, START, message="lost")]
    outcome, found = ask(collector(newer, limit=3), "traces", scope=CHECKOUT)
    assert (outcome.status, outcome.truncated_by) == (Status.TRUNCATED, "limit")
    assert outcome.reason.endswith("a search ended at its limit of 3, with those that Tempo found first")
    assert {one.flags["sampled"] for one in found} == {True}


def test_slow_traces_have_a_place_beside_many_failing_ones(newer: TempoStandIn) -> None:
    newer.spans = [span for n in range(30) for span in a_trace(n, START, message="lost", name=f"n{n}")]
    newer.spans += a_trace(90, START, ms=9_000.0)
    outcome, found = ask(collector(newer, limit=40), "traces", scope=CHECKOUT, budget=WIDE)
    assert (outcome.status, outcome.truncated_by) == (Status.TRUNCATED, "traces")
    assert f"{KEPT} of the 31 traces" in outcome.reason
    assert 9_000.0 in [one.payload["duration_ms"] for one in found]


def test_the_spans_of_the_budget_end_the_reading(newer: TempoStandIn) -> None:
    newer.spans = [span for n in range(6) for span in a_trace(n, START, message="lost")]
    outcome, _ = ask(collector(newer), "traces", scope=CHECKOUT, budget=Budget(deadline_seconds=3, items=4))
    assert (outcome.status, outcome.truncated_by) == (Status.TRUNCATED, "items")


def test_a_trace_that_is_partial_makes_the_answer_partial(newer: TempoStandIn) -> None:
    newer.spans = [*a_trace(1, START, message="lost"), *a_trace(2, START, message="lost")]
    newer.partial = {"2"}
    outcome, found = ask(collector(newer), "traces", scope=CHECKOUT)
    assert (outcome.status, len(found)) == (Status.PARTIAL, 2)
    assert outcome.reason == "trace 2 is partial: trace exceeds maximum size of 5000000 bytes"


def test_a_search_that_did_not_do_all_of_its_jobs_is_partial(newer: TempoStandIn) -> None:
    newer.spans = a_trace(1, START, message="lost")
    newer.metrics = {"completedJobs": 3, "totalJobs": 8}
    outcome, _ = ask(collector(newer), "traces", scope=CHECKOUT)
    assert (outcome.status, outcome.reason) == (Status.PARTIAL, "the search did 3 of 8 jobs")


def test_traces_that_are_not_there_any_more_or_too_large_are_told(newer: TempoStandIn) -> None:
    newer.spans = [span for n in (1, 2, 3) for span in a_trace(n, START, message="lost")]
    newer.lost, newer.oversize = {"2"}, {"3"}
    outcome, found = ask(collector(newer), "traces", scope=CHECKOUT)
    assert (outcome.status, len(found)) == (Status.PARTIAL, 1)
    assert set(outcome.warnings) == {
        "trace 2 was found but is not there",
        "trace 3 is larger than Tempo hands out",
    }


def test_a_fault_in_the_middle_keeps_the_traces_before(newer: TempoStandIn) -> None:
    newer.spans = [*a_trace(1, START, message="lost"), *a_trace(2, START, message="lost")]
    newer.fault("/api/v2/traces/3", "500")
    outcome, found = ask(collector(newer), "traces", scope=CHECKOUT)
    assert (outcome.status, outcome.retryable, len(found)) == (Status.PARTIAL, True, 1)


@pytest.mark.parametrize(
    ("retention", "status"), [("336h0m0s", Status.GONE), ("2000000h", Status.EMPTY), ("", Status.EMPTY)]
)
def test_a_window_past_retention_is_gone_and_not_empty(newer: TempoStandIn, retention: str, status: Status) -> None:
    newer.retention = retention
    window = Window(at("00:00:00").replace(year=2020), at("00:30:00").replace(year=2020))
    outcome, _ = ask(collector(newer), "traces", window=window, scope=CHECKOUT)
    assert outcome.status is status
    assert bool(outcome.warnings) is (retention == "")


def test_the_scope_is_written_into_traceql(newer: TempoStandIn) -> None:
    (query,) = collector(newer, slow_ms=250).plan(CHECKOUT, OUTAGE)
    names = 'resource.service.name =~ "checkout" && resource.k8s.namespace.name =~ "shop"'
    assert query.params["exprs"] == [f"{{ {names} && status = error }}", f"{{ {names} && duration > 250ms }}"]
    for attribute, part in (("k8s.ns", 'resource.k8s.ns =~ "shop" && '), ("", ""), ('x" || ', ""), (None, "")):
        (query,) = collector(newer, namespace_attribute=attribute).plan(CHECKOUT, OUTAGE)
        assert query.params["exprs"][0] == f'{{ resource.service.name =~ "checkout" && {part}status = error }}'
    (query,) = collector(newer).plan(Scope(), OUTAGE)
    assert query.params["exprs"][0] == "{ status = error }"


@pytest.mark.parametrize("name", ['a" } || { true', "a\\", "a`b", "a\nb", "a|b", "{services}", "ä"])
def test_no_name_leaves_its_string(newer: TempoStandIn, name: str) -> None:
    newer.spans = [*a_trace(1, START, service=name, message="lost"), *a_trace(2, START, message="lost")]
    outcome, (found,) = ask(collector(newer), "traces", scope=Scope(services=(name,)))
    assert (outcome.kept, found.payload["trace_id"]) == (1, f"{2:032x}")


def test_queries_of_ones_own_are_asked_as_they_are(newer: TempoStandIn) -> None:
    own = [{"name": "slow", "expr": '{ resource.service.name =~ "{services}" && duration > 50ms }'}]
    newer.spans = a_trace(1, START)
    outcome, (found,) = ask(collector(newer, queries=own), "slow", scope=CHECKOUT)
    assert (outcome.kept, found.query) == (1, '{ resource.service.name =~ "checkout" && duration > 50ms }')
    assert ask(collector(newer, queries=[{"name": "none"}]), "none")[0].status is Status.INVALID_QUERY


@pytest.mark.parametrize(
    ("code", "words", "status"),
    [
        (400, "invalid TraceQL query: parse error at line 1", Status.INVALID_QUERY),
        (500, "error querying ingesters: context deadline exceeded", Status.TIMEOUT),
        (504, "gateway timeout", Status.TIMEOUT),
    ],
)
def test_tempos_own_words_decide(newer: TempoStandIn, code: int, words: str, status: Status) -> None:
    newer.refusal = lambda _code, _asked: plain(code, words)  # type: ignore[method-assign]
    newer.fault("/api/search", code)
    outcome, _ = ask(collector(newer), "traces", budget=Budget(deadline_seconds=0.3))
    assert outcome.status is status
    assert words in outcome.reason


def test_a_missing_tenant_is_told_with_the_header_to_add(newer: TempoStandIn) -> None:
    newer.tenant = "shop"
    outcome, _ = ask(collector(newer), "traces")
    assert outcome.status is Status.UNAUTHENTICATED
    assert "X-Scope-OrgID" in outcome.remedy


def test_a_link_opens_the_trace_in_explore(newer: TempoStandIn) -> None:
    newer.spans = a_trace(1, START, message="lost")
    _, (found,) = ask(collector(newer, link_url="https://grafana.example"), "traces", scope=CHECKOUT)
    pane = json.loads(parse_qs(urlsplit(found.links[0]["url"]).query)["panes"][0])["debrief"]
    assert pane["queries"][0]["query"] == f"{2:032x}"


def test_secrets_stay_out(newer: TempoStandIn) -> None:
    newer.spans = a_trace(1, START, name="login token=abcdef1234567890", message="badge 12-34")
    outcome, found = ask(collector(newer, redact={"badge": r"badge \d\d-\d\d"}), "traces", scope=CHECKOUT)
    text = written(outcome, *found)
    assert not [secret for secret in ("abcdef1234567890", "12-34") if secret in text]


@pytest.mark.parametrize("version", ["v2", "v1", "v1-old"])
def test_the_answers_of_each_version_are_read(version: str) -> None:
    answer = json.loads((PAYLOADS / f"trace-{version}.json").read_text())
    rows = otlp_spans(with_hex_ids(as_otlp(answer.get("trace", answer))), Traces())
    assert [(row.service, row.status_code, row.kind) for row in rows] == [("checkout", 2, 2), ("orders-db", 0, 3)]
    assert rows[1].parent_span_id == rows[0].span_id == "00f067aa0ba902b7"
    assert rows[0].trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_preflight_tells_the_version_and_searches(newer: TempoStandIn) -> None:
    checks = collector(newer).preflight()
    assert [(check.name, check.ok) for check in checks] == [("reachable", True), ("permitted", True)]
    assert "2.8.1" in checks[0].detail
