"""What is heard after a silence may be old: the checkpoint moves with it, the word "complete until" does not."""

from __future__ import annotations

import pytest

from tests.running import wait_for
from tests.stand_ins.watched_cluster import WatchedClusterStandIn
from tests.stand_ins.watching import Trouble
from tests.telemetry.recorder.recording import (
    archived,
    gaps,
    make_event,
    recorder,
    recording,
    until_archived,
    until_state,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_backlog_that_is_cut_short_is_not_called_complete(committed: None) -> None:
    with WatchedClusterStandIn() as server:
        server.bookmark_seconds = 1_000
        with recorder(server):
            until_state("watching")
        before = recording()
        for number in range(60):
            server.put("events", make_event(number))
        server.trouble("events", Trouble(cut_after_bytes=20_000))
        server.trouble("events", Trouble(times=None, refuse=(503, "ServiceUnavailable", "later")))
        with recorder(server):
            wait_for(archived, "a part of the backlog")
            until_state("waiting")
            part = recording()
            assert 0 < len(archived()) < 60
            assert part.resource_version != before.resource_version
            assert part.heard_at == before.heard_at
            server.no_more_trouble()
            until_archived(server.truth("events"))
            wait_for(lambda: recording().heard_at > before.heard_at, "the end of the backlog")
    assert gaps() == []


def test_a_gap_reaches_back_to_what_was_heard_and_not_to_what_came_late(committed: None) -> None:
    with WatchedClusterStandIn() as server:
        server.bookmark_seconds = 1_000
        with recorder(server):
            until_state("watching")
        before = recording()
        for number in range(60):
            server.put("events", make_event(number))
        server.trouble("events", Trouble(cut_after_bytes=20_000))
        server.trouble("events", Trouble(times=None, refuse=(503, "ServiceUnavailable", "later")))
        with recorder(server):
            wait_for(archived, "a part of the backlog")
            until_state("waiting")
            server.delete("events", make_event(59)["metadata"]["uid"])
            server.compact()
            server.no_more_trouble()
            wait_for(gaps, "the gap")
        (gap,) = gaps()
    assert gap.started_at == before.heard_at
    assert len(archived()) == 59
