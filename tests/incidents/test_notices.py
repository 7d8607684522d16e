"""Notices: told once to those whom it concerns, followed, read; what the clock reminds of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from incidents import signals
from incidents.actions.incident import change_status, set_roles
from incidents.actions.postmortem import save_postmortem
from incidents.actions.publication import publish_postmortem
from incidents.actions.review import ask_for_review, give_verdict
from incidents.models import Incident, Notice, PostMortem
from incidents.notices import mentioned, tell
from incidents.reminders import remind
from incidents.tasks import remind_postmortems
from tests.api.test_query_counts import queries_of
from tests.builders import NOW, make_incident, make_person, make_postmortem
from tests.fixtures import signed_in

pytestmark = pytest.mark.django_db


def told(username: str) -> list[str]:
    return list(Notice.objects.filter(person__username=username).order_by("id").values_list("text", flat=True))


def notice(person: User, incident: Incident | None = None, **overrides: Any) -> Notice:
    number = Notice.objects.count()
    fields = {"key": f"k{number}", "text": f"Notice {number}", "address": "/incidents/", "created_at": NOW}
    return Notice.objects.create(person=person, incident=incident or make_incident(), **(fields | overrides))


def test_the_same_thing_is_told_once_and_not_to_those_who_are_gone(ada: User, cy: User) -> None:
    cy.is_active = False
    cy.save()
    incident = make_incident()
    for _ in range(2):
        tell([ada, ada, cy, None], incident=incident, key="k", text="x" * 400, address="/", now=NOW)
    row = Notice.objects.get()
    assert (row.person, len(row.text)) == (ada, 300)


def test_those_above_hear_of_each_new_notice(ada: User, django_capture_on_commit_callbacks: Any) -> None:
    heard: list[int] = []

    def listen(sender: Any, notice_id: int, **more: Any) -> None:
        heard.append(notice_id)

    signals.person_notified.connect(listen)
    incident = make_incident()
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            tell([ada], incident=incident, key="k", text="t", address="/", now=NOW)
    signals.person_notified.disconnect(listen)
    assert heard == [Notice.objects.get().pk]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ada please", {"ada"}),
        ("(@ada, @ben)", {"ada", "ben"}),
        ("ask @ada.", {"ada"}),
        ("ada@example.org and https://x/@ben", set()),
        ("`@ada`", set()),
        ("@nobody", set()),
        ("@" * 5_000, set()),
        ("@ADA", set()),
    ],
)
def test_a_name_with_an_at_calls_somebody(ada: User, ben: User, text: str, names: set[str]) -> None:
    assert {one.username for one in mentioned(text)} == names


def test_being_asked_and_being_answered_are_told(cy: User, ben: User) -> None:
    postmortem = make_postmortem()
    save_postmortem(postmortem=postmortem, based_on=None, title="Down", body="B", by=make_person("ada"), now=NOW)
    ask_for_review(postmortem=postmortem, reviewers=[cy], by=ben, now=NOW)
    assert told("cy") == ["Ben Lindqvist asks you to review “Down”"]
    assert told("ben") == []
    give_verdict(postmortem=postmortem, verdict="changes", comment="Why?", by=cy, now=NOW)
    assert told("ada") == ["Cy Moreau asks for changes in “Down”"]


def test_a_second_ask_is_told_again(cy: User, ben: User) -> None:
    postmortem = make_postmortem()
    for hours in (0, 1):
        ask_for_review(postmortem=postmortem, reviewers=[cy], by=ben, now=NOW + timedelta(hours=hours))
    assert len(told("cy")) == 2


def due(postmortem: PostMortem, **delta: float) -> PostMortem:
    postmortem.due_at = NOW + timedelta(**delta)
    postmortem.save()
    return postmortem


def test_a_post_mortem_due_tomorrow_is_told_once_and_a_late_one_each_day_until_it_is_published(ada: User) -> None:
    postmortem = due(make_postmortem(), hours=20)
    assert (remind(NOW), remind(NOW + timedelta(hours=1))) == (1, 0)
    for day in (1, 2, 3):
        for hour in (0, 1):
            remind(NOW + timedelta(days=day, hours=hour))
    texts = told("ada")
    assert [text.partition("” ")[2] for text in texts] == [
        "is due soon",
        "is overdue",
        "is 1 day overdue",
        "is 2 days overdue",
    ]
    publish_postmortem(postmortem=postmortem, by=make_person("ben"), now=NOW + timedelta(days=3))
    assert remind(NOW + timedelta(days=4)) == 0


def test_who_writes_commands_or_keeps_the_record_is_reminded(ben: User, cy: User) -> None:
    incident = make_incident()
    set_roles(incident=incident, roles=[("commander", cy), ("responder", make_person("mallory"))], by=ben, now=NOW)
    postmortem = make_postmortem(incident)
    save_postmortem(postmortem=postmortem, based_on=None, title="T", body="B", by=ben, now=NOW)
    due(PostMortem.objects.get(), hours=-1)
    Notice.objects.all().delete()
    remind(NOW)
    assert {one.person.username for one in Notice.objects.all()} == {"ben", "cy"}


def test_an_incident_that_was_none_owes_nothing(ada: User) -> None:
    postmortem = due(make_postmortem(), hours=-1)
    change_status(
        incident=postmortem.incident, status="closed", closure_reason="false_positive", by=ada, now=NOW, reason="x"
    )
    assert remind(NOW) == 0


def test_a_review_that_waits_for_two_days_is_told_once(cy: User, ben: User) -> None:
    postmortem = make_postmortem()
    ask_for_review(postmortem=postmortem, reviewers=[cy], by=ben, now=NOW)
    Notice.objects.all().delete()
    PostMortem.objects.update(due_at=None)
    assert remind(NOW + timedelta(days=1)) == 0
    assert (remind(NOW + timedelta(days=2)), remind(NOW + timedelta(days=3))) == (1, 0)
    assert told("cy")[0].endswith("has waited for your review for two days")


def test_nobody_is_reminded_of_what_they_may_not_see(cy: User, ben: User) -> None:
    postmortem = make_postmortem()
    ask_for_review(postmortem=postmortem, reviewers=[cy], by=ben, now=NOW)
    Incident.objects.update(visibility="restricted")
    Notice.objects.all().delete()
    PostMortem.objects.update(due_at=None)
    assert remind(NOW + timedelta(days=3)) == 0


def test_the_task_of_the_clock_reminds(ada: User) -> None:
    due(make_postmortem(), days=-400)
    assert remind_postmortems() == 1
    assert remind_postmortems() == 0


def test_the_bell_counts_what_is_unread_and_still_to_be_seen(as_cy: Client, cy: User) -> None:
    incident, hidden = make_incident(), make_incident(visibility="restricted")
    notice(cy, incident), notice(cy, incident, read_at=NOW), notice(cy, hidden), notice(make_person("ada"), incident)
    page = as_cy.get("/").content.decode()
    assert 'aria-label="Notices, 1 unread"' in page
    listed = as_cy.get("/notices/").content.decode()
    assert ("Notice 0" in listed, "Notice 2" in listed, "Notice 3" in listed) == (True, False, False)


def test_following_a_notice_reads_it_and_nobody_elses(as_cy: Client, cy: User) -> None:
    mine, other = notice(cy), notice(make_person("ada"))
    answer = as_cy.post(f"/notices/{mine.pk}/")
    assert answer["Location"] == "/incidents/"
    assert as_cy.post(f"/notices/{other.pk}/").status_code == 404
    mine.refresh_from_db()
    other.refresh_from_db()
    assert mine.read_at is not None
    assert other.read_at is None


def test_all_are_marked_read_at_once_and_the_list_is_narrowed(as_cy: Client, cy: User) -> None:
    notice(cy, text="Ben asks you to review"), notice(cy, text="Ada mentions you")
    listed = as_cy.get("/notices/?q=mentions&unread=1").content.decode()
    assert "Ada mentions you" in listed
    assert "Ben asks" not in listed
    as_cy.post("/notices/read/")
    assert not Notice.objects.filter(read_at=None).exists()
    assert "Nothing matches" in as_cy.get("/notices/?unread=1").content.decode()


def test_without_notices_the_page_says_what_will_be_here() -> None:
    assert "Nothing was told to you yet" in signed_in(make_person("ben")).get("/notices/").content.decode()


def test_a_list_of_many_asks_no_more_than_one_of_few(as_cy: Client, cy: User) -> None:
    notice(cy)
    few = queries_of(lambda: as_cy.get("/notices/"))
    for _ in range(28):
        notice(cy)
    assert queries_of(lambda: as_cy.get("/notices/")) == few


def test_hostile_words_in_a_notice_are_words(as_cy: Client, cy: User) -> None:
    notice(cy, text="<script>alert(1)</script>")
    page = as_cy.get("/notices/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
