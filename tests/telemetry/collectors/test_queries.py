"""Which of a source's own queries an incident asks for, and that no name leaves its place in them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from telemetry.collectors.queries import asked_of, filled, lucene_of, regexp_of
from telemetry.observations import Scope, Workload

USUAL = [{"name": "usual", "expr": "u"}]
HOSTILE = ['a"} or 1', "a\\", 'a\\"', "a'b", "a`b", "a\nb", "a|b", "(a", "ä", "{range}", "{services}", "a OR *", "a/*"]


def names(own: Any, scope: Scope) -> list[str]:
    return [asked.name for asked in asked_of({"queries": own}, scope, USUAL)]


def test_without_queries_of_its_own_a_source_asks_the_usual_ones() -> None:
    assert names([], Scope()) == names(None, Scope()) == names("nonsense", Scope()) == ["usual"]


def test_queries_for_everything_replace_the_usual_ones() -> None:
    assert names([{"name": "mine", "expr": "x"}], Scope()) == ["mine"]


def test_a_query_of_a_service_is_asked_beside_the_others_where_the_scope_has_it() -> None:
    own = [{"name": "of_checkout", "expr": "x", "services": ["checkout"]}]
    assert names(own, Scope(services=("checkout",))) == ["usual", "of_checkout"]
    assert names(own, Scope(workloads=(Workload("Deployment", "shop", "checkout"),))) == ["usual", "of_checkout"]
    assert names(own, Scope(services=("web",))) == ["usual"]


def test_a_query_of_a_namespace_is_asked_for_its_workloads() -> None:
    own = [{"name": "of_shop", "expr": "x", "namespaces": ["shop"]}]
    assert names(own, Scope(workloads=(Workload("Deployment", "shop", "web"),))) == ["usual", "of_shop"]
    assert names(own, Scope(namespaces=("pay",))) == ["usual"]


def test_a_scope_that_is_not_narrowed_asks_every_query() -> None:
    assert names([{"name": "of_shop", "expr": "x", "namespaces": ["shop"]}], Scope()) == ["usual", "of_shop"]


def test_a_name_is_asked_once_and_holds_only_plain_letters() -> None:
    assert names([{"name": "a b", "expr": "x"}, {"name": "a b", "expr": "y"}, {"expr": "z"}], Scope()) == [
        "a_b",
        "query_3",
    ]


def test_a_name_that_looks_like_a_placeholder_stays_a_name() -> None:
    scope = Scope(namespaces=("{services}",), services=("secret",))
    assert filled("{namespaces} {services} {range}", scope, lucene_of) == '("{services}") ("secret") {range}'


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_cannot_leave_a_string_of_promql_logql_or_traceql(name: str) -> None:
    written = regexp_of([name])
    assert not set(written) & set("\"'`\n")
    assert "\\" not in re.sub(r"\\\\x\{[0-9A-F]+\}", "", written)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_cannot_leave_a_phrase_of_lucene(name: str) -> None:
    assert re.fullmatch(r'\("(?:[^"\\\n]|\\\\|\\")*"\)', lucene_of([name]))


def test_no_names_match_everything() -> None:
    assert (regexp_of([]), regexp_of([], otherwise=".+"), lucene_of([])) == (".*", ".+", "*")
