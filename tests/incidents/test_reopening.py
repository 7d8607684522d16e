"""What a reopened incident sees again, what is frozen when, and edits beside a running collection."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.problems import InvalidInput
from incidents.actions.incident import change_incident, change_status
from incidents.collecting import close_if_done, store
from incidents.models import Collection, CollectionRun, Evidence, Incident, PostMortem, TimelineEntry
from tests.builders import NOW, make_incident, make_observation, make_person, make_run

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


def move(incident: Incident, status: str, **more: str) -> Incident:
    return change_status(incident=incident, status=status, by=make_person("ada"), now=LATER, **more)


def seen(run: CollectionRun, count: int) -> None:
    store(run, [make_observation(count=count)], LATER)


def rows_and_lines(incident: Incident) -> tuple[int, int]:
    return Evidence.objects.filter(incident=incident).count(), TimelineEntry.objects.filter(
        incident=incident, source="event"
    ).count()


def test_after_a_reopening_a_thing_that_goes_on_has_one_follower_and_one_line() -> None:
    incident = make_incident()
    run = make_run(incident)
    seen(run, 1)
    incident = move(incident, "resolved")
    assert Incident.objects.get(pk=incident.pk).evidence_frozen_at is not None
    incident = move(incident, "investigating", reason="It is back")
    for count in (2, 3, 4):
        seen(run, count)
    assert rows_and_lines(incident) == (2, 1)
    counts = Evidence.objects.filter(incident=incident).order_by("number").values_list("count", flat=True)
    assert list(counts) == [1, 4]


def test_a_late_worker_adds_nothing_to_frozen_evidence() -> None:
    incident = make_incident()
    run = make_run(incident)
    move(incident, "resolved")
    seen(run, 1)
    assert not Evidence.objects.filter(incident=incident).exists()


def test_a_round_that_ends_after_the_reopening_freezes_nothing() -> None:
    incident = make_incident()
    make_run(incident)
    incident.collections.all().delete()
    window = {"window_from": NOW, "window_to": LATER, "started_at": NOW}
    late = Collection.objects.create(incident=incident, trigger=Collection.Trigger.RESOLVED, **window)
    close_if_done(late.pk, LATER)
    assert Incident.objects.get(pk=incident.pk).evidence_frozen_at is None


def test_closing_as_resolved_does_what_resolving_does() -> None:
    incident = move(make_incident(), "closed", closure_reason="resolved")
    times = incident.milestone_times()
    assert {"resolved", "closed"} <= set(times)
    assert PostMortem.objects.filter(incident=incident).exists()
    assert Incident.objects.get(pk=incident.pk).evidence_frozen_at is not None


def test_reopening_takes_the_line_of_the_milestone_away_too() -> None:
    incident = move(move(make_incident(), "resolved"), "identified", reason="It is back")
    assert "resolved" not in incident.milestone_times()
    assert not incident.timeline.filter(dedup_key="milestone:resolved").exists()


def test_an_edit_from_an_old_page_does_not_turn_numbers_back() -> None:
    incident = make_incident()
    stale = Incident.objects.get(pk=incident.pk)
    seen(make_run(incident), 1)
    change_incident(incident=stale, by=make_person("ada"), now=LATER, title="A better title")
    assert Incident.objects.get(pk=incident.pk).evidence_count == 1


def test_nobody_locks_himself_out_by_restricting() -> None:
    incident = make_incident()
    ben = make_person("ben")
    assert incident.declared_by != ben
    with pytest.raises(InvalidInput, match="take a role"):
        change_incident(incident=incident, by=ben, now=LATER, visibility="restricted")
    assert Incident.objects.get(pk=incident.pk).visibility == "internal"


def test_far_dates_and_unknown_zones_are_answered_in_words(client: Client) -> None:
    incident = make_incident()
    client.force_login(make_person("ada"))
    client.cookies["tz"] = "Mars/Phobos"
    far = client.post(
        f"/incidents/{incident.number}/follow-ups/new/",
        {"title": "x", "type": "prevent", "priority": "low", "due_at": "9999-12-31T23:59:59"},
    )
    assert (far.status_code, "between the years 2000 and 2100" in far.content.decode()) == (422, True)
