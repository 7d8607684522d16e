"""The panel “Seen before”: why, what helped, what is left; what people say of it; who is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.permissions import PermissionProblem
from incidents import signals
from incidents.actions.collection import collect_again
from incidents.actions.incident import change_incident
from incidents.actions.merge import merge_incident
from incidents.actions.milestone import set_milestone
from incidents.models import Incident
from knowledge.actions.lesson import create_lesson
from knowledge.actions.matching import answer_lesson, decide_match
from knowledge.matching import match_incident, sweep
from knowledge.models import LessonShowing, Match, MatchRequest
from tests.api.test_query_counts import queries_of
from tests.builders import (
    NOW,
    make_evidence,
    make_followup,
    make_incident,
    make_lesson,
    make_note,
    make_person,
    make_postmortem,
)
from tests.fixtures import signed_in
from tests.hearing import heard

pytestmark = pytest.mark.django_db

CHECKOUT = {"kind": "Deployment", "namespace": "shop", "name": "checkout"}
BEFORE = NOW - timedelta(days=120)
HEAP = {"patterns": [{"pattern": "ERROR OutOfMemoryError: Java heap space in CartCache <*>", "level": "error"}]}
OOM = {"change": "restart", "reason": "OOMKilled", "signal": "oom-killed", "workload": CHECKOUT}


def story(title: str, **fields: object) -> Incident:
    incident = make_incident(title=title, workloads=[CHECKOUT], services=["checkout"], **fields)
    at = incident.declared_at
    kinds = (("log", HEAP, "Log of app"), ("state_change", OOM, "app of checkout-1 ended (OOMKilled)"))
    for kind, payload, named in kinds:
        make_evidence(incident, type=kind, payload=payload, title=named, level="error", first_at=at, last_at=at)
    match_incident(incident.pk, NOW)
    return incident


@pytest.fixture
def earlier(ada: User) -> Incident:
    """Mitigated by a roll-back and a note, with a follow-up and a lesson that came of it."""
    incident = story("Cart cache fills the heap", now=BEFORE)
    back = {"change": "rollout", "workload": CHECKOUT, "from_revision": 2, "to_revision": 3, "rollback": True}
    at = BEFORE + timedelta(minutes=8)
    title = "checkout revision 2 → 3 (roll-back)"
    make_evidence(incident, type="state_change", payload=back, title=title, first_at=at, last_at=at)
    make_note(incident, text="Cache limited to 10,000 entries.", occurred_at=BEFORE + timedelta(minutes=9), now=at)
    over = BEFORE + timedelta(minutes=10)
    set_milestone(incident=incident, kind="mitigated", at=over, by=ada, now=over)
    make_followup(incident, title="Bound the cart cache", now=over)
    make_lesson(statement="A cache without a bound is a leak.", postmortems=[make_postmortem(incident)])
    return incident


def matched(incident: Incident) -> Match:
    match_incident(incident.pk, NOW)
    return Match.objects.get(incident=incident)


def test_the_page_says_why_what_helped_and_what_is_left(as_ada: Client, earlier: Incident) -> None:
    now = story("Nobody can pay")
    matched(now)
    shown = as_ada.get(now.get_absolute_url()).content.decode()
    assert "Likely the same cause" in shown
    assert "OOMKilled of checkout" in shown
    assert "Java heap space in CartCache" in shown
    assert "checkout revision 2 → 3 (roll-back)" in shown
    assert "Cache limited to 10,000 entries." in shown
    assert "Bound the cart cache" in shown
    assert "A cache without a bound is a leak." in shown
    assert "mitigated after" in shown


def test_the_same_cause_makes_a_recurrence_and_can_be_taken_back(as_ada: Client, earlier: Incident) -> None:
    now = story("Nobody can pay")
    address = f"/incidents/{now.number}/seen-before/{matched(now).pk}/"
    as_ada.post(address, {"verdict": "same_cause"})
    now.refresh_from_db()
    assert now.recurrence_of == earlier
    assert now.timeline.filter(title=f"A recurrence of {earlier.key}").exists()
    assert "Same cause, said Ada" in as_ada.get(now.get_absolute_url()).content.decode()
    as_ada.post(address, {"verdict": ""})
    now.refresh_from_db()
    assert now.recurrence_of is None


def test_not_this_is_remembered_when_evidence_arrives(as_ada: Client, earlier: Incident, ada: User) -> None:
    now = story("Nobody can pay")
    decide_match(match=matched(now), verdict="not_this", by=ada, now=NOW)
    make_evidence(now, type="log", payload=HEAP, title="Another log", level="error")
    assert matched(now).verdict == "not_this"
    shown = as_ada.get(now.get_absolute_url()).content.decode()
    assert "1 taken away as “not this”" in shown
    assert "Bound the cart cache" not in shown


def test_who_only_reads_decides_nothing(cy: User, earlier: Incident) -> None:
    match = matched(story("Nobody can pay"))
    with pytest.raises(PermissionProblem):
        decide_match(match=match, verdict="same_cause", by=cy, now=NOW)


def test_nothing_of_a_restricted_incident_is_shown_or_told(earlier: Incident, cy: User) -> None:
    Incident.objects.filter(pk=earlier.pk).update(visibility="restricted")
    now = story("Nobody can pay")
    match = matched(now)
    shown = signed_in(cy).get(now.get_absolute_url()).content.decode()
    for word in ("Cart cache fills", "Bound the cart cache", "without a bound", "roll-back", earlier.key):
        assert word not in shown
    refused = signed_in(cy).post(f"/incidents/{now.number}/seen-before/{match.pk}/", {"verdict": "not_this"})
    assert refused.status_code == 404
    with heard(signals.incident_matched) as told:
        sweep(NOW)
    assert told == []


def test_chats_hear_of_a_match_once_with_its_reason(
    earlier: Incident, django_capture_on_commit_callbacks: object
) -> None:
    now = story("Nobody can pay")
    with heard(signals.incident_matched) as told:
        for _ in range(2):
            MatchRequest.objects.update_or_create(incident=now, defaults={"wanted_at": NOW, "done_at": None})
            with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
                sweep(NOW)
    assert len(told) == 1
    first = told[0]["matches"][0]
    assert first["title"] == f"{earlier.key} Cart cache fills the heap"
    assert "OOMKilled of checkout" in first["reason"]


def test_declaring_and_new_evidence_ask_for_a_comparison(ada: User, django_capture_on_commit_callbacks: object) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        now = make_incident()
    assert MatchRequest.objects.get(incident=now).done_at is None
    sweep(NOW)
    assert MatchRequest.objects.get(incident=now).done_at is not None
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        signals.tell("evidence_collected", at=NOW + timedelta(minutes=1), incident_id=now.pk, collection_id=1)
    row = MatchRequest.objects.get(incident=now)
    assert row.done_at is not None
    assert row.done_at < row.wanted_at


def test_a_lesson_comes_back_by_its_signal_and_says_whether_it_helped(as_ada: Client, ben: User) -> None:
    lesson = create_lesson(
        statement="Bound every cache.", by=ben, signals=[{"kind": "reason", "value": "OOMKilled"}], services=[]
    )
    now = story("Nobody can pay")
    match_incident(now.pk, NOW)
    showing = LessonShowing.objects.get(lesson=lesson, incident=now)
    assert showing.reasons == ["reason OOMKilled"]
    assert "Bound every cache." in as_ada.get(now.get_absolute_url()).content.decode()
    as_ada.post(f"/incidents/{now.number}/seen-before/lessons/{showing.pk}/", {"answer": "helped"})
    showing.refresh_from_db()
    assert showing.answer == "helped"
    answer_lesson(showing=showing, answer="", by=ben, now=NOW)
    match_incident(now.pk, NOW)
    assert LessonShowing.objects.filter(lesson=lesson, incident=now).count() == 1


def test_the_panel_asks_the_same_of_one_match_and_of_many(as_ada: Client, earlier: Incident) -> None:
    now = story("Nobody can pay")
    matched(now)
    few = queries_of(lambda: as_ada.get(f"/incidents/{now.number}/seen-before/"))
    for place in range(4):
        again = story(f"Again {place}", now=BEFORE + timedelta(days=place + 1))
        make_followup(again)
        make_lesson(statement=f"Lesson {place}", postmortems=[make_postmortem(again)])
    match_incident(now.pk, NOW)
    assert Match.objects.filter(incident=now).count() == 5
    assert queries_of(lambda: as_ada.get(f"/incidents/{now.number}/seen-before/")) == few


def test_the_api_lists_matches_and_takes_a_verdict(as_ada: Client, earlier: Incident) -> None:
    now = story("Nobody can pay")
    match = matched(now)
    address = f"/api/v1/incidents/{now.number}/matches/"
    [row] = as_ada.get(address).json()["results"]
    assert (row["earlier"], row["is_likely"]) == (earlier.number, True)
    answer = as_ada.patch(f"{address}{match.pk}/", {"verdict": "same_cause"}, content_type="application/json")
    assert answer.json()["verdict"] == "same_cause"
    assert as_ada.get(f"/api/v1/incidents/{now.number}/").json()["recurrence_of"] == earlier.number
    wrong = as_ada.patch(f"{address}{match.pk}/", {"verdict": "perhaps"}, content_type="application/json")
    assert wrong.status_code == 400
    assert wrong.json()["errors"][0]["field"] == "verdict"


def test_a_drill_and_a_duplicate_are_nothing_to_compare_with(ada: User) -> None:
    story("Drill", now=BEFORE, kind="drill")
    original = story("Original", now=BEFORE)
    copy = story("Copy", now=BEFORE)
    Incident.objects.filter(pk=copy.pk).update(status="closed", closure_reason="duplicate", duplicate_of=original)
    now = story("Nobody can pay")
    assert matched(now).earlier == original
    change_incident(incident=now, by=ada, now=NOW, title="Other words")
    collect_again(incident=now, by=ada, now=NOW)
    assert matched(now).earlier == original
    assert make_person("ada") == ada


def test_a_match_that_comes_and_goes_is_told_once(
    earlier: Incident, django_capture_on_commit_callbacks: object
) -> None:
    now = story("Nobody can pay")
    with heard(signals.incident_matched) as told:
        for services in (["checkout"], [], ["checkout"]):
            Incident.objects.filter(pk=now.pk).update(services=services, workloads=[CHECKOUT] if services else [])
            now.evidence.all().delete() if not services else None
            if services and told:
                make_evidence(now, type="log", payload=HEAP, title="Log", level="error")
                make_evidence(now, type="state_change", payload=OOM, title="OOMKilled", level="error")
            MatchRequest.objects.update_or_create(incident=now, defaults={"wanted_at": timezone.now(), "done_at": None})
            with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
                sweep(NOW)
    assert len(told) == 1


@pytest.mark.parametrize("odd", [None, [], "text", 7, {"patterns": 3, "labels": [], "diff": "x", "workload": []}])
@pytest.mark.parametrize("kind", ["event", "state_change", "alert", "log", "backup", "metric"])
def test_odd_evidence_is_compared_found_and_shown_like_any_other(kind: str, odd: object, as_ada: Client) -> None:
    odd_one = make_incident(title="Odd", services=["checkout"])
    changes = odd | {"change": "rollout", "alertname": "A"} if isinstance(odd, dict) else odd or {}
    make_evidence(odd_one, type=kind, level="error", subject=odd or {}, payload=changes)
    match_incident(odd_one.pk, NOW)
    assert as_ada.get(f"/incidents/{odd_one.number}/seen-before/").status_code == 200


def test_one_that_could_not_be_compared_says_so(as_ada: Client) -> None:
    incident = make_incident()
    MatchRequest.objects.update_or_create(incident=incident, defaults={"wanted_at": NOW, "attempts": 3})
    assert sweep(NOW) == 0
    assert "could not be compared" in as_ada.get(incident.get_absolute_url()).content.decode()


def test_one_that_became_a_duplicate_is_shown_no_more(as_ada: Client, earlier: Incident, ada: User) -> None:
    now = story("Nobody can pay")
    matched(now)
    merge_incident(incident=earlier, into=story("The original", now=BEFORE), by=ada, now=NOW)
    panel = as_ada.get(f"/incidents/{now.number}/seen-before/").content.decode()
    assert "Cart cache fills the heap" not in panel


def test_a_restricted_incident_is_named_in_no_words_that_others_read(ada: User, cy: User) -> None:
    hidden = story("Hidden", now=BEFORE, visibility="restricted")
    open_one = story("Open", now=BEFORE)
    make_lesson(postmortems=[make_postmortem(hidden), make_postmortem(open_one)])
    now = story("Nobody can pay")
    match_incident(now.pk, NOW)
    reasons = LessonShowing.objects.get(incident=now).reasons
    assert f"learned from {open_one.key}" in reasons
    assert not any(hidden.key in reason for reason in reasons)
    decide_match(match=Match.objects.get(incident=now, earlier=hidden), verdict="same_cause", by=ada, now=NOW)
    assert hidden.key not in signed_in(cy).get(now.get_absolute_url()).content.decode()
