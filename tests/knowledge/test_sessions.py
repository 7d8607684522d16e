"""Planning a session, presenting it, and what stays of it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Team
from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput
from knowledge.actions.session import answer_invitation, end_session, give_feedback, mark_attendance, raise_followup
from knowledge.agenda import filled, postmortems_by_rule
from knowledge.models import BrownBagSession
from tests.builders import NOW, make_brownbag, make_incident, make_lesson, make_person, make_postmortem
from tests.fixtures import signed_in
from tests.knowledge.sessions import make_story

pytestmark = pytest.mark.django_db


def test_an_agenda_holds_items_of_ones_own_with_questions(as_ada: Client) -> None:
    session = make_brownbag(items=[{"title": "Welcome", "minutes": 2}, {"lesson": make_lesson()}])
    address = f"{session.get_absolute_url()}edit/"
    assert 'value="Welcome"' in as_ada.get(address).content.decode()
    form = {
        "title": session.title,
        "minutes": "30",
        "place": "Kitchen",
        "item": ["own-0", "own-new-1", "own-new-2"],
        "title-own-0": "Hello",
        "title-own-new-1": "Questions",
        "questions-own-new-1": "Why?",
    }
    assert as_ada.post(address, form).status_code == 302
    assert [(item.title, item.questions) for item in session.items.all()] == [("Hello", ""), ("Questions", "Why?")]
    session.refresh_from_db()
    assert (session.minutes, session.place) == (30, "Kitchen")


def test_a_rule_fills_the_agenda_with_what_one_may_see(as_ada: Client) -> None:
    ben = make_person("ben")
    team = Team.objects.create(name="Shop")
    team.members.add(ben)
    ours, theirs = make_story(0, charts=0, by=ben), make_story(2, charts=0)
    make_postmortem(make_incident(title="A draft"))
    hidden = make_story(4, charts=0, visibility="restricted", by=make_person("root"))
    told = {"since": NOW - timedelta(days=30), "severities": [], "team": None, "only_published": True}
    assert postmortems_by_rule(person=make_person("ben"), **told) == [ours, theirs]
    assert postmortems_by_rule(person=ben, **told | {"team": team}) == [ours]
    assert hidden in postmortems_by_rule(person=make_person("root"), **told)
    page = as_ada.get("/brown-bags/new/?days=700&only_published=on").content.decode()
    assert f'value="postmortem-{ours.pk}" checked' in page
    assert f"postmortem-{hidden.pk}" not in page


@pytest.mark.parametrize(("minutes", "sum_"), [(45, 45), (60, 60), (10, 10)])
def test_a_rule_shares_the_slot(minutes: int, sum_: int) -> None:
    postmortem = make_postmortem()
    assert abs(sum(item["minutes"] for item in filled([postmortem] * 2, [], minutes)) - sum_) <= 1


def test_the_presenter_sees_slides_notes_and_no_style_of_their_own(as_ada: Client) -> None:
    session = make_brownbag(items=[{"postmortem": make_story(1, charts=1), "notes": "Begin slowly.", "minutes": 7}])
    page = as_ada.get(f"{session.get_absolute_url()}present/").content.decode()
    assert page.count("data-deck-slide") == page.count("data-deck-notes") > 8
    assert "Begin slowly." in page
    assert 'data-minutes="7"' in page
    assert "<style" not in page
    assert not re.search(r'\sstyle="', page)
    assert "<script>alert" not in page
    small = as_ada.get(f"{session.get_absolute_url()}slides/").content.decode()
    assert "deck-thumb" in small
    assert "Begin slowly." not in small


def test_notes_are_for_the_host_and_for_who_responds() -> None:
    cy = make_person("cy")
    session = make_brownbag(items=[{"title": "Welcome", "notes": "Begin slowly."}])
    address, told = session.get_absolute_url(), f"/api/v1/brownbags/{session.pk}/"
    pages = (address, f"{address}present/", f"{address}export/md/", told)

    def shown(name: str) -> list[bool]:
        answers = [signed_in(make_person(name)).get(page) for page in pages]
        assert {answer.status_code for answer in answers} == {200}
        return ["Begin slowly." in answer.content.decode() for answer in answers]

    assert shown("ben") == [True] * 4
    assert shown("cy") == [False] * 4
    BrownBagSession.objects.update(host=cy)
    assert shown("cy") == [True] * 4


def test_viewers_answer_and_give_feedback_and_who_was_there_is_noted() -> None:
    session, cy = make_brownbag(held_at=NOW), make_person("cy")
    client, address = signed_in(cy), session.get_absolute_url()
    client.post(f"{address}answer/", {"answer": "yes"})
    client.post(f"{address}feedback/", {"useful": "partly", "text": "Too fast."})
    client.post(f"{address}feedback/", {"useful": "yes", "text": "<b>Good</b>"})
    assert client.post(f"{address}attendance/", {"there": [str(cy.pk)]}).status_code == 403
    mark_attendance(session=session, present=[cy, make_person("ben")], by=make_person("ada"), now=NOW)
    mark_attendance(session=session, present=[cy], by=make_person("ada"), now=NOW)
    rows = {row.user.username: (row.answer, row.was_there) for row in session.attendances.all()}
    assert rows == {"cy": ("yes", True), "ben": ("open", False)}
    assert [(row.useful, row.text) for row in session.feedback.all()] == [("yes", "<b>Good</b>")]
    assert "&lt;b&gt;Good" in client.get(address).content.decode()


def test_wrong_answers_name_what_was_expected() -> None:
    session, cy = make_brownbag(), make_person("cy")
    with pytest.raises(InvalidInput, match="expected one of"):
        answer_invitation(session=session, answer="perhaps", by=cy, now=NOW)
    with pytest.raises(InvalidInput, match="expected one of"):
        give_feedback(session=session, useful="9", by=cy, now=NOW)
    with pytest.raises(PermissionProblem):
        end_session(session=session, by=cy, now=NOW)


def test_a_follow_up_is_raised_in_the_session_in_one_press(as_ada: Client) -> None:
    postmortem = make_postmortem()
    session = make_brownbag(items=[{"postmortem": postmortem}])
    address = session.get_absolute_url()
    as_ada.post(f"{address}followups/", {"incident": postmortem.incident_id, "title": "Ask the process"})
    assert [row.title for row in session.followups.all()] == ["Ask the process"]
    assert "Ask the process" in as_ada.get(address).content.decode()
    with pytest.raises(InvalidInput, match="not on the agenda"):
        raise_followup(session=session, incident=make_incident(), title="x", by=make_person("ada"), now=NOW)


def test_a_follow_up_of_a_hidden_incident_is_not_shown() -> None:
    hidden = make_postmortem(make_incident(title="Zebra", visibility="restricted"))
    session = make_brownbag(items=[{"postmortem": hidden}])
    raise_followup(session=session, incident=hidden.incident, title="Zebra lock", by=make_person("ada"), now=NOW)
    assert "Zebra" not in signed_in(make_person("cy")).get(session.get_absolute_url()).content.decode()
    told = signed_in(make_person("cy")).get(f"/api/v1/brownbags/{session.pk}/").json()
    assert (told["followups"], told["items"]) == ([], [])


def test_an_ended_session_stays_a_page(as_ada: Client) -> None:
    session = make_brownbag()
    as_ada.post(f"{session.get_absolute_url()}end/", {"notes": "We talked about locks."})
    session.refresh_from_db()
    assert session.ended_at is not None
    assert "We talked about locks." in signed_in(make_person("cy")).get(session.get_absolute_url()).content.decode()


def test_the_api_knows_all_of_it(as_ada: Client) -> None:
    postmortem = make_postmortem()
    session = make_brownbag(items=[{"postmortem": postmortem}], place="Kitchen")
    address = f"/api/v1/brownbags/{session.pk}/"
    items = [{"postmortem": postmortem.pk}, {"title": "Questions", "minutes": 5, "questions": "Why?"}]
    changed = as_ada.patch(address, {"items": items, "minutes": 30}, content_type="application/json").json()
    assert [item["title"] for item in changed["items"]] == ["", "Questions"]
    for deed, told in (
        ("answer_invitation", {"answer": "yes"}),
        ("give_feedback", {"useful": "yes"}),
        ("attendance", {"present": ["ada"]}),
        ("raise_followup", {"incident": postmortem.incident.number, "title": "Ask"}),
        ("end", {"notes": "Done."}),
    ):
        answer = as_ada.post(f"{address}{deed}/", told, content_type="application/json")
        assert answer.status_code == 200, (deed, answer.content)
    found = as_ada.get(address).json()
    assert found["attendances"][0] | {"user": ""} == {"user": "", "answer": "yes", "was_there": True}
    assert (len(found["feedback"]), len(found["followups"]), found["notes"]) == (1, 1, "Done.")
    assert found["ended_at"]


def test_the_page_takes_no_query_for_each_item(
    as_ada: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    items = [{"postmortem": make_postmortem(make_incident(title=f"No {at}"))} for at in range(4)]
    session = make_brownbag(items=items)
    for name in ("ben", "cy", "mallory"):
        give_feedback(session=session, useful="yes", by=make_person(name), now=NOW)
        answer_invitation(session=session, answer="yes", by=make_person(name), now=NOW)
    with django_assert_max_num_queries(22):
        as_ada.get(session.get_absolute_url())
    assert BrownBagSession.objects.count() == 1


def test_pictures_of_slides_may_stand_in_the_pages_that_show_them(as_ada: Client) -> None:
    address = make_brownbag().get_absolute_url()
    for page in (address, f"{address}present/"):
        assert "img-src 'self' data:" in as_ada.get(page).headers["Content-Security-Policy"]
    assert "data:" not in as_ada.get("/brown-bags/").headers["Content-Security-Policy"]
