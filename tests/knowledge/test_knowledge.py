"""Lessons, checklists with their runs, and brown-bag sessions, through their pages and actions."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEvent
from accounts.problems import InvalidInput
from knowledge.actions.brownbag import save_brownbag
from knowledge.actions.checklist import delete_checklist, save_checklist
from knowledge.actions.lesson import create_lesson, delete_lesson
from knowledge.actions.run import finish_run, start_run, tick
from knowledge.models import BrownBagSession, ChecklistRun, ChecklistTick, Lesson
from knowledge.search.querying import search
from tests.builders import (
    NOW,
    make_brownbag,
    make_checklist,
    make_evidence,
    make_incident,
    make_lesson,
    make_person,
    make_postmortem,
)

pytestmark = pytest.mark.django_db


def test_lessons_are_numbered_and_a_deleted_number_is_not_given_again() -> None:
    ben = make_person("ben")
    first = make_lesson()
    delete_lesson(lesson=first, by=ben, now=NOW)
    assert make_lesson(statement="Another one.").key == "L-2"
    assert AuditEvent.objects.filter(verb="lesson.deleted").exists()


@pytest.mark.parametrize("statement", ["", " \n ", "x" * 301])
def test_a_lesson_is_one_sentence(statement: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_lesson(statement=statement, by=make_person("ben"))
    assert "statement" in refused.value.errors


def test_a_lesson_is_written_on_its_page_and_keeps_what_was_typed_when_refused(as_ada: Client) -> None:
    postmortem = make_postmortem()
    form = {"statement": "x" * 301, "context": "Because **probes**.", "tags": "probes, rollout"}
    refused = as_ada.post("/knowledge/lessons/new/", form)
    assert refused.status_code == 422
    assert "Because **probes**." in refused.content.decode()
    form |= {"statement": "Ask the process, not the database.", "postmortems": postmortem.incident.key}
    assert as_ada.post("/knowledge/lessons/new/", form)["Location"] == "/knowledge/lessons/1/"
    lesson = Lesson.objects.get()
    assert (lesson.tags, list(lesson.postmortems.all())) == (["probes", "rollout"], [postmortem])
    assert "<strong>probes</strong>" in as_ada.get("/knowledge/lessons/1/").content.decode()


def test_a_run_keeps_the_texts_it_started_with() -> None:
    ada, checklist = make_person("ada"), make_checklist()
    run = start_run(checklist=checklist, by=ada, now=NOW, service="checkout")
    save_checklist(checklist=checklist, by=ada, now=NOW, name=checklist.name, items=[{"text": "Something new"}])
    assert [item.text for item in run.ticks.all()] == ["Note the revision that runs now", "Roll back"]
    later = start_run(checklist=checklist, by=ada, now=NOW, service="checkout")
    assert [item.text for item in later.ticks.all()] == ["Something new"]


def test_a_run_is_signed_off_when_nothing_is_open() -> None:
    ada = make_person("ada")
    run = start_run(checklist=make_checklist(), by=ada, now=NOW, service="checkout")
    first, second = run.ticks.all()
    tick(tick=first, state="done", by=ada, now=NOW)
    with pytest.raises(InvalidInput, match="1 items are still open"):
        finish_run(run=run, by=ada, now=NOW)
    with pytest.raises(InvalidInput, match="say why"):
        tick(tick=second, state="waived", by=ada, now=NOW)
    tick(tick=second, state="waived", by=ada, now=NOW, note="Nothing was released.")
    finished = finish_run(run=run, by=ada, now=NOW)
    assert (finished.finished_at, finished.finished_by) == (NOW, ada)
    assert AuditEvent.objects.filter(verb="checklist.signed_off").exists()
    tick(tick=first, state="open", by=ada, now=NOW)
    finished.refresh_from_db()
    assert finished.finished_at is None


def test_a_run_belongs_to_an_incident_or_a_service(as_ada: Client) -> None:
    checklist = make_checklist()
    with pytest.raises(InvalidInput, match="name the incident or the service"):
        start_run(checklist=checklist, by=make_person("ada"), now=NOW)
    incident = make_incident()
    answer = as_ada.post(f"/checklists/{checklist.pk}/start/", {"incident": str(incident.number)})
    page = as_ada.get(answer["Location"])
    assert "Roll back" in page.content.decode()
    assert checklist.name in as_ada.get(incident.get_absolute_url()).content.decode()


def test_a_checklist_with_runs_is_kept() -> None:
    ada, checklist = make_person("ada"), make_checklist()
    start_run(checklist=checklist, by=ada, now=NOW, service="checkout")
    with pytest.raises(InvalidInput, match="stay as a record"):
        delete_checklist(checklist=checklist, by=ada, now=NOW)


def test_the_database_wants_a_word_for_a_waiver() -> None:
    run = start_run(checklist=make_checklist(), by=make_person("ada"), now=NOW, service="checkout")
    with pytest.raises(IntegrityError), transaction.atomic():
        ChecklistTick.objects.filter(run=run).update(state="waived", note="")


def test_an_agenda_item_is_a_post_mortem_or_a_lesson() -> None:
    lesson, postmortem = make_lesson(), make_postmortem()
    for item in ({}, {"lesson": lesson, "postmortem": postmortem}):
        with pytest.raises(InvalidInput) as refused:
            make_brownbag(items=[item])
        assert "items.0" in refused.value.errors


def test_a_session_is_made_on_its_page_and_exported(as_ada: Client) -> None:
    lesson, postmortem = make_lesson(), make_postmortem()
    form = {
        "title": "Thursday",
        "held_at": "2026-11-26T11:00:00",
        "item": [f"lesson-{lesson.pk}", f"postmortem-{postmortem.pk}"],
        f"minutes-lesson-{lesson.pk}": "5",
    }
    answer = as_ada.post("/brown-bags/new/", form)
    session = BrownBagSession.objects.get()
    assert answer["Location"] == session.get_absolute_url()
    assert [(item.lesson, item.minutes) for item in session.items.all()] == [(lesson, 5), (None, 10)]
    exported = as_ada.get(f"{session.get_absolute_url()}export/md/")
    assert exported["Content-Disposition"] == 'attachment; filename="thursday.md"'
    text = exported.content.decode()
    assert text.index(lesson.statement) < text.index(postmortem.title)
    assert as_ada.get(f"{session.get_absolute_url()}export/pdf/").status_code == 404


def test_changing_a_title_leaves_the_agenda() -> None:
    session = make_brownbag(items=[{"lesson": make_lesson()}])
    save_brownbag(by=make_person("ada"), session=session, title="Renamed")
    assert session.items.count() == 1


def test_search_finds_every_kind() -> None:
    make_incident(title="Probes fail")
    make_postmortem(make_incident(title="About probes"))
    make_lesson(statement="Mind the probes.")
    make_checklist(name="Probes checked")
    found = search("probes", make_person("cy")).hits
    assert {hit.kind for hit in found} == {"incident", "postmortem", "lesson", "checklist"}
    assert {hit.kind for hit in search("probes kind:lesson", make_person("cy")).hits} == {"lesson"}
    assert search("   ", make_person("cy")).hits == []


def test_the_notes_of_an_agenda_outlive_an_edit_on_its_page(as_ada: Client) -> None:
    lesson = make_lesson()
    session = make_brownbag(items=[{"lesson": lesson, "minutes": 5, "notes": "Show the pod events."}])
    address, key = f"{session.get_absolute_url()}edit/", f"lesson-{lesson.pk}"
    page = as_ada.get(address).content.decode()
    assert f'name="notes-{key}">Show the pod events.</textarea>' in page
    form = {"title": session.title, "item": [key], f"minutes-{key}": "7"}
    assert as_ada.post(address, form).status_code == 302
    assert [(item.minutes, item.notes) for item in session.items.all()] == [(7, "Show the pod events.")]
    as_ada.post(address, form | {f"notes-{key}": "Ask Ben first."})
    assert session.items.get().notes == "Ask Ben first."


def test_a_tick_keeps_its_evidence_unless_another_is_given() -> None:
    ada = make_person("ada")
    evidence = make_evidence(make_incident())
    item = start_run(checklist=make_checklist(), by=ada, now=NOW, service="checkout").ticks.all()[0]
    tick(tick=item, state="done", by=ada, now=NOW, evidence=evidence)
    tick(tick=item, state="done", note="Seen again.", by=ada, now=NOW)
    item.refresh_from_db()
    assert item.evidence == evidence


def test_an_endless_incident_number_starts_no_run_and_breaks_nothing(as_ada: Client) -> None:
    address = f"{make_checklist().get_absolute_url()}start/"
    assert as_ada.post(address, {"incident": "9" * 5_000}).status_code == 302
    assert not ChecklistRun.objects.exists()
