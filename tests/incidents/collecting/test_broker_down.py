"""A broker that is down keeps no incident from being declared; the sweep asks later."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
from django.db import connection
from django.utils import timezone

from incidents.models import CollectionRun
from incidents.tasks import sweep_collections
from tests import database, running
from tests.builders import make_person, make_source, make_token
from tests.incidents.collecting import outage


def queued() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pgmq.q_debrief")
        return int(cursor.fetchone()[0])


def test_declared_while_the_broker_is_down_and_asked_when_it_is_back(committed: None, tmp_path: Path) -> None:
    make_source()
    token = make_token(make_person("ada"))
    environment = database.environment(CELERY_BROKER_URL=f"redis://127.0.0.1:{running.free_port()}/0")
    with running.web(environment=environment, log=tmp_path / "web.log") as address:
        answer = httpx.post(
            f"{address}/api/v1/incidents/",
            json={"title": "Checkout answers 503", "severity": "SEV2"},
            headers={"Authorization": f"Bearer {token}"},
            timeout=20,
        )
        assert answer.status_code == 201, answer.text
        assert httpx.get(f"{address}/readyz").json()["failed"].keys() == {"broker"}
    states = CollectionRun.objects.values_list("state", "attempts")
    assert set(states) == {("queued", 0)}

    assert sweep_collections() == 0, "what was queued a moment ago is left to the broker"
    CollectionRun.objects.update(queued_at=timezone.now() - timedelta(seconds=30))
    assert sweep_collections() == len(states)
    assert queued() == len(states)


def test_a_run_whose_workers_died_too_often_gets_an_outcome(committed: None) -> None:
    make_source()
    incident = outage.declare()
    past = timezone.now() - timedelta(seconds=60)
    CollectionRun.objects.filter(incident=incident).update(state="running", attempts=3, lease_until=past)
    sweep_collections()
    runs = CollectionRun.objects.filter(incident=incident)
    assert {(run.state, run.status) for run in runs} == {("done", "timeout")}
    assert all("ended 3 times" in run.reason for run in runs)
    assert incident.collections.get().finished_at is not None
    assert database.places_of("ended 3 times") == ["incidents_collectionrun.reason"]
