"""Lists and the incident page ask the database the same number of questions, however much there is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents.models import Evidence, Incident, TimelineEntry
from knowledge.actions.brownbag import save_brownbag
from knowledge.actions.run import start_run
from tests.api.calling import Api
from tests.builders import (
    NOW,
    make_brownbag,
    make_checklist,
    make_cluster,
    make_cluster_event,
    make_followup,
    make_gap,
    make_incident,
    make_lesson,
    make_note,
    make_person,
    make_postmortem,
    make_proposal,
    make_recording,
    make_run,
    make_source,
)

pytestmark = pytest.mark.django_db


def queries_of(act: Callable[[], Any]) -> int:
    """After a first time, which fills what is kept between requests."""
    act()
    with CaptureQueriesContext(connection) as asked:
        answer = act()
    assert answer.status_code == 200
    return len(asked)


def one_of_each(place: int) -> None:
    incident = make_incident()
    cluster = make_cluster(name=f"cluster {place}")
    make_cluster_event(cluster=cluster, signal="crash-loop")
    make_proposal(cluster=cluster)
    make_recording(cluster=cluster)
    make_gap(cluster=cluster)
    make_source(name=f"source {place}")
    make_followup(incident, owner=make_person("ben"))
    postmortem = make_postmortem(incident)
    lesson = make_lesson(postmortems=[postmortem])
    start_run(checklist=make_checklist(name=f"list {place}"), by=make_person("ada"), now=NOW, incident=incident)
    session = make_brownbag(title=f"session {place}", host=make_person("ben"))
    save_brownbag(by=make_person("ada"), session=session, items=[{"postmortem": postmortem}, {"lesson": lesson}])


LISTS = [
    "clusters",
    "events",
    "sources",
    "incidents",
    "postmortems",
    "followups",
    "lessons",
    "checklists",
    "checklist-runs",
    "brownbags",
]
PAGES = [
    "/",
    "/incidents/",
    "/post-mortems/",
    "/follow-ups/",
    "/knowledge/",
    "/checklists/",
    "/brown-bags/",
    "/events/",
    "/signals/",
    "/sources/",
    "/search/?q=checkout",
]


def test_lists_of_five_and_of_fifty_ask_the_same_number_of_questions() -> None:
    api, browser = Api(make_person("cy")), Client()
    browser.force_login(make_person("cy"))
    acts: dict[str, Callable[[], Any]] = {f"api {name}": lambda name=name: api.get(f"{name}/") for name in LISTS}
    acts |= {f"page {path}": lambda path=path: browser.get(path) for path in PAGES}
    for place in range(5):
        one_of_each(place)
    few = {name: queries_of(act) for name, act in acts.items()}
    for place in range(5, 50):
        one_of_each(place)
    assert {name: queries_of(act) for name, act in acts.items()} == few


def test_parts_of_an_incident_ask_the_same_number_of_questions() -> None:
    incident, api = make_incident(), Api(make_person("cy"))
    parts = ["evidence", "timeline", "milestones", "collections"]

    def count() -> dict[str, int]:
        return {part: queries_of(lambda part=part: api.get(f"incidents/1/{part}/")) for part in parts}

    fill(incident, evidence=5, lines=5)
    make_run(incident)
    few = count()
    fill(incident, evidence=50, lines=50)
    for place in range(20):
        make_run(incident, query_name=f"q{place}", idempotency_key=f"k{place}")
    for _ in range(10):
        make_note(incident, by=make_person("ben"))
    assert count() == few


def fill(incident: Incident, *, evidence: int, lines: int) -> None:
    """As many more rows, written at once."""
    start = incident.evidence_count
    rows = [
        Evidence(
            incident=incident,
            number=start + place + 1,
            source_name="Kubernetes prod-eu",
            type=("event", "metric", "log", "state_change", "trace")[place % 5],
            dedup_key=f"evidence:{start + place}",
            first_at=NOW,
            last_at=NOW,
            title=f"BackOff pod/checkout-{place}",
            payload={"reason": "BackOff", "message": "again"},
            sha256="0" * 64,
            observed_at=NOW,
        )
        for place in range(evidence)
    ]
    Evidence.objects.bulk_create(rows)
    incident.evidence_count = start + evidence
    Incident.objects.filter(pk=incident.pk).update(evidence_count=incident.evidence_count)
    TimelineEntry.objects.bulk_create(
        TimelineEntry(
            incident=incident,
            evidence=rows[place % evidence],
            dedup_key=f"line:{start + place}",
            occurred_at=NOW + timedelta(seconds=place),
            source=("event", "change", "log", "trace")[place % 4],
            title=f"Line {place}",
            level=("info", "warning", "error")[place % 3],
        )
        for place in range(lines)
    )


def test_the_incident_page_asks_the_same_of_fifty_and_of_five_thousand_items(as_cy: Client) -> None:
    small, large = make_incident(), make_incident()
    fill(small, evidence=50, lines=20)
    fill(large, evidence=5_000, lines=2_000)
    for part in ("", "glance/", "evidence/", "evidence/panel/", "collection/"):
        counts = [
            queries_of(lambda row=row, part=part: as_cy.get(row.get_absolute_url() + part)) for row in (small, large)
        ]
        assert counts[0] == counts[1], part
    page = as_cy.get(large.get_absolute_url()).content.decode()
    assert "Line 0" in page
    assert "Line 1999" not in page


def test_a_timeline_of_two_thousand_lines_is_read_page_by_page(as_cy: Client) -> None:
    incident = make_incident(now=NOW - timedelta(minutes=1))
    fill(incident, evidence=10, lines=2_000)
    address, seen = f"{incident.get_absolute_url()}timeline/", 0
    query = ""
    for _ in range(100):
        answer = as_cy.get(f"{address}?{query}", HTTP_HX_REQUEST="true")
        page = answer.context["timeline"]
        seen += len(page.lines)
        query = page.next
        if not query:
            break
    assert seen == 2_001
