"""Search: what is found at once and by the sweep, filters, facets, snippets, typing errors; nothing hidden leaks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from incidents.actions.incident import change_incident
from incidents.actions.postmortem import save_postmortem
from incidents.actions.publication import publish_postmortem
from incidents.actions.timeline import change_entry
from incidents.models import Happening, Incident, Severity, TimelineEntry
from knowledge.actions.checklist import delete_checklist
from knowledge.actions.lesson import delete_lesson
from knowledge.matching import match_incident
from knowledge.models import SearchCursor, SearchDocument
from knowledge.search.events import search_events
from knowledge.search.indexing import sweep
from knowledge.search.parsing import parse, written
from knowledge.search.querying import search
from knowledge.search.snippets import marked, snippet
from tests.api.test_query_counts import queries_of
from tests.builders import (
    NOW,
    make_checklist,
    make_cluster_event,
    make_evidence,
    make_followup,
    make_incident,
    make_lesson,
    make_note,
    make_person,
    make_postmortem,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_else(db: None) -> None:
    """Without the checklists that came with the database."""
    SearchDocument.objects.all().delete()


def found(text: str, who: str = "cy", **options: Any) -> list[str]:
    return [hit.title for hit in search(text, make_person(who), **options).hits]


def test_what_a_person_saves_is_found_at_once() -> None:
    incident = make_incident(title="Basket vanishes", summary="The quagga cache was evicted.")
    make_lesson(statement="Never trust a quagga.")
    make_checklist(name="Quagga rescue")
    make_followup(incident, title="Fence the quagga")
    make_note(incident, text="Saw the quagga at the gate.")
    postmortem = make_postmortem(incident)
    postmortem.body = "## Summary\n\nA **quagga** ate the cache."
    postmortem.save()
    kinds = {hit.kind for hit in search("quagga", make_person("cy")).hits}
    assert kinds == {"incident", "lesson", "checklist", "followup", "timeline", "postmortem"}


def test_evidence_is_found_after_the_sweep_and_links_to_itself() -> None:
    incident = make_incident()
    make_evidence(
        incident,
        type="log",
        title="Log of app",
        payload={"patterns": [{"pattern": "ERROR zeppelin exploded", "level": "error"}]},
    )
    SearchDocument.objects.filter(kind="evidence").delete()  # collectors write many at a time, which nothing hears
    assert found("zeppelin") == []
    assert sweep(NOW) > 0
    [hit] = search("zeppelin", make_person("cy")).hits
    assert (hit.kind, hit.url) == ("evidence", f"/incidents/{incident.number}/evidence/1/")
    assert ("zeppelin", True) in hit.parts
    before = SearchDocument.objects.count()
    sweep(NOW)
    assert SearchDocument.objects.count() == before


def test_the_sweep_goes_on_where_it_stopped_and_reads_young_rows_again() -> None:
    incident = make_incident()
    make_evidence(incident, title="First zeppelin", observed_at=NOW)
    sweep(NOW)
    cursor = SearchCursor.objects.get(kind="evidence")
    assert cursor.at == NOW
    make_evidence(incident, title="Late zeppelin", observed_at=NOW - timedelta(seconds=5))
    sweep(NOW)
    sweep(NOW)
    assert len(found("zeppelin")) == 2


def test_what_is_gone_or_hidden_is_found_no_more(ada: User) -> None:
    incident = make_incident()
    lesson, checklist = make_lesson(statement="Quagga lesson"), make_checklist(name="Quagga list")
    make_note(incident, text="Quagga note")
    entry = TimelineEntry.objects.get(text="Quagga note")
    assert len(found("quagga")) == 3
    delete_lesson(lesson=lesson, by=ada, now=NOW)
    delete_checklist(checklist=checklist, by=ada, now=NOW)
    change_entry(entry=entry, by=ada, now=NOW, hidden=True)
    sweep(datetime.now(UTC))
    assert found("quagga") == []


def test_what_people_wrote_comes_before_evidence_that_says_the_same() -> None:
    incident = make_incident(title="The zeppelin is away")
    for place in range(3):
        make_evidence(incident, type="log", title=f"Log of zeppelin in zeppelin-{place}")
    sweep(NOW)
    kinds = [hit.kind for hit in search("zeppelin", make_person("cy")).hits]
    assert kinds == ["incident", "evidence", "evidence", "evidence"]


def test_phrases_negation_stems_and_keys() -> None:
    make_incident(title="Checkout restarts all the time")
    make_incident(title="The time of checkout")
    assert found('"restarts all"') == ["INC-1 Checkout restarts all the time"]
    assert found("restarted") == ["INC-1 Checkout restarts all the time"]
    assert found("checkout -restarts") == ["INC-2 The time of checkout"]
    assert found("INC-2")[0] == "INC-2 The time of checkout"
    assert found("inc2")[0] == "INC-2 The time of checkout"


def test_filters_narrow_and_facets_count_what_is_left() -> None:
    make_incident(title="Cache full", services=["checkout"], severity="SEV1", now=NOW)
    make_incident(title="Cache cold", services=["search"], severity="SEV3", now=NOW - timedelta(days=90))
    make_lesson(statement="A cache is a promise.", services=["checkout"])
    assert found("cache service:checkout kind:incident") == ["INC-1 Cache full"]
    assert found("cache severity:sev3") == ["INC-2 Cache cold"]
    assert found("cache before:2026-10-01") == ["INC-2 Cache cold"]
    assert found("cache kind:incident after:2026-10-01") == ["INC-1 Cache full"]
    assert found("status:open severity:SEV1") == ["INC-1 Cache full"]
    facets = search("cache kind:incident", make_person("cy")).facets
    assert {(value, count, chosen) for value, _, count, chosen in facets["kind"]} == {
        ("incident", 2, True),
        ("lesson", 1, False),
    }
    assert {(value, count) for value, _, count, _ in facets["service"]} == {("checkout", 1), ("search", 1)}


def test_nothing_of_a_restricted_incident_is_in_results_snippets_facets_counts_or_help() -> None:
    hidden = make_incident(title="Xylophone leaked", services=["vault"], visibility="restricted", by=make_person("ben"))
    make_note(hidden, text="Xylophone note", by=make_person("ben"))
    make_followup(hidden, title="Burn the xylophone")
    postmortem = make_postmortem(hidden)
    postmortem.body = "The xylophone was loud."
    postmortem.save()
    make_lesson(statement="A xylophone is a secret.", postmortems=[postmortem])
    make_evidence(hidden, title="xylophone evidence")
    sweep(NOW)
    for text in ("xylophone", "xylophon", "service:vault", hidden.key, "xylofone", "kind:lesson", "loud"):
        told = search(text, make_person("cy"))
        assert (told.total, told.hits, told.suggestion) == (0, [], ""), text
        assert not any("vault" in str(values) for values in told.facets.values())
    assert search("xylophone", make_person("ben")).total == 6
    assert search("xylofone", make_person("ben")).suggestion == "xylophone"


def test_a_word_with_an_error_is_helped(as_cy: Client) -> None:
    make_incident(title="Certificate of the gateway expired")
    told = search("certifikate gateway", make_person("cy"))
    assert told.suggestion == "certificate gateway"
    shown = as_cy.get("/search/", {"q": "certifikate gateway"}).content.decode()
    assert "Did you mean" in shown


def test_archived_events_are_found_by_their_words() -> None:
    make_cluster_event(message="Back-off restarting failed container", about_name="checkout-1")
    make_cluster_event(message="Quiet", reason="Scheduled")
    told = search_events(parse("restarting checkout-1"))
    assert told.total == 1
    assert ("restarting", True) in told.hits[0].parts
    assert search_events(parse("reason:Scheduled")).total == 1
    assert search_events(parse("nothing like it")).total == 0


def test_the_page_keeps_filters_in_the_address_and_says_what_was_not_understood(as_cy: Client) -> None:
    make_incident(title="Cache full", services=["web shop"])
    shown = as_cy.get("/search/", {"q": 'cache service:"web shop" before:yesterday'}).content.decode()
    assert "service: web shop" in shown
    assert "expected a day such as 2026-11-28" in shown
    assert "<mark>Cache</mark>" in shown
    assert "What are you looking for?" in as_cy.get("/search/").content.decode()
    assert "Nothing matches" in as_cy.get("/search/", {"q": "zzzz"}).content.decode()


def test_the_palette_finds_with_a_word_half_typed(as_cy: Client) -> None:
    make_incident(title="Kubernetes upgrade broke ingress")
    shown = as_cy.get("/search/quick/", {"q": "upgrade ingr"}).content.decode()
    assert "INC-1" in shown
    assert 'role="option"' in shown


def test_hostile_titles_and_words_stay_text(as_cy: Client) -> None:
    make_incident(title="<script>alert(1)</script> cache", summary="<img src=x onerror=alert(1)> cache")
    shown = as_cy.get("/search/", {"q": "cache <script>"}).content.decode()
    assert "<script>alert" not in shown
    assert "<img src=x" not in shown


def test_the_page_asks_the_same_of_few_and_of_many(as_cy: Client) -> None:
    for place in range(3):
        make_incident(title=f"Cache {place}")
    few = queries_of(lambda: as_cy.get("/search/?q=cache"))
    for place in range(3, 15):
        make_incident(title=f"Cache {place}", services=[f"s{place}"])
    assert queries_of(lambda: as_cy.get("/search/?q=cache")) == few


def test_pages_follow_each_other_without_holes(as_cy: Client) -> None:
    for place in range(25):
        make_incident(title=f"Cache {place}")
    first = as_cy.get("/api/v1/search/", {"q": "cache"}).json()
    assert (first["total"], len(first["results"])) == (25, 20)
    second = as_cy.get(first["next"]).json()
    assert second["next"] is None
    keys = {row["key"] for row in [*first["results"], *second["results"]]}
    assert len(keys) == 25


def test_programs_are_told_what_is_wrong(as_cy: Client) -> None:
    for query, name in (({"q": " "}, "q"), ({"q": "a before:x"}, "q.before"), ({"q": "a", "from": "-1"}, "from")):
        answer = as_cy.get("/api/v1/search/", query)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == name


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=400))
def test_nothing_that_is_typed_breaks_it(text: str, cy: User) -> None:
    asked = parse(text)
    search(asked, cy, typing=True)
    search_events(asked)
    again = parse(written(asked))
    assert (again.before, again.after) == (asked.before, asked.after)


@given(text=st.text(max_size=600), stems=st.lists(st.text(min_size=1, max_size=8), max_size=4))
def test_marking_loses_no_text(text: str, stems: list[str]) -> None:
    assert "".join(part for part, _ in marked(text, stems)) == text
    assert sum(len(part) for part, _ in snippet(text, stems)) <= 260


def test_incidents_that_change_are_found_as_they_are_now(ada: User) -> None:
    incident = make_incident(title="Old words")
    Incident.objects.get(pk=incident.pk)
    incident.title = "Fresh words"
    incident.save()
    assert found("fresh") == ["INC-1 Fresh words"]
    assert found("old") == []


def test_a_draft_after_publication_is_not_found(ben: User) -> None:
    postmortem = make_postmortem()
    save = {"postmortem": postmortem, "based_on": None, "title": "Told", "by": ben}
    publish_postmortem(postmortem=save_postmortem(body="A walrus was told.", now=NOW, **save), by=ben, now=NOW)
    save_postmortem(body="A narwhal is drafted.", now=NOW + timedelta(minutes=1), **save)
    assert len(found("walrus")) == 1
    assert found("narwhal") == []


def test_rows_that_were_committed_late_are_found_while_others_arrive() -> None:
    incident = make_incident()
    now = datetime.now(UTC)
    for place in range(4):
        make_evidence(incident, title=f"zeppelin {place}", observed_at=now + timedelta(seconds=place))
        sweep(now + timedelta(seconds=place))
    late = make_evidence(incident, title="zeppelin late", observed_at=now + timedelta(seconds=1))
    SearchDocument.objects.filter(kind="evidence", ref=late.pk).delete()  # collectors write many at a time
    make_evidence(incident, title="zeppelin newest", observed_at=now + timedelta(seconds=6))
    sweep(now + timedelta(seconds=7))
    assert len(found("zeppelin")) == 6


def test_facets_follow_the_incident(ada: User) -> None:
    incident = make_incident(title="Cache", severity="SEV3")
    make_followup(incident, title="Bound the cache")
    sev1 = Severity.objects.get(name="SEV1")
    change_incident(incident=incident, by=ada, now=NOW, severity=sev1, services=["checkout"])
    assert len(found("cache severity:SEV1 service:checkout")) == 2


def test_an_incident_is_found_by_the_reasons_of_its_evidence() -> None:
    incident = make_incident(title="Cache")
    make_evidence(incident, level="error", subject={"kind": "Pod", "name": "checkout-1"})
    match_incident(incident.pk, NOW)
    assert "INC-1 Cache" in found("reason:BackOff kind:incident")


def test_days_that_no_calendar_has_are_told(as_cy: Client) -> None:
    for address in ("/search/", "/search/quick/"):
        assert as_cy.get(address, {"q": "x after:9999-12-31"}).status_code == 200
    assert parse("after:9999-12-31").problems


def test_deleting_other_things_reads_no_rows(django_assert_num_queries: Any) -> None:
    Happening.objects.create(name="x", at=NOW, told={}, due_at=NOW)
    with django_assert_num_queries(1):
        Happening.objects.all().delete()
