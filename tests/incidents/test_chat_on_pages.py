"""Updates, messages, files and what was not delivered, as the incident's pages show them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from incidents.actions.attachment import store_attachment
from incidents.actions.timeline import put_message
from incidents.actions.update import post_update
from incidents.models import Delivery, Incident, IncidentUpdate, Severity
from incidents.telling import undelivered
from tests.api.test_query_counts import queries_of
from tests.builders import NOW, make_incident, make_person
from tests.fixtures import signed_in

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def shown(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def message(incident: Incident, **overrides: Any) -> None:
    fields = {
        "key": "slack:C1:1.1",
        "occurred_at": NOW,
        "title": "Ben Lindqvist",
        "text": "The **pool** is full.",
        "actor": None,
        "now": NOW,
        "detail": {},
    }
    put_message(incident=incident, **(fields | overrides))


def delivery(incident: Incident | None, **overrides: Any) -> Delivery:
    at = timezone.now() - timedelta(minutes=10)
    fields = {
        "service": "slack",
        "kind": "headline",
        "lane": "slack:1",
        "state": "failed",
        "attempts": 3,
        "problem": "The channel is archived.",
        "due_at": at,
        "created_at": at,
    }
    return Delivery.objects.create(incident=incident, **(fields | overrides))


def form(**overrides: str) -> dict[str, str]:
    return {"text": "Half of the payments fail.", "status": "", "severity": "", "next_in": ""} | overrides


def test_the_dialog_posts_an_update_with_everything_chosen(as_ada: Client) -> None:
    incident = make_incident()
    sev1 = Severity.objects.get(name="SEV1")
    answer = as_ada.post("/incidents/1/updates/", form(status="mitigated", severity=str(sev1.pk), next_in="30"))
    assert answer["Location"] == incident.get_absolute_url()
    update = IncidentUpdate.objects.get()
    assert (update.status, update.severity) == ("mitigated", "SEV1")
    assert update.next_at == update.posted_at + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"text": ""}, "Is empty; say what is known"),
        ({"text": "x" * 3_001}, "Has 3,001 characters; expected at most 3,000"),
        ({"status": "closed"}, "not one of the available choices"),
        ({"severity": "999"}, "not one of the available choices"),
        ({"next_in": "-5"}, "not one of the available choices"),
    ],
)
def test_a_refused_update_names_the_field_and_keeps_what_was_typed(
    as_ada: Client, wrong: dict[str, str], words: str
) -> None:
    make_incident()
    answer = as_ada.post("/incidents/1/updates/", form(text="A <long> story.") | wrong)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert "text" in wrong or "A &lt;long&gt; story." in page
    assert not IncidentUpdate.objects.exists()


def test_the_last_update_stands_under_the_header_and_all_of_them_on_their_page(as_cy: Client, ada: User) -> None:
    incident = make_incident()
    assert 'id="h-update"' not in shown(as_cy, "/incidents/1/")
    post_update(incident=incident, text="First.", by=ada, now=NOW)
    post_update(incident=incident, text=f"Second. {HOSTILE}", by=ada, now=NOW, next_in=timedelta(minutes=30))
    page = shown(as_cy, "/incidents/1/")
    last = page.partition('id="h-update"')[2].partition("</section>")[0]
    assert "Second. &lt;script&gt;" in last
    assert "First." not in last
    assert "Ada Okafor" in last
    assert "next was promised for" in last
    assert HOSTILE not in page
    everything = shown(as_cy, "/incidents/1/updates/")
    assert everything.index("Second.") < everything.index("First.")
    assert HOSTILE not in everything


def test_a_viewer_reads_updates_and_gives_none(as_cy: Client) -> None:
    make_incident()
    assert 'id="update"' not in shown(as_cy, "/incidents/1/")
    assert "Post the update" not in shown(as_cy, "/incidents/1/updates/")
    assert as_cy.post("/incidents/1/updates/", form()).status_code == 403
    assert not IncidentUpdate.objects.exists()


def test_updates_of_a_restricted_incident_are_not_there_for_others(ben: User) -> None:
    incident = make_incident(visibility="restricted")
    post_update(incident=incident, text="Secret.", by=make_person("ada"), now=NOW)
    assert signed_in(ben).get("/incidents/1/updates/").status_code == 404
    assert signed_in(ben).post("/incidents/1/updates/", form()).status_code == 404


def test_a_severity_that_nobody_chose_says_so(as_ada: Client) -> None:
    incident = make_incident()
    assert "not chosen yet" not in shown(as_ada, "/incidents/1/")
    Incident.objects.filter(pk=incident.pk).update(severity_is_open=True)
    assert "not chosen yet" in shown(as_ada, "/incidents/1/")


def test_a_message_is_a_line_with_its_word_its_text_and_a_filter(as_cy: Client) -> None:
    message(make_incident(), detail={"edited": True, "link": "https://example.slack.com/archives/C1/p11"})
    page = shown(as_cy, "/incidents/1/?source=chat")
    assert '<span class="visually-hidden">Chat: </span><b>Ben Lindqvist</b>' in page
    assert "<p>The <b>pool</b> is full.</p>" in page
    assert "edited</span> <a" in page
    assert 'id="tl-source-chat" type="checkbox" name="source" value="chat" checked' in page


def test_a_deleted_message_says_so() -> None:
    message(make_incident(), text="", detail={"deleted": "Slack"})
    assert "deleted in Slack" in shown(signed_in(make_person("cy")), "/incidents/1/")


def test_a_long_message_is_folded_and_whole_behind_it(as_cy: Client) -> None:
    message(make_incident(), text=f"{'word ' * 400}the end")
    page = shown(as_cy, "/incidents/1/")
    assert "<summary>The whole message</summary>" in page
    assert page.count("the end</p>") == 1


def test_files_are_links_pictures_or_a_reason(as_cy: Client) -> None:
    files = [
        {"name": 'a"><b>.png', "address": "/incidents/1/pictures/1/", "is_picture": True},
        {"name": "heap.hprof", "address": "/incidents/1/files/1/"},
        {"name": "video.mov", "address": "", "reason": "It has 90 MiB; at most 8 MiB are kept."},
        {"name": "x", "address": "javascript:alert(1)"},
        {"name": "y", "address": "//evil.example/", "is_picture": True},
    ]
    message(make_incident(), detail={"files": files})
    page = shown(as_cy, "/incidents/1/")
    assert 'src="/incidents/1/pictures/1/" alt="a&quot;&gt;&lt;b&gt;.png"' in page
    assert '<a href="/incidents/1/files/1/">heap.hprof</a>' in page
    assert "video.mov <span>It has 90 MiB; at most 8 MiB are kept.</span>" in page
    assert "javascript:alert" not in page
    assert "evil.example" not in page


def test_hostile_messages_never_become_markup(as_cy: Client) -> None:
    detail = {
        "deleted": HOSTILE,
        "link": f'https://x.example/"{HOSTILE}',
        "files": [{"name": HOSTILE, "address": f"/x{HOSTILE}", "reason": HOSTILE}, HOSTILE],
    }
    message(make_incident(), title=HOSTILE, text=f"{HOSTILE}\n> {HOSTILE}\n- {HOSTILE}", detail=detail)
    page = shown(as_cy, "/incidents/1/")
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_an_attachment_is_only_ever_downloaded(as_cy: Client) -> None:
    incident = make_incident()
    row = store_attachment(incident=incident, name='a"\r\n<b>.html', data=HOSTILE.encode(), given_by="Ben", now=NOW)
    answer = as_cy.get(row.get_absolute_url())
    assert answer.content == HOSTILE.encode()
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_an_attachment_of_a_restricted_or_another_incident_is_not_found(ben: User) -> None:
    row = store_attachment(
        incident=make_incident(visibility="restricted"), name="x", data=b"x", given_by="Ada", now=NOW
    )
    make_incident()
    assert signed_in(ben).get(row.get_absolute_url()).status_code == 404
    assert signed_in(ben).get(f"/incidents/2/files/{row.pk}/").status_code == 404


def test_what_failed_says_why_and_is_tried_again_by_who_responds(as_ada: Client, as_cy: Client) -> None:
    row = delivery(make_incident())
    assert "The channel is archived." in shown(as_ada, "/incidents/1/")
    assert "Try again" in shown(as_ada, "/incidents/1/")
    assert "Try again" not in shown(as_cy, "/incidents/1/")
    address = f"/incidents/1/deliveries/{row.pk}/retry/"
    assert as_cy.post(address).status_code == 403
    assert as_ada.get(address).status_code == 405
    assert as_ada.post(address).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("waiting", 1)


def test_nobody_retries_for_an_incident_that_they_do_not_see(ben: User) -> None:
    row = delivery(make_incident(visibility="restricted"))
    assert signed_in(ben).post(f"/incidents/1/deliveries/{row.pk}/retry/").status_code == 404
    row.refresh_from_db()
    assert row.state == "failed"


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def test_what_waits_for_a_silent_service_is_told_with_since_when_and_how_much() -> None:
    incident = make_incident()
    common = {"state": "waiting", "due_at": at(0), "problem": ""}
    delivery(incident, **common | {"created_at": at(0), "problem": "Slack did not answer within 10 seconds."})
    for minute in (1, 2):
        delivery(incident, **common | {"created_at": at(minute), "attempts": 0})
    delivery(incident, **common | {"service": "teams", "created_at": at(3), "attempts": 0})
    (told,) = undelivered(incident, at(3)).waiting
    assert (told.service, told.since, told.count) == ("Slack", at(0), 3)
    assert told.problem == "Slack did not answer within 10 seconds."


def test_what_is_meant_for_later_or_done_is_no_trouble() -> None:
    incident = make_incident()
    delivery(incident, state="waiting", attempts=0, problem="", created_at=at(0), due_at=at(600))
    delivery(incident, state="done", problem="")
    delivery(make_incident())
    told = undelivered(incident, at(5))
    assert (told.failed, told.waiting) == ([], [])


def test_the_page_asks_no_more_for_more_messages_updates_and_failures(as_ada: Client, ada: User) -> None:
    incident = make_incident()

    def more(place: int) -> None:
        post_update(incident=incident, text="More.", by=ada, now=NOW)
        message(incident, key=f"slack:C1:{place}", actor=ada)
        delivery(incident)

    more(0)
    few = queries_of(lambda: as_ada.get("/incidents/1/")), queries_of(lambda: as_ada.get("/incidents/1/updates/"))
    for place in range(1, 6):
        more(place)
    assert few == (
        queries_of(lambda: as_ada.get("/incidents/1/")),
        queries_of(lambda: as_ada.get("/incidents/1/updates/")),
    )
