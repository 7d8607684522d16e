"""The reading page: what readers got, what is new, follow-ups today, what could not be collected, what is related."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from incidents.actions.comment import add_comment
from incidents.actions.followup import change_followup
from incidents.actions.postmortem import save_postmortem
from incidents.actions.publication import publish_postmortem
from incidents.actions.review import ask_for_review
from incidents.models import Incident, PostMortem
from incidents.models.evidence import RunState
from incidents.related import related_incidents
from knowledge.matching import match_incident
from tests.api.test_query_counts import queries_of
from tests.builders import NOW, make_followup, make_incident, make_person, make_postmortem, make_run
from tests.fixtures import signed_in

pytestmark = pytest.mark.django_db


def write(postmortem: PostMortem, body: str, minutes: int = 1) -> PostMortem:
    at, ben = NOW + timedelta(minutes=minutes), make_person("ben")
    return save_postmortem(postmortem=postmortem, based_on=None, title="Down", body=body, by=ben, now=at)


def publish(postmortem: PostMortem, minutes: int = 2, note: str = "") -> PostMortem:
    at = NOW + timedelta(minutes=minutes)
    return publish_postmortem(postmortem=postmortem, by=make_person("ben"), now=at, note=note)


def page(client: Client, postmortem: PostMortem, query: str = "") -> str:
    return client.get(postmortem.get_absolute_url() + query).content.decode()


def test_a_reader_sees_when_it_was_updated_and_what_is_new(as_cy: Client) -> None:
    postmortem = publish(write(make_postmortem(), "First"))
    assert "Updated" not in page(as_cy, postmortem)
    publish(write(postmortem, "Second", 3), 60 * 48, note="The cost is known")
    shown = page(as_cy, postmortem)
    assert "Updated <time" in shown
    assert "The cost is known" in shown
    assert "versions/1/" in shown
    assert 'Published <time datetime="2026-11-21' in shown


def test_what_is_edited_again_says_so_and_a_viewer_reads_what_is_published(as_cy: Client, as_ada: Client) -> None:
    postmortem = write(publish(write(make_postmortem(), "Published words")), "Draft words", 3)
    for client, query in ((as_cy, ""), (as_cy, "?draft=1"), (as_ada, "")):
        shown = page(client, postmortem, query)
        assert "Published words" in shown
        assert "Draft words" not in shown
        assert "being edited again" in shown
    assert "Draft words" in page(as_ada, postmortem, "?draft=1")


def test_a_viewer_who_was_asked_to_review_reads_the_draft(as_cy: Client) -> None:
    postmortem = write(publish(write(make_postmortem(), "Published words")), "Draft words", 3)
    ask_for_review(postmortem=postmortem, reviewers=[make_person("cy")], by=make_person("ben"), now=NOW)
    assert "Draft words" in page(as_cy, postmortem, "?draft=1")
    assert "asked about" in page(as_cy, postmortem)


def test_a_draft_has_its_comments_beside_it_and_a_published_text_their_count(as_cy: Client) -> None:
    postmortem = write(make_postmortem(), "Many noticed")
    add_comment(postmortem=postmortem, body="How many?", quote="Many", by=make_person("cy"), now=NOW)
    assert "How many?" in page(as_cy, postmortem)
    publish(postmortem)
    shown = page(as_cy, postmortem)
    assert "How many?" not in shown
    assert "1 open comment" in shown


def test_follow_ups_show_their_state_of_today(as_cy: Client) -> None:
    postmortem = publish(write(make_postmortem(), "Text"))
    late = make_followup(postmortem.incident, title="Alert on it", due_at=NOW - timedelta(days=400))
    done = make_followup(postmortem.incident, title="Fix it")
    change_followup(followup=done, status="done", by=make_person("ada"), now=NOW)
    shown = page(as_cy, postmortem)
    assert f"{late.key} Alert on it" in shown
    assert "overdue since" in shown
    assert "Done" in shown


def denied(incident: Incident) -> None:
    make_run(
        incident, state=RunState.DONE, status="denied", reason="pods is forbidden", source_name="Kubernetes prod-eu"
    )


def test_what_could_not_be_collected_stands_at_the_end_unless_the_text_tells_it(as_cy: Client) -> None:
    postmortem = publish(write(make_postmortem(), "## Summary\n\nText\n"))
    denied(postmortem.incident)
    shown = page(as_cy, postmortem)
    assert "As the sources stand today" in shown
    assert "pods is forbidden" in shown
    publish(write(postmortem, "## Summary\n\nText\n\n## What could not be collected\n\n- Pods\n", 3), 4)
    assert "As the sources stand today" not in page(as_cy, postmortem)


def related(incident: Incident, who: str = "cy") -> list[tuple[str, list[str]]]:
    for pk in Incident.objects.order_by("declared_at", "pk").values_list("pk", flat=True):
        match_incident(pk, NOW)
    return [(one.incident.title, one.reasons) for one in related_incidents(incident, make_person(who))]


CHECKOUT = {"kind": "Deployment", "namespace": "shop", "name": "checkout"}
BEFORE = NOW - timedelta(days=1)


def test_related_incidents_say_why_and_what_people_linked_comes_first() -> None:
    first = make_incident(title="First", labels=["database"], namespaces=[], now=BEFORE)
    make_incident(title="Unrelated", services=["search"], now=BEFORE)
    make_incident(title="Same workload", workloads=[CHECKOUT], services=["checkout"], now=BEFORE)
    now = make_incident(title="Now", workloads=[CHECKOUT], services=["checkout"], labels=["database"])
    now.recurrence_of = first
    now.save()
    found = related(now)
    assert [title for title, _ in found] == ["First", "Same workload"]
    assert found[0][1][0] == "this one is a recurrence of it"
    assert {"deployment/checkout", "service checkout"} <= set(found[1][1])
    assert related(first) == [("Now", ["a recurrence of this one"])]


def test_a_restricted_incident_is_related_only_for_those_who_see_it() -> None:
    make_incident(title="Secret", workloads=[CHECKOUT], services=["checkout"], visibility="restricted", now=BEFORE)
    now = make_incident(title="Now", workloads=[CHECKOUT], services=["checkout"])
    assert related(now, "cy") == []
    assert [title for title, _ in related(now, "ada")] == ["Secret"]


def test_an_incident_without_anything_to_share_has_no_relatives() -> None:
    make_incident(title="One thing", namespaces=[], now=BEFORE)
    assert related(make_incident(title="Another", namespaces=[])) == []


def test_the_page_asks_the_same_of_little_and_of_much(as_cy: Client) -> None:
    def full(count: int) -> PostMortem:
        incident = make_incident(labels=[f"of {count}"], services=["checkout"])
        postmortem = make_postmortem(incident)
        for place in range(count):
            make_followup(incident, owner=make_person("ben"))
            make_incident(labels=[f"of {count}"])
            add_comment(postmortem=postmortem, body=f"Comment {place}", by=make_person("cy"), now=NOW)
            ask_for_review(postmortem=postmortem, reviewers=[make_person(f"p{place}")], by=make_person("ben"), now=NOW)
            denied(incident)
            publish(write(postmortem, f"Text {place}", place), place)
        return write(postmortem, "Draft", 60)

    counts = [queries_of(lambda one=one: as_cy.get(one.get_absolute_url())) for one in (full(2), full(12))]
    assert counts[0] == counts[1]


def test_hostile_notes_titles_and_reasons_are_words(as_cy: Client) -> None:
    trick = "<script>alert(1)</script>"
    make_incident(title=trick, labels=[trick], services=["checkout"], now=BEFORE)
    postmortem = publish(write(make_postmortem(make_incident(labels=[trick], services=["checkout"])), "First"))
    related(postmortem.incident)
    publish(write(postmortem, "Second", 3), 4, note=trick)
    shown = page(as_cy, postmortem)
    assert "<script>alert" not in shown
    assert shown.count("&lt;script&gt;alert(1)") >= 3


def test_mallory_reads_nothing_of_a_restricted_incident() -> None:
    postmortem = publish(write(make_postmortem(make_incident(visibility="restricted")), "Text"))
    assert signed_in(make_person("mallory")).get(postmortem.get_absolute_url()).status_code == 404
