"""What was recorded and what not: beside the source's outcome, in the timeline, in the lane chart, in the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from incidents.collecting import finish, store
from incidents.models import CollectionRun, Incident
from incidents.reading import record_gaps
from telemetry.coverage import Coverage, Gap, in_common, joined
from telemetry.observations import Level, Outcome, Status
from tests.builders import NOW, make_incident, make_observation, make_person, make_run
from tests.fixtures import signed_in

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
REASON = "the cluster no longer had what changed meanwhile"


def gap(start: datetime, minutes: float = 2, *resources: str, reason: str = REASON) -> Gap:
    return Gap(start, start + minutes * MINUTE, reason, resources or ("events",))


def covered(*gaps: Gap) -> Coverage:
    return Coverage(NOW - 28 * MINUTE, NOW + 24 * MINUTE, gaps)


def ended(incident: Incident, coverage: Coverage | None, **overrides: Any) -> CollectionRun:
    run = make_run(incident, source_name="Kubernetes prod-eu", **overrides)
    finish(run, Outcome(Status.COMPLETE, kept=1, coverage=coverage), NOW)
    return run


def page(client: Client, incident: Incident) -> str:
    return client.get(incident.get_absolute_url()).content.decode()


def lines(client: Client, incident: Incident, query: str = "") -> str:
    address = f"{incident.get_absolute_url()}timeline/?{query}"
    return client.get(address, headers={"HX-Request": "true"}).content.decode()


def test_the_outcome_says_what_was_recorded_in_the_readers_zone(as_cy: Client) -> None:
    incident = make_incident()
    ended(incident, covered(gap(NOW - 7 * MINUTE)))
    shown = page(as_cy, incident)
    told = shown[shown.index("Recorded ") :][:600]
    assert "06:10:12" in told
    assert "07:02:12" in told
    assert 'gap <time datetime="2026-11-21T06:31:12Z"' in told
    assert f"({REASON})" in told
    person = make_person("cy")
    person.zone = "Asia/Tokyo"
    person.save()
    assert "15:10:12" in page(as_cy, incident)


def test_nothing_is_said_where_nothing_was_recorded(as_cy: Client) -> None:
    incident = make_incident()
    ended(incident, None)
    shown = page(as_cy, incident)
    assert "Recorded " not in shown
    assert "tl-gap" not in shown


def test_a_gap_stands_in_the_timeline_where_it_began(as_cy: Client) -> None:
    incident = make_incident()
    before = make_observation(dedup_key="event:before", title="Pulled", payload={"reason": "Pulled"})
    after = make_observation(dedup_key="event:after", first_at=NOW + 9 * MINUTE, last_at=NOW + 9 * MINUTE)
    store(make_run(incident), [before, after], NOW)
    ended(incident, covered(gap(NOW + 5 * MINUTE)))
    shown = lines(as_cy, incident)
    assert shown.index("Pulled") < shown.index("tl-gap") < shown.index("BackOff")
    assert "06:43:12</time>–<time" in shown
    assert f": {REASON}. It concerns events of Kubernetes prod-eu." in shown
    assert "absence of an Event proves nothing" in shown


def test_a_gap_stands_on_one_page_of_the_timeline_alone(as_cy: Client) -> None:
    incident = make_incident()
    many = [
        make_observation(dedup_key=f"event:{n}", first_at=NOW + n * MINUTE, last_at=NOW + n * MINUTE)
        for n in range(1, 90)
    ]
    store(make_run(incident), many, NOW)
    ended(incident, covered(gap(NOW + 50.5 * MINUTE)))
    pages, query = [], ""
    for _ in range(3):
        address = f"{incident.get_absolute_url()}timeline/?{query}"
        answer = as_cy.get(address, headers={"HX-Request": "true"})
        pages.append(answer.content.decode().count("tl-gap"))
        query = answer.context["timeline"].next
    assert pages == [0, 1, 0]


@pytest.mark.parametrize(("query", "expected"), [("source=event", 1), ("source=note", 0), ("find=Back", 0), ("", 1)])
def test_a_gap_is_shown_wherever_events_are(as_cy: Client, query: str, expected: int) -> None:
    incident = make_incident()
    store(make_run(incident), [make_observation()], NOW)
    ended(incident, covered(gap(NOW)))
    assert lines(as_cy, incident, query).count("tl-gap") == expected


def test_gaps_that_touch_are_one(as_cy: Client) -> None:
    incident = make_incident()
    ended(incident, covered(gap(NOW), gap(NOW + 10 * MINUTE, reason="something else")), query_name="events")
    ended(incident, covered(gap(NOW + MINUTE, 3, "pods")), query_name="restarts")
    told = [(one.start, one.end, one.what, one.source) for one in record_gaps(incident)]
    assert told[0] == (NOW, NOW + 4 * MINUTE, "events, pods", "Kubernetes prod-eu")
    assert len(told) == 2


def test_the_newest_run_of_a_question_counts() -> None:
    incident = make_incident()
    ended(incident, covered(gap(NOW)), query_name="events")
    assert record_gaps(incident)
    ended(incident, covered(), query_name="events")
    assert record_gaps(incident) == []


def test_the_lane_chart_shows_what_was_not_recorded(as_cy: Client) -> None:
    incident = make_incident()
    store(make_run(incident), [make_observation(level=Level.ERROR)], NOW)
    ended(incident, covered(gap(NOW)))
    drawn = as_cy.get(f"{incident.get_absolute_url()}glance/").content.decode()
    assert "Not recorded: 06:38" in drawn


def test_a_hostile_source_name_or_reason_is_escaped(as_cy: Client) -> None:
    incident = make_incident()
    store(make_run(incident), [make_observation()], NOW)
    ended(incident, covered(gap(NOW, 2, "<img src=x>", reason="<script>alert(1)</script>")))
    shown = page(as_cy, incident)
    assert "<script>alert(1)" not in shown
    assert "<img src=x>" not in shown


def test_who_may_not_see_the_incident_sees_no_gap() -> None:
    incident = make_incident(visibility="restricted")
    ended(incident, covered(gap(NOW)))
    mallory = signed_in(make_person("mallory"))
    for address in ("", "timeline/", "glance/", "collection/"):
        answer = mallory.get(f"{incident.get_absolute_url()}{address}", headers={"HX-Request": "true"})
        assert answer.status_code == 404


def test_the_api_gives_the_coverage_of_each_run(as_cy: Client) -> None:
    incident = make_incident()
    ended(incident, covered(gap(NOW)))
    collections = as_cy.get(f"/api/v1/incidents/{incident.number}/collections/").json()
    runs = [run for one in collections["results"] for run in one["runs"] if run["coverage"]]
    assert runs[0]["coverage"]["gaps"] == [
        {
            "from": "2026-11-21T06:38:12+00:00",
            "to": "2026-11-21T06:40:12+00:00",
            "reason": REASON,
            "resources": ["events"],
        }
    ]


def test_a_coverage_survives_the_database() -> None:
    whole = covered(gap(NOW))
    run = ended(make_incident(), whole)
    run.refresh_from_db()
    assert run.recorded == whole
    assert Coverage.of_json({}).is_empty


def test_what_is_missing_is_what_no_stretch_covers() -> None:
    known = Coverage(NOW, NOW + 10 * MINUTE, (gap(NOW + 2 * MINUTE), gap(NOW + 3 * MINUTE)))
    assert known.missing(NOW - MINUTE, NOW + 12 * MINUTE) == [
        (NOW - MINUTE, NOW),
        (NOW + 2 * MINUTE, NOW + 5 * MINUTE),
        (NOW + 10 * MINUTE, NOW + 12 * MINUTE),
    ]
    assert known.covers(NOW + 5 * MINUTE, NOW + 10 * MINUTE)
    assert not known.covers(NOW, NOW + 3 * MINUTE)
    assert Coverage().missing(NOW, NOW + MINUTE) == [(NOW, NOW + MINUTE)]


def test_several_coverages_share_what_all_of_them_have() -> None:
    one = Coverage(NOW, NOW + 10 * MINUTE, (gap(NOW + 2 * MINUTE, 2, "pods"),))
    other = Coverage(NOW + MINUTE, NOW + 8 * MINUTE, (gap(NOW + 3 * MINUTE, 20, "nodes"),))
    both = in_common([one, other])
    assert (both.start, both.end) == (NOW + MINUTE, NOW + 8 * MINUTE)
    assert [(told.start, told.end, told.resources) for told in both.gaps] == [
        (NOW + 2 * MINUTE, NOW + 8 * MINUTE, ("pods", "nodes"))
    ]
    assert in_common([one, Coverage()]).is_empty
    assert in_common([one, Coverage(NOW + 10 * MINUTE, NOW + 20 * MINUTE)]).is_empty
    assert joined([]) == []
