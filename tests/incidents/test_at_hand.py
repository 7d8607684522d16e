"""At hand while writing: completion, cards of citations, the evidence drawer, parts of items; only what is visible."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents.actions.incident import set_roles
from incidents.choosing import markup
from incidents.markdown_syntax import options_of
from incidents.models import Incident, TimelineEntry
from telemetry.observations import EvidenceType
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

pytestmark = pytest.mark.django_db
START = NOW.timestamp()
METRIC = {
    "window": {"start": START, "end": START + 1200},
    "step_seconds": 60,
    "series": [{"labels": {"pod": name}, "points": [[START + 60 * n, n] for n in range(20)]} for name in ("a", "b")],
}
LOG = {"lines": [{"at": START + n, "text": f"line {n + 1} <b>", "level": "info"} for n in range(30)], "total": 30}


@pytest.fixture
def night() -> Incident:
    incident = make_incident(title="Checkout answers 503")
    make_evidence(incident, type=EvidenceType.METRIC.value, title="Error <rate>", payload=METRIC)
    make_evidence(incident, type=EvidenceType.LOG.value, title="checkout-1", payload=LOG)
    make_evidence(incident, title="BackOff", summary="i/o timeout")
    return incident


def asked(client: Client, incident: Incident, typed: str) -> list[str]:
    answer = client.get(f"/incidents/{incident.number}/complete/", {"q": typed})
    assert answer.status_code == 200
    return [one["insert"] for one in answer.json()["items"]]


def test_people_complete_by_name_those_involved_first(night: Incident, as_cy: Client) -> None:
    for name in ("ada", "ben", "mallory"):
        make_person(name)
    set_roles(incident=night, roles=[("scribe", make_person("mallory"))], by=make_person("ada"), now=NOW)
    assert asked(as_cy, night, "@")[0] == "@mallory"
    assert asked(as_cy, night, "@lindq") == ["@ben"]
    assert asked(as_cy, night, "@be") == ["@ben"]


@pytest.mark.parametrize(
    ("typed", "inserted"),
    [
        ("E-", ["[[E-1]]", "[[E-2]]", "[[E-3]]"]),
        ("e-2", ["[[E-2]]"]),
        ("[[rate", ["[[E-1]]"]),
        ("![[E-3", ["![[E-3]]"]),
        ("![[back", ["![[E-3]]"]),
        ("[[F-", ["[[F-1]]"]),
        ("F-1", ["F-1"]),
        ("L-wait", ["L-1"]),
        ("INC-node", ["INC-2"]),
        ("INC-9", []),
        ("E-99999999", []),
    ],
)
def test_things_complete_by_number_and_by_words(
    night: Incident, as_cy: Client, typed: str, inserted: list[str]
) -> None:
    make_incident(title="Node lost")
    make_followup(night)
    make_lesson()
    assert asked(as_cy, night, typed) == inserted


def test_a_number_comes_before_those_that_begin_with_it(as_cy: Client) -> None:
    here = make_incident()
    for _ in range(12):
        make_incident()
    assert asked(as_cy, here, "INC-1")[:2] == ["INC-13", "INC-12"]
    assert asked(as_cy, here, "INC-2") == ["INC-2"]


def test_completion_is_bounded_and_hides_what_is_hidden(night: Incident, as_cy: Client, as_ada: Client) -> None:
    secret = make_incident(title="Secret words", visibility="restricted")
    make_followup(secret, title="Secret deed")
    for _ in range(20):
        make_incident(title="Others")
    assert len(asked(as_cy, night, "INC-")) == 12
    assert asked(as_ada, night, "INC-secret") == [secret.key]
    assert asked(as_cy, night, "INC-secret") == []
    assert asked(as_cy, night, "F-secret") == []
    assert as_cy.get(f"/incidents/{secret.number}/complete/", {"q": "@"}).status_code == 404


@pytest.mark.parametrize("typed", ["x", "E", "[", "INC", "@a\n@b"])
def test_what_asks_for_nothing_is_told(night: Incident, as_cy: Client, typed: str) -> None:
    answer = as_cy.get(f"/incidents/{night.number}/complete/", {"q": typed})
    assert answer.status_code == 422
    assert "expected what was typed" in answer.json()["errors"]["q"]


@pytest.mark.parametrize("typed", ["@%_'\"", "INC-%", "E-<script>", "![[\\", "L-" + "x" * 5_000, "@" + "ß" * 60])
def test_hostile_words_find_nothing(night: Incident, as_cy: Client, typed: str) -> None:
    assert asked(as_cy, night, typed) == []


def test_a_card_shows_what_a_citation_stands_for(night: Incident, as_cy: Client) -> None:
    def card(ref: str) -> Any:
        return as_cy.get(f"/incidents/{night.number}/cards/{ref}/")

    make_followup(night)
    shown = card("E-1").content.decode()
    assert "Error &lt;rate&gt;" in shown
    assert "<svg" in shown
    assert card("E-2").content.decode().count("line ") == 5
    assert "Move liveness" in card("F-1").content.decode()
    assert "Investigating" in card("INC-1").content.decode()
    assert "Cy Moreau" in card("@cy").content.decode()
    for ref in ("E-99", "L-9", "F-9", "@nobody", "E-0", "X-1", "E-1x"):
        assert card(ref).status_code == 404


def test_cards_of_what_is_hidden_are_not_there(night: Incident, as_cy: Client) -> None:
    secret = make_incident(visibility="restricted")
    make_evidence(secret)
    assert as_cy.get(f"/incidents/{night.number}/cards/{secret.key}/").status_code == 404
    for path in ("cards/E-1/", "drawer/", "evidence/1/part/", "timeline/part/"):
        assert as_cy.get(f"/incidents/{secret.number}/{path}").status_code == 404


def items(client: Client, incident: Incident, **query: Any) -> list[str]:
    page = client.get(f"/incidents/{incident.number}/drawer/", query).content.decode()
    return re.findall(r'data-evidence="(E-\d+)"', page)


def test_the_drawer_searches_and_filters_on_the_server(night: Incident, as_cy: Client) -> None:
    entry = make_note(night)
    TimelineEntry.objects.filter(pk=entry.pk).update(evidence=night.evidence.get(number=3), pinned=True)
    assert items(as_cy, night) == ["E-1", "E-2", "E-3"]
    assert items(as_cy, night, seek="i/o timeout") == ["E-3"]
    assert items(as_cy, night, seek="e-2") == ["E-2"]
    assert items(as_cy, night, type="log") == ["E-2"]
    assert items(as_cy, night, pinned="1") == ["E-3"]
    assert items(as_cy, night, used="1", numbers="2,x,9") == ["E-2"]


def test_in_the_text_is_known_without_the_editor_too(night: Incident, as_cy: Client) -> None:
    postmortem = make_postmortem(night)
    type(postmortem).objects.update(body="[[E-3]] and ![[E-1 from=06:00]]")
    assert items(as_cy, night, used="1") == ["E-1", "E-3"]


def test_a_long_drawer_goes_on_with_its_filters(night: Incident, as_cy: Client) -> None:
    for _ in range(40):
        make_evidence(night, title="More")
    page = as_cy.get(f"/incidents/{night.number}/drawer/", {"seek": "More"}).content.decode()
    assert page.count("data-evidence") == 30
    following = re.search(r'hx-get="([^"]+)" hx-select', page)
    assert following
    assert as_cy.get(following[1].replace("&amp;", "&")).content.decode().count("data-evidence") == 10


def test_the_drawer_asks_the_same_number_of_questions_however_much_there_is(night: Incident, as_cy: Client) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            as_cy.get(f"/incidents/{night.number}/drawer/")
        return len(queries)

    count()
    before = count()
    for _ in range(20):
        make_evidence(night)
    assert count() == before


def part(client: Client, incident: Incident, path: str, **query: Any) -> str:
    answer = client.get(f"/incidents/{incident.number}/{path}part/", query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_part_of_a_chart_is_shown_with_the_line_that_embeds_it(night: Incident, as_cy: Client) -> None:
    whole = part(as_cy, night, "evidence/1/")
    assert "Embed a part of E-1" in whole
    assert "<option>b</option>" in whole
    preview = part(as_cy, night, "evidence/1/", preview="1", **{"from": "06:40", "to": "06:45", "series": "b"})
    assert 'data-insert="![[E-1 from=06:40 to=06:45 series=&quot;b&quot;]]"' in preview
    assert "From 06:40:00 to 06:45:00" in preview
    assert "Embed a part" not in preview


def test_lines_of_a_log_are_chosen_by_number(night: Incident, as_cy: Client) -> None:
    whole = part(as_cy, night, "evidence/2/")
    assert len(re.findall("data-part-line", whole)) == 30
    assert "line 1 &lt;b&gt;" in whole
    preview = part(as_cy, night, "evidence/2/", preview="1", first="3", last="5")
    assert 'data-insert="![[E-2 lines=3-5]]"' in preview
    assert re.findall(r"line (\d+) &lt;b", preview) == ["3", "4", "5"]
    assert "lines=9-3: expected two line numbers in order" in part(as_cy, night, "evidence/2/", first="9", last="3")


def test_a_stretch_of_the_timeline_is_chosen_by_time_and_source(night: Incident, as_cy: Client) -> None:
    make_note(night, text="Rolled back")
    query: dict[str, Any] = {
        "preview": "1",
        "from": "06:30",
        "to": "06:40",
        "source": ["note", "gossip"],
        "pinned": "0",
    }
    preview = part(as_cy, night, "timeline/", **query)
    assert 'data-insert="![[timeline from=06:30 to=06:40 source=note]]"' in preview
    assert "Rolled back" in preview
    assert "from=late cannot be read" in part(as_cy, night, "timeline/", **{"from": "late"})


@pytest.mark.parametrize("text", ['a "quoted" [caption]', "]] ![[E-9", "<script>alert(1)</script>", "x" * 200])
def test_a_caption_comes_back_as_it_was_typed_but_for_brackets(text: str) -> None:
    line = markup("E-1", {"from": "06:40", "caption": text})
    assert line.count("[[") == line.count("]]") == 1
    assert options_of(line[len("![[E-1") : -2])["caption"] == text.replace("[", "(").replace("]", ")")


def test_hostile_choices_are_text(night: Incident, as_cy: Client) -> None:
    hostile = '"><script>alert(1)</script>'
    for path in ("evidence/1/", "evidence/2/", "timeline/"):
        shown = part(as_cy, night, path, **dict.fromkeys(("from", "to", "series", "first", "last", "caption"), hostile))
        assert "<script" not in shown
