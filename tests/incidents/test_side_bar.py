"""What the foot of the side bar says of sources and recording."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from incidents.counts import attention
from telemetry.models import Recording, Source
from tests.builders import make_cluster, make_source

pytestmark = pytest.mark.django_db


def heard(name: str, *, seconds_ago: int, last: int | None = 4) -> None:
    now = timezone.now()
    cluster = make_cluster(name=name)
    Recording.objects.create(
        cluster=cluster,
        resource="events",
        state="watching",
        heard_at=now - timedelta(seconds=seconds_ago),
        last_event_at=None if last is None else now - timedelta(seconds=last),
    )


def told(person: User) -> tuple[str, str, str]:
    found = attention(person)["recording"]
    return found["level"], found["text"], found["detail"]


def test_without_a_source_it_says_that_nothing_is_collected(cy: User) -> None:
    assert told(cy) == ("warn", "No source connected", "Incidents collect nothing yet")


def test_without_a_cluster_it_counts_sources(cy: User) -> None:
    make_source()
    assert told(cy) == ("ok", "1 source connected", "")


def test_a_cluster_that_is_heard_is_recorded(cy: User) -> None:
    heard("prod-eu", seconds_ago=30)
    assert told(cy) == ("ok", "Recording the cluster", "Last Event 4 s ago")


def test_a_silent_cluster_is_counted_out(cy: User) -> None:
    heard("prod-eu", seconds_ago=30)
    heard("dr-eu", seconds_ago=121, last=500)
    assert told(cy) == ("warn", "Recording 1 of 2 clusters", "Last Event 4 s ago")


def test_the_only_cluster_when_silent_is_said_not_to_be_recorded(cy: User) -> None:
    heard("prod-eu", seconds_ago=121, last=None)
    assert told(cy) == ("warn", "The cluster is not recorded", "No Event yet")


def test_a_cluster_that_is_switched_off_is_not_missed(cy: User) -> None:
    heard("prod-eu", seconds_ago=30)
    heard("dr-eu", seconds_ago=9_000)
    Source.objects.filter(cluster__name="dr-eu").update(enabled=False)
    assert told(cy)[:2] == ("ok", "Recording the cluster")


def test_a_source_that_needs_a_hand_is_told_beside_it(cy: User) -> None:
    heard("prod-eu", seconds_ago=30)
    Source.objects.update(preflight=[{"ok": False}])
    assert told(cy) == ("warn", "Recording the cluster", "1 of 1 sources need a hand")
