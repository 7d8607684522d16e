"""The version for people outside: what it shows, what it never shows, and links that end."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent
from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput
from incidents.actions.outside import make_external_link, open_external_link, revoke_external_link
from incidents.actions.picture import store_picture
from incidents.actions.postmortem import save_postmortem
from incidents.actions.publication import publish_postmortem
from incidents.models import ExternalLink, Incident, PostMortem
from incidents.outside import choices
from telemetry.observations import EvidenceType
from tests.builders import NOW, make_evidence, make_incident, make_person, make_postmortem
from tests.fixtures import signed_in
from tests.incidents.test_comments import active
from tests.incidents.test_pictures import file

pytestmark = pytest.mark.django_db
TEXT = """Before any heading: internal.

## Summary

<!-- guidance -->
@ada and @unknown saw it fail, see [[E-1]] and INC-2. [Runbook](/sources/) and [status](https://status.example.org/).

## Impact

![[E-1 caption="Errors"]]

![[timeline]]

## Internal

The root password was on a sticky note.
"""


def published(body: str = TEXT, **incident: Any) -> PostMortem:
    row = make_incident(**incident)
    points = [[NOW.timestamp() + place, 1.0] for place in range(30)]
    series = {"series": [{"labels": {}, "points": points}], "expr": "rate(secret_service_requests[1m])"}
    make_evidence(row, type=EvidenceType.METRIC.value, title="Error rate", payload=series)
    postmortem, ben = make_postmortem(row), make_person("ben")
    save_postmortem(postmortem=postmortem, based_on=None, title="Checkout was down", body=body, by=ben, now=NOW)
    return publish_postmortem(postmortem=postmortem, by=ben, now=NOW)


def link(postmortem: PostMortem, **overrides: Any) -> tuple[ExternalLink, str]:
    fields = {"audience": "Customers", "sections": ["Summary", "Impact"], "with_figures": True, "days": 14}
    fields |= {"by": make_person("ben"), "now": timezone.now()}
    return make_external_link(postmortem=postmortem, **(fields | overrides))


def read(token: str, client: Client | None = None) -> Any:
    return (client or Client()).get(f"/outside/{token}/")


def test_somebody_without_an_account_reads_the_chosen_sections_alone() -> None:
    make_incident(title="A secret project is late")
    answer = read(link(published(), sections=["Summary"])[1])
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Checkout was down" in page
    assert "saw it fail" in page
    for hidden in ("sticky note", "guidance", "Before any heading", "A secret project", "<svg class", "Impact"):
        assert hidden not in page


def test_names_become_roles_citations_plain_text_and_addresses_inside_go() -> None:
    page = read(link(published())[1]).content.decode()
    assert "a responder and @unknown" in page
    assert "Ada" not in page
    assert "E-1" in page
    assert 'href="/sources' not in page
    assert 'href="/incidents' not in page
    assert 'href="https://status.example.org/"' in page


def test_figures_are_shown_when_wanted_and_the_timeline_never() -> None:
    postmortem = published()
    with_figures = read(link(postmortem)[1]).content.decode()
    without = read(link(postmortem, with_figures=False)[1]).content.decode()
    assert 'class="viz' in with_figures
    assert "1 figure was left out" in with_figures
    assert "secret_service" not in with_figures
    assert 'class="viz' not in without
    assert "left out" not in without


@pytest.mark.parametrize("mark", [{"redactions": {"token": 2}}, {"flags": {"truncated": True}}])
def test_evidence_that_was_redacted_or_flagged_is_left_out_and_that_is_said(mark: dict[str, Any]) -> None:
    postmortem = published()
    postmortem.incident.evidence.update(**mark)
    page = read(link(postmortem)[1]).content.decode()
    assert 'class="viz' not in page
    assert "2 figures were left out" in page


def test_evidence_of_a_restricted_incident_is_left_out() -> None:
    page = read(link(published(visibility="restricted"))[1]).content.decode()
    assert 'class="viz' not in page
    assert "saw it fail" in page


def test_an_incident_that_becomes_restricted_takes_its_figures_back() -> None:
    postmortem = published()
    token = link(postmortem)[1]
    Incident.objects.update(visibility="restricted")
    assert 'class="viz' not in read(token).content.decode()


def test_readers_outside_see_what_is_published_not_the_draft() -> None:
    postmortem = published()
    token = link(postmortem)[1]
    draft = TEXT.replace("saw it fail", "wrote something new")
    save_postmortem(postmortem=postmortem, based_on=None, title="T", body=draft, by=make_person("ben"), now=NOW)
    assert "wrote something new" not in read(token).content.decode()


def test_a_section_that_is_gone_is_said_and_no_other_takes_its_place() -> None:
    postmortem, ben = published(), make_person("ben")
    token = link(postmortem, sections=["Impact"])[1]
    later = NOW + timedelta(minutes=1)
    save_postmortem(postmortem=postmortem, based_on=None, title="T", body="## Cost\n\nNew.", by=ben, now=later)
    publish_postmortem(postmortem=postmortem, by=ben, now=later)
    page = read(token).content.decode()
    assert "no longer part of the text" in page
    assert "New." not in page


def test_unfinished_guidance_hides_what_follows_rather_than_showing_it() -> None:
    page = read(link(published("## Summary\n\nShown. <!-- internal\n\n## Impact\n\nHidden.\n"))[1]).content.decode()
    assert "Shown." in page
    assert "internal" not in page
    assert "Hidden." not in page


def test_unknown_ended_revoked_and_malformed_links_look_the_same() -> None:
    postmortem = published()
    ended, ended_token = link(postmortem)
    revoked, revoked_token = link(postmortem)
    ExternalLink.objects.filter(pk=ended.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    revoke_external_link(link=revoked, by=make_person("ben"), now=timezone.now())
    pages = [
        read(one) for one in (ended_token, revoked_token, "x" * 43, "x", "x" * 5_000, "%2e%2e", ended_token.lower())
    ]
    assert {one.status_code for one in pages} == {404}
    bodies = {re.sub(r"hx-headers=\S+ \S+", "", one.content.decode()) for one in pages}
    assert len(bodies) == 1


def test_a_link_ends_by_itself() -> None:
    token = link(published(), days=2)[1]
    with time_machine.travel(timezone.now() + timedelta(days=1, hours=23), tick=False):
        assert read(token).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(days=2, seconds=1), tick=False):
        assert read(token).status_code == 404


def test_the_page_is_not_to_be_indexed_kept_or_told_of_and_runs_nothing() -> None:
    answer = read(link(published())[1])
    assert answer["X-Robots-Tag"].startswith("noindex")
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "script" not in answer["Content-Security-Policy"]
    assert "<script" not in answer.content.decode()
    assert not answer.cookies


def test_each_reading_is_counted_and_a_refused_one_is_not() -> None:
    row, token = link(published())
    for _ in range(3):
        read(token)
    read("x" * 43)
    row.refresh_from_db()
    assert row.times_seen == 3
    assert row.last_seen_at is not None


def test_only_the_digest_is_kept_and_making_and_revoking_are_on_record() -> None:
    row, token = link(published())
    revoke_external_link(link=row, by=make_person("ada"), now=NOW)
    assert token not in str(ExternalLink.objects.values().get())
    verbs = list(
        AuditEvent.objects.filter(verb__startswith="postmortem.outside").order_by("id").values_list("verb", flat=True)
    )
    assert verbs == ["postmortem.outside_link_made", "postmortem.outside_link_revoked"]
    assert token not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"audience": " "}, "audience"),
        ({"audience": "x" * 121}, "audience"),
        ({"sections": []}, "sections"),
        ({"days": 0}, "days"),
        ({"days": 91}, "days"),
    ],
)
def test_what_cannot_be_taken_is_named(overrides: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        link(published(), **overrides)
    assert field in refused.value.errors


def test_a_draft_has_no_version_for_outside() -> None:
    with pytest.raises(InvalidInput, match="Publish the post-mortem first"):
        link(make_postmortem())


def test_viewers_make_and_revoke_no_links() -> None:
    postmortem = published()
    row, _ = link(postmortem)
    cy = make_person("cy")
    with pytest.raises(PermissionProblem):
        link(postmortem, by=cy)
    with pytest.raises(PermissionProblem):
        revoke_external_link(link=row, by=cy, now=NOW)
    address = f"{postmortem.get_absolute_url()}outside/"
    assert signed_in(cy).get(address).status_code == 403


def test_who_may_not_see_the_incident_reaches_neither_page_nor_links() -> None:
    postmortem = published(visibility="restricted")
    row, _ = link(postmortem)
    eve = make_person("eve", role="responder")
    address = f"{postmortem.get_absolute_url()}outside/"
    assert signed_in(eve).get(address).status_code == 404
    assert signed_in(eve).post(f"{address}{row.pk}/revoke/").status_code == 404


def test_the_page_shows_the_link_once_and_keeps_what_was_typed(as_ada: Client) -> None:
    postmortem = published()
    address = f"{postmortem.get_absolute_url()}outside/"
    refused = as_ada.post(address, {"audience": "Our customers", "days": "400", "sections": ["Summary"]})
    assert refused.status_code == 422
    assert "Our customers" in refused.content.decode()
    made = as_ada.post(address, {"audience": "Our customers", "days": "7", "sections": ["Summary"]})
    token = re.search(r"/outside/([\w-]{43})/", made.content.decode())
    assert token is not None
    assert read(token[1]).status_code == 200
    listed = as_ada.get(address).content.decode()
    assert token[1] not in listed
    assert "Our customers" in listed
    row = ExternalLink.objects.get()
    as_ada.post(f"{address}{row.pk}/revoke/")
    assert read(token[1]).status_code == 404
    assert open_external_link(token=token[1], now=NOW) is None


def test_a_section_that_is_not_in_the_text_is_refused(as_ada: Client) -> None:
    address = f"{published().get_absolute_url()}outside/"
    answer = as_ada.post(address, {"audience": "A", "days": "7", "sections": ["Nowhere"]})
    assert answer.status_code == 422
    assert not ExternalLink.objects.exists()


def test_the_choices_are_the_upper_headings_once_each() -> None:
    body = "# Top\n\n## One\n\n### Deep\n\n## One\n\n<!-- ## Hidden -->\n\n```\n## Code\n```\n\n## " + "x" * 300 + "\n"
    assert choices(body) == ["Top", "One", "x" * 200]


def test_hostile_text_runs_nothing_outside() -> None:
    trick = (
        "## Summary\n\n<script>alert(1)</script> <img src=x onerror=alert(2)> [x](javascript:alert(3)) "
        "![p](/incidents/1/pictures/1/) ![q](data:text/html,x) <a href='/incidents/'>in</a>\n"
    )
    page = read(link(published(trick))[1]).content.decode()
    assert "alert(1)" in page
    assert active(page) == []
    assert "pictures" not in page.replace("pictures/1/)", "")


@pytest.mark.parametrize(
    "head",
    [
        "Internal notes\n-----",
        "Internal notes\n=====",
        "Internal notes\n-",
        "##Internal notes",
        "#Internal notes ##",
        "\t```\n\t```\n# Internal notes",
        "> ```\n> code\n# Internal notes",
        "- ```\n  ```\n## Internal notes",
        "\x02## Internal notes",
    ],
)
def test_a_part_that_was_not_chosen_stays_inside_however_its_heading_is_written(head: str) -> None:
    body = f"## Summary\n\nShown.\n\n{head}\nThe password was on a sticky note.\n\n## Impact\n\nSeen.\n"
    page = read(link(published(body), sections=["Summary", "Impact"])[1]).content.decode()
    assert "Shown." in page
    assert "Seen." in page
    assert "Internal notes" not in page
    assert "sticky" not in page


def test_an_upper_heading_brings_no_lower_one_along_that_was_not_chosen() -> None:
    body = "# Outage\n\nIntroduction.\n\n## Summary\n\nShown.\n\n## Internal\n\nHidden.\n"
    page = read(link(published(body), sections=["Outage", "Summary"])[1]).content.decode()
    assert "Introduction." in page
    assert "Shown." in page
    assert "Hidden." not in page


def test_a_heading_inside_of_a_list_or_quote_that_was_not_chosen_is_refused_and_never_shown(as_ada: Client) -> None:
    postmortem = published("## Summary\n\nShown.\n\n> ## Quoted aside\n>\n> Words.\n")
    form = {"audience": "Customers", "days": "7", "sections": ["Summary"]}
    refused = as_ada.post(f"{postmortem.get_absolute_url()}outside/", form)
    assert refused.status_code == 422
    assert "Quoted aside" in refused.content.decode()
    assert not ExternalLink.objects.exists()
    page = read(link(postmortem, sections=["Summary"])[1]).content.decode()
    assert "Words." not in page
    assert "no longer part of the text" in page


def test_a_chosen_heading_may_hold_a_name_and_emphasis() -> None:
    body = "## What **@ada** did\n\nShown.\n\n## C# `code` [[E-1]]\n\nSeen.\n"
    page = read(link(published(body), sections=choices(body))[1]).content.decode()
    assert "a responder" in page
    assert "Shown." in page
    assert "Seen." in page


@pytest.mark.parametrize(
    ("fields", "wanted", "inside"), [({}, True, 1), ({}, False, 0), ({"visibility": "restricted"}, True, 0)]
)
def test_pictures_leave_when_figures_do_and_never_in_place_of_code(
    fields: dict[str, Any], wanted: bool, inside: int
) -> None:
    postmortem, ben = published(**fields), make_person("ben")
    address = store_picture(incident=postmortem.incident, name="a", data=file(), by=ben, now=NOW).get_absolute_url()
    body = f'## Summary\n\n![Graph]({address}) ![Again]({address})\n\n```\n<img src="{address}">\n```\n'
    save_postmortem(postmortem=postmortem, based_on=None, title="T", body=body, by=ben, now=NOW)
    publish_postmortem(postmortem=postmortem, by=ben, now=NOW)
    page = read(link(postmortem, sections=["Summary"], with_figures=wanted)[1]).content.decode()
    assert page.count("data:image/png;base64,") == inside
    assert "&lt;img src=" in page
    assert '<img src="/incidents' not in page
