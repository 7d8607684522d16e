"""What could not be collected, said once for each source and reason; and what has lasted for days beside the incident."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from django.test import Client

from incidents.glance import draw
from incidents.reading import outcomes
from tests.builders import NOW, make_incident, make_run


@pytest.mark.django_db
def test_questions_that_failed_alike_stand_together(as_cy: Client) -> None:
    incident = make_incident()
    alike = {"state": "done", "status": "unreachable", "reason": "no route", "source_name": "Loki"}
    for name in ("logs", "slow", "errors"):
        make_run(incident, query_name=name, query_title=f"Title {name}", **alike)
    make_run(incident, query_name="other", **alike | {"reason": "401"})
    assert [len(group) for group in outcomes(incident).failures] == [3, 1]
    page = as_cy.get(f"/incidents/{incident.number}/").content.decode()
    assert "3 questions" in page
    assert "Title errors, Title logs, Title slow" in page
    assert page.count("no route") == 1


def test_an_alert_that_fires_for_days_does_not_stretch_the_incident() -> None:
    row = {"until": None, "count": 1, "level": "error", "subject": "", "source": "event", "title": "Oops"}
    old = row | {"source": "alert", "title": "Watchdog", "occurred_at": NOW - timedelta(days=3), "until": NOW}
    drawn = draw([row | {"occurred_at": NOW - timedelta(minutes=10)}, old], {}, UTC)
    began = NOW - timedelta(minutes=10, seconds=30)
    assert f"Incident at a glance, {began:%H:%M:%S}" in drawn
    assert "Watchdog" in drawn
