"""The timeline of the incident page: filtered, pinned, hidden, added to, kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from accounts.problems import InvalidInput
from incidents.actions.timeline import add_note, change_entry
from incidents.collecting import store
from incidents.models import Incident, TimelineEntry
from telemetry.observations import EvidenceType, Level
from tests.builders import NOW, make_incident, make_note, make_observation, make_person, make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(db: None) -> Incident:
    """One Event that came ten times, one rollout, one note, and the milestone of declaring."""
    incident = make_incident()
    rollout = make_observation(
        type=EvidenceType.STATE_CHANGE,
        dedup_key="rollout:1",
        title="checkout 1.41.0 → 1.42.0",
        first_at=NOW - timedelta(minutes=1),
        last_at=NOW - timedelta(minutes=1),
        count=1,
        level=Level.WARNING,
        payload={"change": "rollout", "diff": [{"path": "image", "before": "1.41.0", "after": "1.42.0"}]},
    )
    store(make_run(incident), [make_observation(), rollout], NOW)
    make_note(incident, text="Rolled back.")
    return incident


def titles(client: Client, incident: Incident, query: str = "") -> list[str]:
    answer = client.get(f"{incident.get_absolute_url()}timeline/?{query}", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return [line.title for line in answer.context["timeline"].lines]


def test_lines_stand_in_the_order_of_their_times(as_cy: Client, incident: Incident) -> None:
    assert titles(as_cy, incident) == ["checkout 1.41.0 → 1.42.0", "Declared", "BackOff", "Ada Okafor"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("source=event", ["Declared", "BackOff"]),
        ("source=change&source=note", ["checkout 1.41.0 → 1.42.0", "Declared", "Ada Okafor"]),
        ("find=rolled+BACK", ["Ada Okafor"]),
        ("find=checkout-1", ["BackOff"]),
        ("source=nonsense&after=nonsense", ["checkout 1.41.0 → 1.42.0", "Declared", "BackOff", "Ada Okafor"]),
        ("pinned=1", ["Declared"]),
    ],
)
def test_filters_narrow_and_milestones_stay(as_cy: Client, incident: Incident, query: str, expected: list[str]) -> None:
    assert titles(as_cy, incident, query) == expected


def test_a_hidden_line_is_gone_but_not_destroyed(as_ada: Client, incident: Incident) -> None:
    line = incident.timeline.get(title="BackOff")
    address = f"{incident.get_absolute_url()}timeline/{line.pk}/"
    assert as_ada.post(address, {"hidden": "1"}).status_code == 302
    assert "BackOff" not in titles(as_ada, incident)
    assert "BackOff" in titles(as_ada, incident, "hidden=1")
    as_ada.post(address, {"hidden": "0", "pinned": "1"})
    assert titles(as_ada, incident, "pinned=1") == ["Declared", "BackOff"]
    assert line.evidence is not None


def test_collecting_again_leaves_what_people_did(incident: Incident) -> None:
    line = incident.timeline.get(title="BackOff")
    change_entry(entry=line, by=make_person("ada"), now=NOW, hidden=True)
    store(make_run(incident), [make_observation(count=30)], NOW)
    line.refresh_from_db()
    assert (line.hidden, line.count) == (True, 30)


def test_a_note_stands_at_the_time_it_was_given(as_ada: Client, incident: Incident) -> None:
    form = {"text": "Users call in.", "occurred_at": "2026-11-21T06:30:00"}
    assert as_ada.post(f"{incident.get_absolute_url()}timeline/notes/", form).status_code == 302
    assert titles(as_ada, incident)[0] == "Ada Okafor"


def test_a_refused_note_keeps_its_text(as_ada: Client, incident: Incident) -> None:
    form = {"text": "A long story", "occurred_at": "2099-01-01T00:00:00"}
    answer = as_ada.post(f"{incident.get_absolute_url()}timeline/notes/", form)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "A long story" in page
    assert "Lies in the future" in page


@pytest.mark.parametrize("text", ["", "  \n", "x" * 10_001])
def test_notes_are_bounded(incident: Incident, text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        add_note(incident=incident, text=text, by=make_person("ada"), now=NOW)
    assert "text" in refused.value.errors


def test_only_notes_can_be_rewritten(incident: Incident) -> None:
    line = incident.timeline.get(title="BackOff")
    with pytest.raises(InvalidInput, match="only notes"):
        change_entry(entry=line, by=make_person("ada"), now=NOW, text="Nothing happened")
    note = incident.timeline.get(source="note")
    assert change_entry(entry=note, by=make_person("ben"), now=NOW, text="Rolled back at 06:38.").actor == note.actor


def test_every_collected_line_links_its_evidence(as_cy: Client, incident: Incident) -> None:
    page = as_cy.get(incident.get_absolute_url()).content.decode()
    for line in TimelineEntry.objects.filter(evidence__isnull=False).select_related("evidence"):
        assert f"E-{line.evidence.number}" in page


def test_hostile_lines_never_become_markup(as_cy: Client) -> None:
    incident = make_incident()
    hostile = "<img src=x onerror=alert(1)>\"'><svg onload=alert(2)>"
    observation = make_observation(
        title=hostile,
        subject={"kind": hostile, "namespace": hostile, "name": hostile},
        payload={"reason": hostile, "message": hostile},
        links=[{"title": hostile, "url": "javascript:alert(3)"}],
    )
    store(make_run(incident), [observation], NOW)
    for part in ("", "evidence/", "evidence/1/", "glance/"):
        page = as_cy.get(f"{incident.get_absolute_url()}{part}").content.decode()
        assert "<img src=x" not in page
        assert "<svg onload" not in page
        assert 'href="javascript' not in page
