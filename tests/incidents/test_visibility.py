"""A restricted incident exists only for admins and those who take part: on pages, in the API, in search, in exports."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from incidents.actions.followup import create_followup
from incidents.actions.incident import assign_role, change_status
from incidents.actions.postmortem import save_postmortem
from incidents.models import Incident
from knowledge.actions.brownbag import save_brownbag
from knowledge.actions.lesson import change_lesson
from knowledge.actions.run import start_run
from knowledge.models import BrownBagSession, Lesson
from tests.builders import (
    NOW,
    make_brownbag,
    make_checklist,
    make_evidence,
    make_incident,
    make_lesson,
    make_note,
    make_person,
    make_postmortem,
    make_token,
)
from tests.fixtures import signed_in

pytestmark = pytest.mark.django_db
WORD = "zebracrossing"


@pytest.fixture
def secret() -> Incident:
    """INC-1, restricted, with the word in everything that hangs on it; Ada commands it."""
    incident = make_incident(title=f"{WORD} title", summary=f"{WORD} summary", visibility="restricted")
    ada = make_person("ada")
    assign_role(incident=incident, role="commander", user=ada, by=ada, now=NOW)
    make_evidence(incident, title=f"{WORD} evidence")
    make_note(incident, text=f"{WORD} note")
    postmortem = make_postmortem(incident, by=ada)
    save_postmortem(
        postmortem=postmortem, based_on=None, title=f"{WORD} post-mortem", body=f"{WORD} body", by=ada, now=NOW
    )
    create_followup(incident=incident, title=f"{WORD} follow-up", by=ada, now=NOW)
    lesson = make_lesson(statement=f"{WORD} lesson", postmortems=[postmortem])
    start_run(checklist=make_checklist(), by=ada, now=NOW, incident=incident)
    session = make_brownbag()
    save_brownbag(by=ada, session=session, items=[{"postmortem": postmortem}, {"lesson": lesson}])
    return incident


PAGES = [
    "/",
    "/incidents/",
    "/incidents/?q=zebracrossing",
    "/incidents/1/",
    "/incidents/1/collection/",
    "/incidents/1/timeline/",
    "/incidents/1/glance/",
    "/incidents/1/evidence/",
    "/incidents/1/evidence/1/",
    "/incidents/1/evidence/panel/",
    "/incidents/1/postmortem/",
    "/post-mortems/",
    "/follow-ups/",
    "/follow-ups/1/",
    "/knowledge/",
    "/knowledge/lessons/1/",
    "/search/?q=zebracrossing",
    "/checklists/",
    "/brown-bags/",
]
API = [
    "incidents/",
    "incidents/?q=zebracrossing",
    "incidents/1/",
    "incidents/1/evidence/",
    "incidents/1/evidence/1/",
    "incidents/1/timeline/",
    "incidents/1/milestones/",
    "incidents/1/collections/",
    "postmortems/",
    "followups/",
    "followups/1/",
    "lessons/",
    "lessons/1/",
    "checklist-runs/",
    "brownbags/",
    "search/?q=zebracrossing",
]


def api_get(person: Any, path: str) -> Any:
    return Client(headers={"Authorization": f"Bearer {make_token(person)}"}).get(f"/api/v1/{path}")


@pytest.mark.parametrize("address", PAGES)
def test_pages_say_nothing_to_those_who_take_no_part(secret: Incident, address: str) -> None:
    answer = signed_in(make_person("mallory")).get(address, HTTP_HX_REQUEST="true")
    assert answer.status_code in {200, 404}
    # The search box repeats what was typed into it.
    assert WORD not in answer.content.decode().replace(f'value="{WORD}"', "").replace(f"q={WORD}", "").replace(
        f"“{WORD}”", ""
    )


@pytest.mark.parametrize("path", API)
def test_the_api_says_nothing_to_those_who_take_no_part(secret: Incident, path: str) -> None:
    answer = api_get(make_person("mallory"), path)
    assert answer.status_code in {200, 404}
    assert WORD not in answer.content.decode()


@pytest.mark.parametrize("who", ["root", "ada"])
def test_admins_and_participants_see_it_everywhere(secret: Incident, who: str) -> None:
    person = make_person(who)
    for address in ("/incidents/", "/incidents/1/", "/incidents/1/evidence/1/", "/incidents/1/postmortem/"):
        assert WORD in signed_in(person).get(address).content.decode(), address
    for path in API:
        if path not in {"incidents/1/milestones/", "incidents/1/collections/", "checklist-runs/"}:
            assert api_get(person, path).status_code == 200
    assert WORD in api_get(person, "search/?q=zebracrossing").content.decode()


def test_exports_leave_it_out_with_a_word(secret: Incident) -> None:
    session = BrownBagSession.objects.get()
    for form in ("md", "html"):
        hidden = signed_in(make_person("mallory")).get(f"/brown-bags/{session.pk}/export/{form}/").content.decode()
        assert WORD not in hidden
        assert "2 restricted items" in hidden
        assert WORD in signed_in(make_person("ada")).get(f"/brown-bags/{session.pk}/export/{form}/").content.decode()


def test_the_command_leaves_out_what_the_named_person_may_not_see(
    secret: Incident, capsys: pytest.CaptureFixture[str]
) -> None:
    make_person("root"), make_person("cy")
    session = str(BrownBagSession.objects.get().pk)
    call_command("export_brownbag", session, "--format", "md", "--as", "cy")
    assert WORD not in capsys.readouterr().out
    call_command("export_brownbag", session, "--format", "md")
    assert WORD in capsys.readouterr().out


@pytest.mark.parametrize(
    "address",
    ["status/", "roles/", "milestones/", "collect/", "timeline/notes/", "postmortem/autosave/", "postmortem/publish/"],
)
def test_a_responder_without_a_part_in_it_cannot_write_either(secret: Incident, address: str) -> None:
    assert signed_in(make_person("ben")).post(f"/incidents/1/{address}", {"status": "resolved"}).status_code == 404


def test_it_cannot_be_named_as_a_duplicate_by_those_who_do_not_see_it(secret: Incident) -> None:
    mine = make_incident(by=make_person("ben"))
    form = {"status": "closed", "closure_reason": "duplicate", "duplicate_of": "INC-1"}
    page = signed_in(make_person("ben")).post(f"{mine.get_absolute_url()}status/", form, follow=True)
    assert "Expected the number of an incident" in page.content.decode()
    mine.refresh_from_db()
    assert mine.status == "investigating"


def test_a_duplicate_of_it_does_not_tell_its_title(secret: Incident) -> None:
    mine = make_incident()
    change_status(
        incident=mine, status="closed", closure_reason="duplicate", duplicate_of=secret, by=make_person("ada"), now=NOW
    )
    assert WORD not in signed_in(make_person("mallory")).get(mine.get_absolute_url()).content.decode()


def test_a_citation_of_it_is_no_link_for_others(secret: Incident) -> None:
    mine = make_incident()
    postmortem = make_postmortem(mine)
    save_postmortem(
        postmortem=postmortem, based_on=None, title="Mine", body="See [[INC-1]].", by=make_person("ada"), now=NOW
    )
    address = f"{mine.get_absolute_url()}postmortem/"
    assert WORD not in signed_in(make_person("mallory")).get(address).content.decode()
    assert WORD in signed_in(make_person("ada")).get(address).content.decode()


def test_editing_an_agenda_keeps_the_items_that_the_editor_cannot_see(secret: Incident) -> None:
    ben = make_person("ben")
    visible = make_lesson(statement="Everybody reads this.")
    session = make_brownbag(title="Second")
    save_brownbag(
        by=make_person("ada"),
        session=session,
        items=[{"lesson": Lesson.objects.get(number=1)}, {"lesson": visible}],
    )
    client = signed_in(ben)
    form = {"title": "Second, renamed", "item": [f"lesson-{visible.pk}"]}
    assert client.post(f"/brown-bags/{session.pk}/edit/", form).status_code == 302
    shown = signed_in(make_person("ada")).get(session.get_absolute_url()).content.decode()
    assert WORD in shown
    assert "Everybody reads this." in shown


def test_correcting_a_lesson_keeps_the_post_mortems_that_the_writer_cannot_see(secret: Incident) -> None:
    open_one = make_postmortem(make_incident())
    lesson = make_lesson(postmortems=[secret.postmortem, open_one])
    change_lesson(lesson=lesson, by=make_person("ben"), statement="Shorter.", postmortems=[open_one])
    assert set(lesson.postmortems.all()) == {secret.postmortem, open_one}
