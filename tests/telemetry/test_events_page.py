"""The page of archived Events: what it shows, what it asks, and what it says where there is nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from telemetry.models import Heartbeat
from tests.api.test_query_counts import queries_of
from tests.builders import (
    NOW,
    make_cluster,
    make_cluster_event,
    make_gap,
    make_incident,
    make_recording,
)

pytestmark = pytest.mark.django_db
THEN = "since=2026-11-21T06:00:00Z&until=2026-11-21T07:00:00Z"


def page(client: Client, query: str = THEN) -> str:
    answer = client.get(f"/events/?{query}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def listen() -> Any:
    """A cluster that the recorder hears at this moment."""
    now = timezone.now()
    Heartbeat.objects.update_or_create(name="recorder", defaults={"at": now})
    return make_recording(since=now - timedelta(hours=2), heard_at=now)


def test_a_row_tells_time_reason_object_count_message_and_signal(as_cy: Client) -> None:
    make_cluster_event(
        count=10, first_at=NOW - timedelta(minutes=7), signal="crash-loop", gone_at=NOW + timedelta(hours=1)
    )
    text = page(as_cy)
    assert 'title="2026-11-21 06:38:12 UTC">06:38:12</time>' in text
    for part in ("BackOff", "checkout-1", "×10 since 06:31:12", "Back-off restarting", "Crash loop", "gone from"):
        assert part in text


def test_a_count_that_is_a_minimum_says_so(as_cy: Client) -> None:
    make_cluster_event(count=2, is_lower_bound=True)
    assert "at least ×2" in page(as_cy)


def test_hostile_text_is_shown_as_text(as_cy: Client) -> None:
    bad = '"><script>alert(1)</script>'
    make_cluster_event(
        **dict.fromkeys(("reason", "message", "about_kind", "about_name", "namespace", "type", "signal"), bad)
    )
    text = page(as_cy) + page(as_cy, f"{THEN}&q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_a_row_leads_to_everything_about_its_object(as_cy: Client) -> None:
    make_cluster_event(uid="other", reason="Created", about_name="cart-1")
    make_cluster_event(uid="one")
    make_cluster_event(uid="old", reason="Pulled", first_at=NOW - timedelta(days=20), last_at=NOW - timedelta(days=20))
    link = re.search(r'href="(\?window=all[^"]*)"', page(as_cy))
    assert link is not None
    text = page(as_cy, link[1][1:].replace("&amp;", "&"))
    assert "Pulled" in text
    assert "Created" not in text


def test_the_last_24_hours_are_shown_unless_the_address_says_otherwise(as_cy: Client) -> None:
    now = timezone.now()
    make_cluster_event(uid="old", reason="Pulled", last_at=now - timedelta(days=2))
    make_cluster_event(uid="young", first_at=now, last_at=now)
    assert "Pulled" not in page(as_cy, "")
    assert "BackOff" in page(as_cy, "")
    assert "Pulled" in page(as_cy, "window=7d")
    assert "BackOff" in page(as_cy, "window=1h")


def test_pages_follow_each_other_and_keep_the_filters(as_cy: Client) -> None:
    cluster = make_cluster()
    for place in range(120):
        make_cluster_event(cluster=cluster, uid=f"e{place}", name=f"n{place}", about_name=f"pod-{place}")
    seen: list[str] = []
    query = f"{THEN}&namespace=shop"
    for _ in range(5):
        text = page(as_cy, query)
        seen += re.findall(r"</span>(pod-\d+)</a>", text)
        following = re.search(r'rel="next" href="\?([^"]*)"', text)
        if following is None:
            break
        query = following[1].replace("&amp;", "&")
        assert "namespace=shop" in query
    assert len(seen) == len(set(seen)) == 120


def test_a_cursor_that_is_none_is_not_found(as_cy: Client) -> None:
    assert as_cy.get("/events/?after=nonsense").status_code == 404


def test_what_cannot_be_read_is_named_and_the_rest_kept(as_cy: Client) -> None:
    make_cluster()
    answer = as_cy.get("/events/?since=yesterday&namespace=shop&cluster=nowhere")
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "yesterday" in text
    assert 'value="shop"' in text
    answer = as_cy.get("/events/?cluster=nowhere")
    assert (answer.status_code, "nowhere" in answer.content.decode()) == (422, True)


def test_times_of_the_form_are_of_the_readers_zone(as_cy: Client) -> None:
    make_cluster_event()
    as_cy.cookies["tz"] = "Europe/Berlin"
    assert "07:38:12" in page(as_cy, "since=2026-11-21T07:38:00&until=2026-11-21T07:39:00")
    assert "07:38:12" not in page(as_cy, "since=2026-11-21T06:38:00&until=2026-11-21T06:39:00")


def test_coverage_names_what_is_recorded_and_each_gap(as_cy: Client) -> None:
    make_recording(since=NOW - timedelta(minutes=28), heard_at=NOW + timedelta(minutes=4))
    make_gap(started_at=NOW - timedelta(minutes=7), ended_at=NOW - timedelta(minutes=5))
    text = page(as_cy)
    assert "recorded 06:10–06:42, gap 06:31–06:33 (the cluster no longer had what changed meanwhile)" in text
    assert "The absence of an Event proves nothing" in text


def test_the_counts_come_as_a_fragment_with_the_numbers(as_cy: Client) -> None:
    make_cluster_event(uid="w1")
    make_cluster_event(uid="w2", first_at=NOW - timedelta(minutes=20), last_at=NOW - timedelta(minutes=20))
    make_cluster_event(uid="n1", type="Normal")
    make_cluster_event(uid="goes-on", type="Normal", last_at=NOW + timedelta(days=1))
    text = as_cy.get(f"/events/counts/?{THEN}", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in text
    assert "4 Events by when they were last seen, 2 of them warnings" in text
    assert text.count("<rect") == 4
    assert as_cy.get(f"/events/counts/?{THEN}").content.decode().count("<html") == 1


def test_the_counts_of_all_time_begin_with_the_first_event(as_cy: Client) -> None:
    make_cluster_event(uid="first", first_at=NOW - timedelta(days=30), last_at=NOW - timedelta(days=30))
    make_cluster_event(uid="last")
    text = as_cy.get("/events/counts/?window=all", headers={"HX-Request": "true"}).content.decode()
    assert "2 Events by when they were last seen" in text


def test_counts_of_nothing_and_of_nonsense_are_words(as_cy: Client) -> None:
    make_cluster()
    for query, words in (
        (THEN, "No Event in this time."),
        ("since=x", "expected a time"),
        ("cluster=nowhere", "expected the name of a connected cluster"),
        ("window=all", "No Event in this time."),
        ("since=1971-01-01T00:00:00Z&until=2199-01-01T00:00:00Z", "No Event in this time."),
    ):
        answer = as_cy.get(f"/events/counts/?{query}", headers={"HX-Request": "true"})
        assert (answer.status_code, words in answer.content.decode()) == (200, True)


def test_an_empty_page_says_why_and_what_to_do(as_cy: Client, as_root: Client) -> None:
    assert "Connect a cluster" in page(as_root, "")
    assert "An admin connects clusters" in page(as_cy, "")
    make_cluster()
    assert "The recorder has not been heard of." in page(as_cy, "")
    listen()
    assert "The recorder is heard; the clusters said nothing" in page(as_cy, "")
    assert "Take a filter away" in page(as_cy, "reason=none")


def test_the_page_asks_the_same_of_few_and_of_many(as_cy: Client) -> None:
    recording = listen()
    make_cluster_event(cluster=recording.cluster, last_at=timezone.now())
    few = queries_of(lambda: as_cy.get("/events/"))
    for place in range(60):
        make_cluster_event(cluster=recording.cluster, uid=f"more-{place}", last_at=timezone.now())
        make_gap(cluster=recording.cluster, ended_at=timezone.now())
    assert queries_of(lambda: as_cy.get("/events/")) == few


def test_an_incident_leads_to_the_archive_of_its_time_and_place(as_cy: Client) -> None:
    cluster = make_cluster()
    incident = make_incident(clusters=[cluster])
    make_cluster_event(reason="FailedMount")
    make_cluster_event(uid="elsewhere", reason="Pulled", namespace="pay")
    text = as_cy.get(incident.get_absolute_url()).content.decode()
    link = re.search(r'href="/events/\?([^"]*)"', text)
    assert link is not None
    shown = page(as_cy, link[1].replace("&amp;", "&"))
    assert "FailedMount" in shown
    assert "Pulled" not in shown
