"""Lines from a Loki stand-in: pages, counts, errors first, and when nothing may be called empty."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from telemetry.collectors.loki import LokiCollector
from telemetry.collectors.loki.reading import entries_of, nanoseconds
from telemetry.observations import Budget, Connection, EvidenceType, Level, Scope, Status, Window, Workload
from tests.stand_ins.loki import Line, LokiStandIn, plain
from tests.telemetry.collectors.asking import CHECKOUT, OUTAGE, SHOP, ask, at, written

PAYLOADS = Path(__file__).parents[2] / "payloads" / "loki"
CHECKOUT_LABELS = {"namespace": "shop", "app": "checkout", "pod": "checkout-1", "container": "app"}
WIDE = Budget(deadline_seconds=8)


@pytest.fixture
def server() -> Iterator[LokiStandIn]:
    with LokiStandIn() as stand_in:
        yield stand_in


def collector(server: LokiStandIn, **options: Any) -> LokiCollector:
    return LokiCollector(Connection(name="l", url=server.url, allow_private=True, options=options))


def ns(clock: str) -> int:
    return nanoseconds(at(clock))


def lines(count: int, *, every_ns: int = 10**9, text: str = "served {n}", **labels: str) -> list[Line]:
    return [Line(ns("06:30:00") + n * every_ns, text.format(n=n), {**CHECKOUT_LABELS, **labels}) for n in range(count)]


def test_lines_come_by_service_with_their_place(server: LokiStandIn) -> None:
    server.lines = [*lines(3), *lines(1, app="web"), *lines(1, namespace="other")]
    server.lines.append(
        Line(ns("06:31:00"), "dial tcp: i/o timeout", CHECKOUT_LABELS, {"level": "error", "trace_id": "ab" * 16})
    )
    outcome, (checkout, web) = ask(collector(server), "logs")
    assert (outcome.status, outcome.kept) == (Status.COMPLETE, 5)
    assert (checkout.type, checkout.level, checkout.title) == (EvidenceType.LOG, Level.ERROR, "Log of checkout")
    payload = checkout.payload
    assert (payload["namespace"], payload["pod"], payload["container"]) == ("shop", "checkout-1", "app")
    assert (payload["total"], payload["errors"], payload["trace_ids"]) == (4, 1, ["ab" * 16])
    assert web.payload["service"] == "web"
    assert checkout.query == '{namespace=~"shop"}'


def test_metadata_is_found_where_an_older_loki_puts_it(server: LokiStandIn) -> None:
    server.lines = [Line(ns("06:31:00"), "lost", CHECKOUT_LABELS, {"traceID": "ab" * 16, "detected_level": "error"})]
    collecting = LokiCollector(
        Connection(name="l", url=server.url, allow_private=True, headers={"X-Loki-Response-Encoding-Flags": "none"})
    )
    _, (found,) = ask(collecting, "logs")
    assert (found.payload["trace_ids"], found.payload["errors"]) == (["ab" * 16], 1)


def test_pages_are_read_forward_and_each_line_is_kept_once(server: LokiStandIn) -> None:
    server.lines = lines(2_500, every_ns=10**8)
    # Twenty lines of one nanosecond lie across the end of the first page.
    server.lines += [Line(server.lines[990].ns, f"same {n}", CHECKOUT_LABELS) for n in range(20)]
    outcome, (found,) = ask(collector(server), "logs", budget=WIDE)
    assert (outcome.status, found.payload["total"], outcome.kept) == (Status.COMPLETE, 2_520, 2_520)
    starts = [int(one.query["start"]) for one in server.requests if one.query.get("direction") == "forward"]
    assert starts == sorted(starts)
    assert len(starts) == 3


def test_the_end_is_not_part_of_the_window(server: LokiStandIn) -> None:
    server.lines = [
        Line(nanoseconds(OUTAGE.end), "after", CHECKOUT_LABELS),
        Line(nanoseconds(OUTAGE.end) - 1, "last", CHECKOUT_LABELS),
    ]
    _, (found,) = ask(collector(server), "logs")
    assert [line["text"] for line in found.payload["lines"]] == ["last"]


def test_more_lines_than_the_budget_are_truncated_with_the_errors_kept(server: LokiStandIn) -> None:
    server.lines = lines(2_000, every_ns=10**9)
    server.lines += [Line(ns("07:04:50") + n, "ERROR lost", CHECKOUT_LABELS, {"level": "error"}) for n in range(30)]
    outcome, (found,) = ask(collector(server), "logs", budget=Budget(deadline_seconds=8, items=300))
    assert (outcome.status, outcome.truncated_by) == (Status.TRUNCATED, "items")
    assert outcome.reason.startswith("kept 300 of 2,030 lines")
    assert (outcome.fetched, outcome.kept, outcome.dropped) == (2_030, 300, 1_730)
    assert (found.payload["total"], found.payload["errors"], found.flags) == (2_030, 30, {"truncated": True})
    assert sum(bucket["count"] for bucket in found.payload["histogram"]) == 2_030
    assert found.payload["patterns"][0]["count"] == 30


def test_exactly_as_many_lines_as_the_budget_takes_are_complete(server: LokiStandIn) -> None:
    server.lines = lines(1_000)
    outcome, _ = ask(collector(server), "logs", budget=Budget(deadline_seconds=8, items=1_000))
    assert (outcome.status, outcome.kept) == (Status.COMPLETE, 1_000)


def test_one_nanosecond_that_fills_a_page_is_told(server: LokiStandIn) -> None:
    server.counts = False
    server.most = 50
    server.lines = [Line(ns("06:31:00"), f"burst {n}", CHECKOUT_LABELS) for n in range(80)]
    outcome, _ = ask(collector(server), "logs")
    assert (outcome.status, outcome.truncated_by) == (Status.TRUNCATED, "nanosecond")
    assert outcome.reason.startswith("kept 50 of 80 lines")


def test_a_loki_with_a_lower_limit_is_asked_in_smaller_pages(server: LokiStandIn) -> None:
    server.most = 200
    server.lines = lines(350)
    outcome, _ = ask(collector(server), "logs", budget=WIDE)
    assert (outcome.status, outcome.kept) == (Status.COMPLETE, 350)


def test_without_counts_the_lines_still_come(server: LokiStandIn) -> None:
    server.counts = False
    server.lines = lines(5)
    assert ask(collector(server), "logs")[0].status is Status.COMPLETE


FILTERED = [{"name": "lost", "title": "Lost", "expr": '{namespace=~"{namespaces}"} |= "lost"'}]


def test_the_lines_of_streams_are_not_taken_for_those_that_a_filter_leaves(server: LokiStandIn) -> None:
    server.counts = False
    server.lines = [*lines(400, every_ns=10**8), *lines(3, text="lost {n}")]
    budget = Budget(deadline_seconds=8, items=300)
    outcome, (found,) = ask(collector(server, queries=FILTERED), "lost", budget=budget)
    assert (outcome.status, outcome.kept, outcome.dropped) == (Status.COMPLETE, 3, 0)
    assert (found.payload["total"], found.flags) == (3, {})


def test_filtered_lines_that_nobody_counted_are_of_an_unknown_number_and_errors_come_first(server: LokiStandIn) -> None:
    server.counts = False
    server.lines = [*lines(80, text="lost {n}"), Line(ns("07:04:50"), "ERROR lost", CHECKOUT_LABELS)]
    budget = Budget(deadline_seconds=8, items=50)
    outcome, (found,) = ask(collector(server, queries=FILTERED), "lost", budget=budget)
    assert (outcome.status, outcome.truncated_by) == (Status.TRUNCATED, "items")
    assert outcome.reason.startswith("kept 50 lines of an unknown number; stopped at")
    assert found.payload["errors"] == 1


def test_over_the_bytes_of_the_budget_what_was_read_is_kept(server: LokiStandIn) -> None:
    server.lines = lines(2_100, text="x" * 400)
    outcome, (found,) = ask(collector(server), "logs", budget=Budget(deadline_seconds=8, bytes=700_000))
    assert (outcome.status, outcome.truncated_by, outcome.kept) == (Status.TRUNCATED, "bytes", 1_000)
    assert "kept 1,000 of 2,100 lines" in outcome.reason
    assert found.payload["total"] == 2_100


def test_a_cut_in_the_middle_keeps_the_pages_before(server: LokiStandIn) -> None:
    server.lines = lines(1_500)
    server.take_fault = _cut_from_the_third(server)  # type: ignore[method-assign]
    outcome, found = ask(collector(server), "logs", budget=WIDE)
    assert (outcome.status, outcome.kept, outcome.retryable) == (Status.PARTIAL, 1_000, True)
    assert len(found) == 1


def _cut_from_the_third(server: LokiStandIn) -> Any:
    server.fault("/loki/api/v1/query_range", "cut")
    (fault,) = server.faults
    return lambda asked: fault if len(server.requests) >= 3 else None


def test_nothing_where_others_wrote_is_empty(server: LokiStandIn) -> None:
    server.lines = lines(2, namespace="other")
    outcome, found = ask(collector(server), "logs")
    assert (outcome.status, found, outcome.warnings) == (Status.EMPTY, [], ())
    assert (outcome.covered_from, outcome.covered_to) == (OUTAGE.start, OUTAGE.end)


@pytest.mark.parametrize(
    ("retention", "year", "status"),
    [
        ("744h0m0s", 2020, Status.GONE),
        ("0s", 2020, Status.EMPTY),
        ("100y", 2020, Status.EMPTY),
        ("", 2020, Status.EMPTY),
    ],
)
def test_a_window_past_retention_is_gone_and_not_empty(
    server: LokiStandIn, retention: str, year: int, status: Status
) -> None:
    server.retention = retention
    window = Window(at("00:00:00").replace(year=year), at("00:30:00").replace(year=year))
    outcome, _ = ask(collector(server), "logs", window=window)
    assert outcome.status is status
    assert bool(outcome.warnings) is (retention == "")


def test_a_window_that_begins_before_retention_is_partly_covered(server: LokiStandIn) -> None:
    server.retention = "1h"
    window = Window(at("00:00:00").replace(year=2020), at("00:00:00").replace(year=2090))
    outcome, _ = ask(collector(server), "logs", window=window)
    assert outcome.status is Status.PARTIAL
    assert outcome.covered_from is not None
    assert outcome.covered_from > datetime(2021, 1, 1, tzinfo=at("00:00:00").tzinfo)


@pytest.mark.parametrize(
    ("code", "words", "status"),
    [
        (400, "the query would read too many bytes (query: 9GB, limit: 1GB)", Status.TRUNCATED),
        (400, "the query time range exceeds the limit (query length: 900h, limit: 721h)", Status.TRUNCATED),
        (400, "maximum number of series (500) reached for a single query", Status.TRUNCATED),
        (400, "parse error at line 1, col 3: unexpected }", Status.INVALID_QUERY),
        (500, "rpc error: context deadline exceeded", Status.TIMEOUT),
        (504, "gateway timeout", Status.TIMEOUT),
    ],
)
def test_lokis_own_words_decide(server: LokiStandIn, code: int, words: str, status: Status) -> None:
    server.refusal = lambda _code, _asked: plain(code, words)  # type: ignore[method-assign]
    server.fault("/loki/api/v1/query_range", code)
    outcome, _ = ask(collector(server), "logs", budget=Budget(deadline_seconds=0.3))
    assert outcome.status is status
    assert words in outcome.reason
    assert outcome.remedy


def test_a_missing_tenant_is_told_with_the_header_to_add(server: LokiStandIn) -> None:
    server.tenant = "shop|pay"
    outcome, _ = ask(collector(server), "logs")
    assert outcome.status is Status.UNAUTHENTICATED
    assert "X-Scope-OrgID" in outcome.remedy
    collecting = LokiCollector(
        Connection(name="l", url=server.url, allow_private=True, headers={"X-Scope-OrgID": "shop|pay"})
    )
    assert ask(collecting, "logs")[0].status is Status.EMPTY


def test_the_scope_becomes_matchers_with_the_labels_of_the_source(server: LokiStandIn) -> None:
    options = {"labels": {"namespace": "k8s_namespace_name", "app": "service-name"}}
    (query,) = collector(server, **options).plan(CHECKOUT, OUTAGE)
    assert query.text == '{k8s_namespace_name=~"shop", service_name=~"checkout"}'
    (query,) = collector(server).plan(Scope(), OUTAGE)
    assert query.text == '{namespace=~".+"}'


@pytest.mark.parametrize("name", ['a"} |= "x', "a\\", 'a\\"', "a`b", "a\nb", "{services}", "a|b", "ä.é"])
def test_no_name_leaves_its_matcher(server: LokiStandIn, name: str) -> None:
    scope = Scope(namespaces=(name,), workloads=(Workload("Deployment", name, name),))
    server.lines = [*lines(1, namespace=name, app=name), *lines(1)]
    outcome, (found,) = ask(collector(server), "logs", scope=scope)
    assert (outcome.kept, found.payload["total"]) == (1, 1)


def test_queries_of_ones_own_may_filter_and_parse(server: LokiStandIn) -> None:
    own = [{"name": "lost", "title": "Lost", "expr": '{namespace=~"{namespaces}"} |= "lost"'}]
    server.lines = [*lines(3), *lines(2, text="lost {n}")]
    outcome, (found,) = ask(collector(server, queries=own), "lost")
    assert (outcome.kept, found.dedup_key) == (2, "log:loki:lost:shop:checkout")


def test_an_empty_expression_is_invalid(server: LokiStandIn) -> None:
    outcome, _ = ask(collector(server, queries=[{"name": "none"}]), "none")
    assert outcome.status is Status.INVALID_QUERY
    assert server.requests == []


def test_a_link_opens_explore_at_the_window(server: LokiStandIn) -> None:
    server.lines = lines(1)
    _, (found,) = ask(collector(server, link_url="https://grafana.example/", datasource_uid="L1"), "logs")
    link = urlsplit(found.links[0]["url"])
    pane = json.loads(parse_qs(link.query)["panes"][0])["debrief"]
    assert (link.netloc, link.path, pane["datasource"]) == ("grafana.example", "/explore", "L1")
    assert pane["queries"][0]["expr"] == found.query
    assert pane["range"]["from"] == str(int(OUTAGE.start.timestamp() * 1_000))


def test_secrets_stay_out(server: LokiStandIn) -> None:
    server.lines = lines(1, text="login password=hunter2secret done", app="web")
    server.lines += lines(1, text="badge 12-34", pod="token=abcdef1234567890")
    outcome, found = ask(collector(server, redact={"badge": r"badge \d\d-\d\d"}), "logs", scope=SHOP)
    text = written(outcome, *found)
    assert "hunter2secret" not in text
    assert "12-34" not in text
    assert "abcdef1234567890" not in text
    assert sum(outcome.redactions.values()) >= 3


def test_each_log_tells_what_was_taken_out_of_its_own_lines(server: LokiStandIn) -> None:
    server.lines = [*lines(2, text="password=hunter2secret"), *lines(2, app="web")]
    outcome, (checkout, web) = ask(collector(server), "logs")
    assert (checkout.redactions, web.redactions) == ({"assigned-secret": 2}, {})
    assert outcome.redactions == {"assigned-secret": 2}


def test_a_preflight_tells_version_and_access(server: LokiStandIn) -> None:
    checks = collector(server).preflight()
    assert [(check.name, check.ok) for check in checks] == [
        ("reachable", True),
        ("authenticated", True),
        ("permitted", True),
    ]
    assert "3.4.2" in checks[0].detail
    server.tenant = "shop"
    (failing,) = [check for check in collector(server).preflight() if not check.ok]
    assert (failing.name, "X-Scope-OrgID" in failing.remedy) == ("authenticated", True)


@pytest.mark.parametrize(
    ("version", "texts"),
    [
        ("2.9", ["dial tcp 10.2.3.4:5432: i/o timeout", "dial tcp 10.2.3.5:5432: i/o timeout", "GET /cart 200"]),
        ("3.4", ["dial tcp 10.2.3.4:5432: i/o timeout", "retrying"]),
    ],
)
def test_the_answers_of_both_versions_are_read(version: str, texts: list[str]) -> None:
    answer = json.loads((PAYLOADS / f"streams-{version}.json").read_text())
    found = list(entries_of(answer))
    assert [entry.text for entry in found] == texts
    assert found[0].ns == 1_795_242_282_112_000_123
    assert {**found[0].labels, **found[0].metadata}["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
