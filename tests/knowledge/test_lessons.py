"""Lessons: drawn from a selected passage, confirmed, disputed, retired, and how they fared."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput
from incidents.models import Incident
from knowledge.actions.checklist import save_checklist
from knowledge.actions.lesson import decide_lesson
from knowledge.actions.matching import answer_lesson
from knowledge.matching import match_incident
from knowledge.models import Lesson, LessonShowing
from knowledge.search.querying import search
from tests.builders import (
    NOW,
    make_checklist,
    make_evidence,
    make_incident,
    make_lesson,
    make_person,
    make_postmortem,
)
from tests.fixtures import signed_in

pytestmark = pytest.mark.django_db


def test_a_selected_passage_becomes_a_lesson_with_what_its_incident_suggests(as_ada: Client) -> None:
    incident = make_incident(services=["checkout"], labels=["probes"])
    event = {"reason": "BackOff", "message": "Back-off restarting failed container", "signal": "crash-loop"}
    make_evidence(incident, level="error", payload=event, subject={"kind": "Pod", "name": "checkout-b5bc75684-flwhw"})
    match_incident(incident.pk, NOW)
    postmortem = make_postmortem(incident)
    quote = "A liveness probe must not wait for a database. It restarts what is healthy."
    shown = as_ada.get("/knowledge/lessons/new/", {"from": postmortem.pk, "quote": quote}).content.decode()
    assert ">\nA liveness probe must not wait for a database.<" in shown
    assert "reason:BackOff" in shown
    assert "checkout" in shown
    form = {
        "statement": "A liveness probe must not wait for a database.",
        "signals": "reason:BackOff, workload:checkout",
        "services": "checkout",
        "postmortems": incident.key,
        "quote": quote,
        "quoted_from": incident.key,
    }
    as_ada.post("/knowledge/lessons/new/", form)
    lesson = Lesson.objects.get()
    assert (lesson.quote, lesson.quoted_from) == (quote, postmortem)
    assert lesson.signals == [{"kind": "reason", "value": "BackOff"}, {"kind": "workload", "value": "checkout"}]
    assert quote in as_ada.get(lesson.get_absolute_url()).content.decode()


def test_what_cannot_be_read_is_named_and_nothing_typed_is_lost(as_ada: Client) -> None:
    form = {"statement": "Kept words", "signals": "BackOff", "postmortems": "INC-99"}
    answer = as_ada.post("/knowledge/lessons/new/", form)
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "expected one of workload:, reason:, alert:" in shown
    assert "INC-99 has no post-mortem that you may see" in shown
    assert "Kept words" in shown
    assert not Lesson.objects.exists()


def test_a_restricted_post_mortem_lends_nothing_to_the_form(as_ada: Client) -> None:
    hidden = make_incident(services=["vault"], visibility="restricted", by=make_person("ben"))
    postmortem = make_postmortem(hidden)
    shown = as_ada.get("/knowledge/lessons/new/", {"from": postmortem.pk, "quote": "words"}).content.decode()
    assert "vault" not in shown
    assert f'value="{hidden.key}"' not in shown


def test_doubts_need_a_reason_and_stay_on_record(ada: User, as_ada: Client) -> None:
    lesson = make_lesson()
    for state in ("disputed", "retired"):
        with pytest.raises(InvalidInput) as refused:
            decide_lesson(lesson=lesson, state=state, by=ada, now=NOW)
        assert "reason" in refused.value.errors
    with pytest.raises(InvalidInput):
        decide_lesson(lesson=lesson, state="loved", by=ada, now=NOW)
    with pytest.raises(PermissionProblem):
        decide_lesson(lesson=lesson, state="confirmed", by=make_person("cy"), now=NOW)
    address = f"/knowledge/lessons/{lesson.number}/verdict/"
    as_ada.post(address, {"state": "disputed", "reason": "Startup probes may wait."})
    as_ada.post(address, {"state": "confirmed"})
    as_ada.post(address, {"state": "retired", "reason": "The service is gone."})
    assert [row.state for row in lesson.verdicts.all()] == ["retired", "confirmed", "disputed"]
    shown = as_ada.get(lesson.get_absolute_url()).content.decode()
    assert "The service is gone." in shown
    assert "Startup probes may wait." in shown


def test_a_retired_lesson_comes_back_no_more(ada: User, as_ada: Client) -> None:
    lesson = make_lesson(services=["checkout"])
    decide_lesson(lesson=lesson, state="retired", reason="Gone", by=ada, now=NOW)
    incident = make_incident(services=["checkout"])
    match_incident(incident.pk, NOW)
    assert not LessonShowing.objects.exists()
    assert lesson.statement not in as_ada.get("/knowledge/").content.decode()
    assert lesson.statement in as_ada.get("/knowledge/", {"state": "retired"}).content.decode()


def test_a_lesson_does_not_come_back_with_the_incident_it_was_learned_from() -> None:
    incident = make_incident(services=["checkout"])
    make_lesson(services=["checkout"], postmortems=[make_postmortem(incident)])
    match_incident(incident.pk, NOW)
    assert not LessonShowing.objects.exists()


def test_a_lesson_leads_to_an_item_of_a_checklist_that_does_not_ask_for_it_yet(as_ada: Client, cy: User) -> None:
    lesson, other = make_lesson(), make_checklist(name="Before a release")
    shown = as_ada.get(lesson.get_absolute_url()).content.decode()
    assert f"/checklists/new/?lesson={lesson.number}" in shown
    assert f"{other.get_absolute_url()}edit/?lesson={lesson.number}" in shown
    save_checklist(
        checklist=other, name=other.name, items=[{"text": "Look", "lesson": lesson}], by=make_person("ada"), now=NOW
    )
    assert f"{other.get_absolute_url()}edit/" not in as_ada.get(lesson.get_absolute_url()).content.decode()
    assert "?lesson=" not in signed_in(cy).get(lesson.get_absolute_url()).content.decode()


def test_the_page_counts_how_often_it_helped_and_hides_restricted_incidents(ada: User) -> None:
    lesson = make_lesson(services=["checkout"])
    seen = make_incident(title="Seen one", services=["checkout"])
    hidden = make_incident(title="Hidden one", services=["checkout"], visibility="restricted")
    for incident, answer in ((seen, "helped"), (hidden, "ignored")):
        match_incident(incident.pk, NOW)
        showing = LessonShowing.objects.get(lesson=lesson, incident=incident)
        answer_lesson(showing=showing, answer=answer, by=ada, now=NOW)
    shown = signed_in(make_person("cy")).get(lesson.get_absolute_url()).content.decode()
    assert "1 time, helped 1, did not help 0" in shown
    assert "Hidden one" not in shown
    assert "2 times, helped 1, did not help 1" in signed_in(ada).get(lesson.get_absolute_url()).content.decode()
    assert Incident.objects.count() == 2


def test_programs_write_signals_and_verdicts(as_ada: Client) -> None:
    body = {"statement": "Bound every cache.", "signals": [{"kind": "reason", "value": "OOMKilled"}]}
    made = as_ada.post("/api/v1/lessons/", body, content_type="application/json")
    assert made.status_code == 201, made.content
    address = f"/api/v1/lessons/{made.json()['number']}/"
    refused = as_ada.patch(address, {"state": "retired"}, content_type="application/json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "reason")
    changed = as_ada.patch(address, {"state": "retired", "reason": "Old"}, content_type="application/json")
    assert changed.json()["state"] == "retired"
    wrong = as_ada.post(
        "/api/v1/lessons/", body | {"signals": [{"kind": "mood", "value": "x"}]}, content_type="application/json"
    )
    assert wrong.status_code == 400


def test_the_quote_is_for_those_who_see_its_post_mortem(ben: User, cy: User) -> None:
    open_one = make_postmortem(make_incident())
    hidden = make_postmortem(make_incident(visibility="restricted", by=ben))
    lesson = make_lesson(
        statement="Rotate keys.", postmortems=[open_one], quoted_from=hidden, quote="The zebrafish vendor leaked."
    )
    client = signed_in(cy)
    assert "zebrafish" not in client.get(lesson.get_absolute_url()).content.decode()
    assert client.get(f"/api/v1/lessons/{lesson.number}/").json()["quote"] == ""
    assert search("zebrafish", cy).total == 0
    as_ada = signed_in(make_person("ada"))
    assert "zebrafish" not in as_ada.get(f"/knowledge/lessons/{lesson.number}/edit/").content.decode()
    assert "zebrafish" in signed_in(ben).get(f"/api/v1/lessons/{lesson.number}/").json()["quote"]


def test_the_list_counts_what_the_reader_may_see(ada: User, cy: User) -> None:
    lesson = make_lesson(services=["checkout"])
    hidden = make_incident(services=["checkout"], visibility="restricted")
    match_incident(hidden.pk, NOW)
    answer_lesson(showing=LessonShowing.objects.get(lesson=lesson), answer="helped", by=ada, now=NOW)
    assert "Came back" not in signed_in(cy).get("/knowledge/").content.decode()
    assert "Came back 1 time, helped 1" in signed_in(ada).get("/knowledge/").content.decode()
