"""/metrics tells how the recorder fares, in a fixed number of queries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from telemetry.models import Heartbeat
from tests.api.test_query_counts import queries_of
from tests.builders import make_cluster, make_gap, make_recording

pytestmark = pytest.mark.django_db


def told() -> dict[str, str]:
    lines = Client().get("/metrics").content.decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if line.startswith("debrief_recorder"))


def test_each_resource_has_its_counters_lag_age_and_gaps() -> None:
    now = timezone.now()
    row = make_recording(
        heard_at=now - timedelta(seconds=90), received=12, stored=11, dropped=1, reconnects=3, lag_seconds=0.61234
    )
    make_gap(cluster=row.cluster)
    make_gap(cluster=row.cluster, resource="pods")
    found, labels = told(), '{cluster="prod-eu",resource="events"}'
    assert found[f"debrief_recorder_received_total{labels}"] == "12"
    assert found[f"debrief_recorder_stored_total{labels}"] == "11"
    assert found[f"debrief_recorder_dropped_total{labels}"] == "1"
    assert found[f"debrief_recorder_reconnects_total{labels}"] == "3"
    assert found[f"debrief_recorder_gaps_total{labels}"] == "1"
    assert found[f"debrief_recorder_lag_seconds{labels}"] == "0.612"
    assert 90 <= float(found[f"debrief_recorder_heard_age_seconds{labels}"]) < 120


@pytest.mark.parametrize(("seconds_ago", "up"), [(None, "0"), (31, "0"), (1, "1")])
def test_up_is_a_young_sign_of_life(seconds_ago: int | None, up: str) -> None:
    if seconds_ago is not None:
        Heartbeat.objects.create(name="recorder", at=timezone.now() - timedelta(seconds=seconds_ago))
    assert told()["debrief_recorder_up"] == up


def test_what_is_not_known_has_no_line() -> None:
    make_recording(heard_at=None, lag_seconds=None)
    assert not [name for name in told() if "lag" in name or "age" in name]


def test_names_are_escaped() -> None:
    make_recording(cluster=make_cluster(name='a"b\\c'))
    assert 'debrief_recorder_stored_total{cluster="a\\"b\\\\c",resource="events"}' in told()


def test_many_ask_what_one_asks() -> None:
    row = make_recording()
    few = queries_of(lambda: Client().get("/metrics"))
    for place in range(20):
        make_recording(cluster=row.cluster, resource=f"resource-{place}")
        make_gap(cluster=row.cluster, resource=f"resource-{place}")
    assert queries_of(lambda: Client().get("/metrics")) == few
