"""Lines from stand-ins of Elasticsearch and OpenSearch: pages, partial answers, and points in time that are closed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from telemetry.collectors.elastic import ElasticsearchCollector, OpenSearchCollector
from telemetry.collectors.elastic.fields import value_at
from telemetry.collectors.elastic.reading import time_of_number
from telemetry.collectors.times import credible
from telemetry.observations import Budget, Connection, EvidenceType, Level, Scope, Status, Window, Workload
from tests.stand_ins.elastic import ElasticStandIn, OpenSearchStandIn, failure
from tests.telemetry.collectors.asking import CHECKOUT, OUTAGE, ask, at, written

PAYLOADS = Path(__file__).parents[2] / "payloads" / "elasticsearch"
WIDE = Budget(deadline_seconds=8)
KINDS: dict[str, tuple[Callable[[], ElasticStandIn], Callable[[Connection], Any]]] = {
    "elasticsearch": (ElasticStandIn, ElasticsearchCollector),
    "opensearch": (OpenSearchStandIn, OpenSearchCollector),
}


@pytest.fixture
def server() -> Iterator[ElasticStandIn]:
    with ElasticStandIn() as stand_in:
        yield stand_in


def collector(server: ElasticStandIn, **options: Any) -> ElasticsearchCollector:
    return ElasticsearchCollector(connection(server, **options))


def connection(server: ElasticStandIn, **options: Any) -> Connection:
    return Connection(name="e", url=server.url, allow_private=True, options=options)


def docs(count: int, *, every: float = 1, text: str = "served {n}", **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "@timestamp": (at("06:30:00") + timedelta(seconds=n * every)).isoformat(timespec="milliseconds"),
            "message": text.format(n=n),
            "log": {"level": "info"},
            "service": {"name": "checkout"},
            "kubernetes": {"namespace": "shop"},
            **more,
        }
        for n in range(count)
    ]


@pytest.mark.parametrize("shipper", ["ecs", "fluent-bit", "dotted", "opentelemetry"])
def test_each_shippers_fields_are_read(server: ElasticStandIn, shipper: str) -> None:
    server.mapped = frozenset()
    server.docs = [json.loads((PAYLOADS / "documents.json").read_text())[shipper]]
    outcome, (found,) = ask(collector(server), "logs", scope=CHECKOUT)
    payload = found.payload
    assert (outcome.status, found.type, found.level) == (Status.COMPLETE, EvidenceType.LOG, Level.ERROR)
    assert (payload["service"], payload["namespace"], payload["pod"], payload["container"]) == (
        "checkout",
        "shop",
        "checkout-1",
        "app",
    )
    assert payload["lines"][0]["text"] == "dial tcp: i/o timeout"
    assert payload["trace_ids"] == ["4bf92f3577b34da6a3ce929d0e0e4736"]


@pytest.mark.parametrize("written", ["1795243800123.456789", 1795243800123, "2026-11-21T06:50:00.123456789Z"])
def test_times_of_nanoseconds_are_read_however_they_are_written(server: ElasticStandIn, written: Any) -> None:
    server.nanoseconds = True
    server.docs = [{**docs(1)[0], "@timestamp": written}]
    outcome, (found,) = ask(collector(server), "logs")
    assert (outcome.status, found.first_at.replace(microsecond=0)) == (Status.COMPLETE, at("06:50:00"))
    assert found.first_at.microsecond == (123_000 if isinstance(written, int) else 123_456)


def test_an_index_of_nanoseconds_is_paged_in_milliseconds(server: ElasticStandIn) -> None:
    server.nanoseconds = True
    server.docs = docs(1_050)
    outcome, (found,) = ask(collector(server), "logs", budget=WIDE)
    assert (outcome.status, outcome.kept, found.first_at) == (Status.COMPLETE, 1_050, at("06:30:00"))


def test_a_line_that_is_read_twice_is_redacted_once(server: ElasticStandIn) -> None:
    server.docs = [*docs(1, text="ERROR password=hunter2secret", log={"level": "error"}), *docs(30)]
    _, (found,) = ask(collector(server), "logs", budget=Budget(deadline_seconds=3, items=20))
    assert found.redactions == {"assigned-secret": 1}


@pytest.mark.parametrize("value", [None, True, "", "soon", "9" * 19, "1e9", -1, {}, []])
def test_what_is_no_number_of_milliseconds_is_no_credible_time(value: Any) -> None:
    assert credible(time_of_number(value)) is None


@pytest.mark.parametrize("kind", KINDS)
def test_pages_follow_the_newest_id_and_the_last_one_is_closed(kind: str) -> None:
    stand_in, collecting = KINDS[kind]
    with stand_in() as server:
        # More lines of one millisecond than a page holds: only a tiebreak gets past them.
        server.docs = [*docs(1_100, every=0), *docs(50)]
        outcome, (found,) = ask(collecting(connection(server)), "logs", budget=WIDE)
    assert (outcome.status, outcome.kept, found.payload["total"]) == (Status.COMPLETE, 1_150, 1_150)
    assert server.used == [f"pit-{n}" for n in range(len(server.used))]
    assert server.closed == [f"pit-{len(server.used)}"]


def test_a_server_without_any_tiebreak_still_answers(server: ElasticStandIn) -> None:
    server.tiebreaks = []
    server.docs = docs(3)
    assert ask(collector(server), "logs")[0].status is Status.COMPLETE


def test_an_opensearch_that_forbids_sorting_by_id_is_asked_by_document() -> None:
    with OpenSearchStandIn(docs(3)) as server:
        server.tiebreaks = ["_doc"]
        assert ask(OpenSearchCollector(connection(server)), "logs")[0].status is Status.COMPLETE


@pytest.mark.parametrize("fault", ["500", "403", "hang", "cut", "garbage", "huge"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_point_in_time_is_closed_after_every_fault(kind: str, fault: str) -> None:
    stand_in, collecting = KINDS[kind]
    with stand_in() as server:
        server.fault("/_search", fault)
        budget = Budget(deadline_seconds=0.25 if fault == "hang" else 4, bytes=1024 * 1024)
        ask(collecting(connection(server)), "logs", budget=budget)
    assert server.closed == ["pit-0"]


def test_it_is_closed_when_the_requests_are_used_up(server: ElasticStandIn) -> None:
    server.docs = docs(1_500)
    outcome, _ = ask(collector(server), "logs", budget=Budget(deadline_seconds=8, requests=4))
    assert (outcome.status, outcome.truncated_by, outcome.kept) == (Status.TRUNCATED, "requests", 1_000)
    assert "kept 1,000 of 1,500 lines" in outcome.reason
    assert len(server.closed) == 1


def test_more_lines_than_the_budget_are_truncated_with_the_errors_kept(server: ElasticStandIn) -> None:
    server.docs = [*docs(900), *docs(40, text="lost {n}", log={"level": "ERROR"})]
    for doc in server.docs[900:]:
        doc["@timestamp"] = "2026-11-21T07:04:50+00:00"
    server.docs += docs(5, text="Traceback: {n}", log={}, every=60)
    outcome, (found,) = ask(collector(server), "logs", budget=Budget(deadline_seconds=8, items=200))
    assert (outcome.status, outcome.truncated_by) == (Status.TRUNCATED, "items")
    assert outcome.reason.startswith("kept 200 of 945 lines")
    assert (outcome.fetched, outcome.kept, outcome.dropped) == (945, 200, 745)
    assert (found.payload["total"], found.payload["errors"]) == (945, 45)
    assert {one["pattern"] for one in found.payload["patterns"][:2]} == {"lost <*>", "Traceback: <*>"}
    assert sum(bucket["count"] for bucket in found.payload["histogram"]) == 945


def test_exactly_as_many_lines_as_the_budget_takes_are_complete(server: ElasticStandIn) -> None:
    server.docs = docs(1_000)
    outcome, _ = ask(collector(server), "logs", budget=Budget(deadline_seconds=8, items=1_000))
    assert (outcome.status, outcome.kept) == (Status.COMPLETE, 1_000)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"timed_out": True}, "ran out of its time"),
        (
            {"_shards": {"total": 5, "failed": 2, "failures": [{"reason": {"reason": "all shards are red"}}]}},
            "2 of 5 shards failed: all shards are red",
        ),
        ({"_clusters": {"total": 2, "successful": 1, "skipped": 1}}, "1 remote clusters were left out"),
    ],
)
def test_an_answer_of_200_that_lacks_something_is_partial(
    server: ElasticStandIn, told: dict[str, Any], words: str
) -> None:
    server.docs = docs(2)
    server.partial = told
    outcome, found = ask(collector(server), "logs")
    assert (outcome.status, len(found), outcome.retryable) == (Status.PARTIAL, 1, True)
    assert words in outcome.reason
    server.docs = docs(1, kubernetes={"namespace": "other"})
    outcome, found = ask(collector(server), "logs")
    assert (outcome.status, found) == (Status.PARTIAL, [])


def test_nothing_in_an_index_that_reaches_back_is_empty(server: ElasticStandIn) -> None:
    server.docs = [*docs(1, kubernetes={"namespace": "other"})]
    server.docs[0]["@timestamp"] = "2026-11-01T00:00:00+00:00"
    outcome, _ = ask(collector(server), "logs")
    assert (outcome.status, outcome.covered_from) == (Status.EMPTY, OUTAGE.start)


def test_a_window_before_the_oldest_line_is_gone(server: ElasticStandIn) -> None:
    server.docs = docs(1)
    window = Window(at("01:00:00"), at("02:00:00"))
    outcome, _ = ask(collector(server), "logs", window=window)
    assert outcome.status is Status.GONE
    assert "2026-11-21T06:30:00Z" in outcome.reason
    outcome, _ = ask(collector(server), "logs", window=Window(at("01:00:00"), at("06:30:00") + timedelta(seconds=-1)))
    assert outcome.status is Status.GONE


@pytest.mark.parametrize(("index", "indices"), [("missing", ["x"]), ("none-*", [])])
def test_an_index_that_is_not_there_is_not_installed(server: ElasticStandIn, index: str, indices: list[str]) -> None:
    server.indices = indices
    outcome, _ = ask(collector(server, index=index), "logs")
    assert outcome.status is Status.NOT_INSTALLED
    assert "index" in outcome.remedy
    assert server.opened == []


@pytest.mark.parametrize("index", ["a b", "../_security", "x?y", 'a"', "a#b", ""])
def test_an_index_cannot_lead_elsewhere(server: ElasticStandIn, index: str) -> None:
    outcome, _ = ask(collector(server, index=index), "logs")
    assert outcome.status in {Status.NOT_CONFIGURED, Status.EMPTY}
    assert not any("_security" in path for path in server.paths())


def test_a_scope_that_no_field_holds_is_not_answered_with_everything(server: ElasticStandIn) -> None:
    server.mapped = frozenset()
    server.docs = docs(3, kubernetes={}, service={})
    outcome, found = ask(collector(server), "logs", scope=CHECKOUT)
    assert (outcome.status, found) == (Status.NOT_CONFIGURED, [])
    assert "namespace_fields" in outcome.remedy


def test_a_half_of_the_scope_that_no_field_holds_is_told(server: ElasticStandIn) -> None:
    server.mapped = frozenset()
    server.docs = docs(3, service={})
    outcome, _ = ask(collector(server), "logs", scope=CHECKOUT)
    assert (outcome.status, outcome.kept) == (Status.PARTIAL, 3)
    assert outcome.reason == "no field of the index holds the service, so it did not narrow"


def test_text_fields_without_whole_values_are_searched_by_phrase(server: ElasticStandIn) -> None:
    server.multi = False
    server.docs = [*docs(2), *docs(1, kubernetes={"namespace": "other"})]
    outcome, (found,) = ask(collector(server), "logs", scope=CHECKOUT)
    assert (outcome.kept, found.payload["total"]) == (2, 2)


def test_fields_of_ones_own_are_asked(server: ElasticStandIn) -> None:
    server.docs = [{"when": "x", "@timestamp": "2026-11-21T06:31:00+00:00", "m": "hello", "team": {"ns": "shop"}}]
    options = {"message_field": "m", "namespace_fields": ["team.ns"], "service_fields": "team.ns"}
    _, (found,) = ask(collector(server, **options), "logs")
    assert (found.payload["lines"][0]["text"], found.payload["namespace"]) == ("hello", "shop")


@pytest.mark.parametrize("name", ['a" OR *', "a\\", "a:b", "a/b", "*", "a\nb"])
def test_no_name_leaves_its_place(server: ElasticStandIn, name: str) -> None:
    scope = Scope(workloads=(Workload("Deployment", name, name),))
    server.docs = [*docs(1, service={"name": name}, kubernetes={"namespace": name}), *docs(1)]
    outcome, (found,) = ask(collector(server), "logs", scope=scope)
    assert (outcome.kept, found.payload["total"]) == (1, 1)


def test_queries_of_ones_own_are_lucene_with_the_scope_in_it(server: ElasticStandIn) -> None:
    own = [{"name": "lost", "expr": 'message:"lost" AND kubernetes.namespace:{namespaces}'}]
    server.docs = [*docs(3), *docs(2, text="lost {n}")]
    (query,) = collector(server, queries=own).plan(CHECKOUT, OUTAGE)
    assert query.params["expr"] == 'message:"lost" AND kubernetes.namespace:("shop")'
    outcome, (found,) = ask(collector(server, queries=own), "lost")
    assert (outcome.kept, found.dedup_key) == (2, "log:elasticsearch:lost:shop:checkout")
    assert ask(collector(server, queries=[{"name": "none"}]), "none")[0].status is Status.INVALID_QUERY


@pytest.mark.parametrize(
    ("code", "kind", "words", "status"),
    [
        (400, "query_shard_exception", "Failed to parse query [a AND]", Status.INVALID_QUERY),
        (429, "es_rejected_execution_exception", "rejected execution", Status.THROTTLED),
        (404, "search_context_missing_exception", "No search context found", Status.ERROR),
        (405, "", "Incorrect HTTP method for uri", Status.NOT_INSTALLED),
    ],
)
def test_the_servers_own_reason_is_told(
    server: ElasticStandIn, code: int, kind: str, words: str, status: Status
) -> None:
    server.refusal = lambda _code, _asked: failure(code, kind, words)  # type: ignore[method-assign]
    server.fault("/_search", code, retry_after="60")
    outcome, _ = ask(collector(server), "logs")
    assert outcome.status is status
    assert words in outcome.reason or code == 404


def test_a_denied_search_names_the_privilege() -> None:
    for stand_in, collecting in KINDS.values():
        with stand_in() as server:
            server.fault("/_search", "403")
            outcome, _ = ask(collecting(connection(server)), "logs")
        assert outcome.status is Status.DENIED
        assert "read" in outcome.remedy
        assert "indices:data/read/search" in outcome.reason


def test_an_api_key_is_sent_as_elasticsearch_wants_it(server: ElasticStandIn) -> None:
    keyed = Connection(name="e", url=server.url, allow_private=True, auth={"api_key": "a2V5OnNlY3JldA=="})
    outcome, _ = ask(ElasticsearchCollector(keyed), "logs")
    assert {asked.headers["authorization"] for asked in server.requests} == {"ApiKey a2V5OnNlY3JldA=="}
    assert "a2V5OnNlY3JldA==" not in written(outcome)


def test_a_link_opens_discover_at_the_window(server: ElasticStandIn) -> None:
    server.docs = docs(1)
    _, (found,) = ask(collector(server, link_url="https://kibana.example/", data_view="it's"), "logs")
    url = unquote(found.links[0]["url"])
    assert url.startswith("https://kibana.example/app/discover#/?_g=(time:(from:'2026-11-21T06:22:00Z'")
    assert "index:'it!'s'" in url
    assert "query:'kubernetes.namespace:(\"shop\")'" in url


def test_secrets_stay_out(server: ElasticStandIn) -> None:
    server.docs = docs(1, text="login password=hunter2secret done")
    outcome, found = ask(collector(server), "logs")
    assert "hunter2secret" not in written(outcome, *found)
    assert sum(outcome.redactions.values()) == 1


def test_a_preflight_opens_and_closes_a_point_in_time() -> None:
    for stand_in, collecting in KINDS.values():
        with stand_in() as server:
            server.docs = docs(1)
            checks = collecting(connection(server)).preflight()
        assert [(check.name, check.ok) for check in checks] == [("reachable", True), ("permitted", True)]
        assert "kubernetes.namespace" in checks[1].detail
        assert server.closed == ["pit-0"]


def test_a_value_is_found_under_any_writing_of_its_path() -> None:
    assert value_at({"a": {"b.c": 1}}, "a.b.c") == 1
    assert value_at({"a.b": {"c": 2}}, "a.b.c") == 2
    assert value_at({"a": 3}, "a.b.c") is None
    assert value_at([], "a") is None
