"""Recorded watches with kills, expired versions and broken streams thrown in at random: what the server sent is in
the archive once, or a gap says that it may not be."""

from __future__ import annotations

import itertools
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.collectors.kubernetes.events import occurrence_of
from telemetry.models import Cluster, ClusterEvent, CoverageGap, ObjectSnapshot, Recording
from telemetry.recorder.resources import EVENTS, PODS
from tests import database
from tests.running import wait_for
from tests.stand_ins.watched_cluster import WatchedClusterStandIn
from tests.stand_ins.watching import Trouble
from tests.telemetry.recorder.killed import Killable
from tests.telemetry.recorder.recording import QUICK, is_archived, make_event, watched

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = st.tuples(st.just("steps"), st.integers(1, 15))
FAULTS = st.sampled_from(
    [
        "kill",
        "kill",
        "stop",
        "expire",
        "expire",
        "late",
        "late",
        "cut",
        "close",
        "garbage",
        "unknown",
        "500",
        "401",
        "forget",
        "quiet",
    ]
)
# As many as a run of everything has time for; RECORDER_STORIES=200 asks for more.
STORIES = int(os.environ.get("RECORDER_STORIES", "60"))
STORY = st.lists(st.one_of(STEPS, STEPS, FAULTS.map(lambda name: (name, 0))), min_size=3, max_size=14)
clusters = itertools.count(1_000)
# A checkpoint tells the moment of reading, a change the moment of writing.
A_MOMENT = timedelta(milliseconds=100)


class Story:
    """One cluster, its recorder, and what is done to both."""

    def __init__(self, server: WatchedClusterStandIn, cluster: int) -> None:
        self.server, self.cluster = server, cluster
        events, pods = server.steps("core-v1-events"), server.steps("pods")
        # Both recordings woven into one, as they came.
        self.steps: Iterator[Callable[[], object]] = itertools.chain.from_iterable(
            one for one in itertools.zip_longest(events, pods, fillvalue=lambda: None)
        )
        Cluster.objects.create(pk=cluster, name=f"cluster {cluster}")
        self.recorder = self.started()

    def started(self) -> Killable:
        return Killable(watched(self.server, id=self.cluster), database.conninfo(), QUICK, EVENTS, PODS)

    def tell(self, what: str, number: int) -> None:
        if what == "steps":
            for step in itertools.islice(self.steps, number):
                step()
            return
        getattr(self, f"do_{what}")()

    def do_kill(self) -> None:
        self.recorder.kill()
        self.recorder = self.started()

    def do_stop(self) -> None:
        # Asked to end before it had learned to listen, it ends at once.
        assert self.recorder.stop() in {0, -signal.SIGTERM}
        self.recorder = self.started()

    def do_expire(self) -> None:
        """The watch ends, changes come and go, and the server forgets how."""
        for name in (EVENTS, PODS):
            self.server.trouble(name, Trouble(refuse=(503, "ServiceUnavailable", "later"), times=2))
        self.server.drop_watches()
        self.do_forget()
        self.tell("steps", 4)
        self.server.compact()

    def do_late(self) -> None:
        """A backlog of which one line comes, then a proper end; the rest is forgotten meanwhile."""
        self.server.trouble(EVENTS, Trouble(close_after_events=1))
        self.server.trouble(EVENTS, Trouble(refuse=(503, "ServiceUnavailable", "later"), times=2))
        self.recorder.kill()
        self.tell("steps", 5)
        self.do_forget()
        self.recorder = self.started()
        time.sleep(0.3)
        self.do_forget()
        self.server.compact()

    def do_cut(self) -> None:
        self.server.trouble(EVENTS, Trouble(cut_after_bytes=700))
        self.server.drop_watches()

    def do_close(self) -> None:
        self.server.trouble(EVENTS, Trouble(close_after_events=1, times=3))
        self.server.drop_watches()

    def do_garbage(self) -> None:
        self.server.trouble(EVENTS, Trouble(inject=b'{"type":"ADDED","object":{"kind":'))
        self.server.drop_watches()

    def do_unknown(self) -> None:
        line = json.dumps({"type": "RENAMED", "object": {"metadata": {"name": "x"}}}).encode()
        self.server.trouble(PODS, Trouble(inject=line))
        self.server.drop_watches()

    def do_500(self) -> None:
        self.server.trouble(EVENTS, Trouble(refuse=(500, "InternalError", "etcd is away"), times=2))
        self.server.drop_watches()

    def do_401(self) -> None:
        self.server.trouble(PODS, Trouble(refuse=(401, "Unauthorized", "Unauthorized"), times=2))
        self.server.drop_watches()

    def do_forget(self) -> None:
        """An Event comes to be and is forgotten at once."""
        living = list(self.server.state.of(EVENTS).living)
        if living:
            self.server.delete(EVENTS, living[0])

    def do_quiet(self) -> None:
        """Long enough for a bookmark or two."""
        time.sleep(0.25)

    def end(self) -> None:
        """No more trouble: wait until everything that still lives has arrived."""
        self.server.no_more_trouble()
        self.server.put(EVENTS, make_event(1))
        try:
            wait_for(self.is_caught_up, "the archive to catch up", 20)
        except AssertionError:
            raise AssertionError(self.what_is_missing()) from None

    def is_caught_up(self) -> bool:
        living = {uid: change.object for uid, change in self.server.state.of(EVENTS).living.items()}
        heard = Recording.objects.filter(cluster_id=self.cluster, heard_at__isnull=False)
        if not is_archived(living, self.cluster) or heard.count() < 2:
            return False
        pods = {uid: change.object for uid, change in self.server.state.of(PODS).living.items()}
        rows = ObjectSnapshot.objects.filter(cluster_id=self.cluster, resource=PODS, until_at=None)
        return set(rows.values_list("uid", flat=True)) == pods.keys() and self.pods_are_current(rows, pods)

    def what_is_missing(self) -> str:
        states = list(Recording.objects.filter(cluster_id=self.cluster).values())
        found = {row.uid: row.resource_version for row in ClusterEvent.objects.filter(cluster_id=self.cluster)}
        living = self.server.state.of(EVENTS).living.values()
        missing = [one for one in living if found.get(one.uid) != one.object["metadata"]["resourceVersion"]]
        asked = [(one.path, one.query.get("resourceVersion")) for one in self.server.requests[-6:]]
        return f"alive: {self.recorder.is_alive}; {states}; not archived: {missing}; asked last: {asked}"

    def pods_are_current(self, rows: Any, pods: dict[str, Any]) -> bool:
        phases = {row.uid: (row.body.get("status") or {}).get("conditions") for row in rows}
        return all(
            len(phases[uid] or []) == len((pod.get("status") or {}).get("conditions") or [])
            for uid, pod in pods.items()
        )

    def check_events(self) -> None:
        rows = list(ClusterEvent.objects.filter(cluster_id=self.cluster))
        found = {row.uid: row for row in rows}
        assert len(found) == len(rows), "an Event stands twice in the archive"
        gaps = list(CoverageGap.objects.filter(cluster_id=self.cluster, resource=EVENTS))
        recording = Recording.objects.get(cluster_id=self.cluster, resource=EVENTS)
        last = {change.uid: change for change in self.server.changes(EVENTS)}
        for uid, change in last.items():
            row = found.get(uid)
            if row is not None and row.resource_version == change.object["metadata"]["resourceVersion"]:
                # As the collector reads the same Event from the cluster itself.
                event, times = change.object, occurrence_of(change.object)
                assert times is not None
                assert (row.message, row.reason, row.count) == (event["message"], event["reason"], times.count)
                assert (row.first_at, row.last_at) == (times.first, times.last)
                continue
            before = change.at < recording.since + A_MOMENT
            assert before or any(_covers(gap, change.at) for gap in gaps), (uid, change.type, change.at, gaps)

    def check_states(self) -> None:
        """Each object's states follow each other without overlap, and only the last may be open."""
        rows = ObjectSnapshot.objects.filter(cluster_id=self.cluster).order_by("uid", "id")
        for _, states in itertools.groupby(rows, key=lambda row: row.uid):
            for before, after in itertools.pairwise(states):
                assert before.until_at is not None
                assert before.until_at <= after.changed_at or before.until_at == after.changed_at
                assert before.digest != after.digest or before.ended != "replaced"


def _covers(gap: CoverageGap, at: Any) -> bool:
    return bool(gap.started_at - A_MOMENT <= at <= gap.ended_at + A_MOMENT)


@settings(
    max_examples=STORIES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=STORY, opaque=st.booleans(), form=st.sampled_from(["line", "status"]))
@pytest.mark.timeout(900)
def test_whatever_happens_the_archive_equals_the_truth_or_a_gap_says_so(
    committed: None, story: list[tuple[str, int]], opaque: bool, form: str
) -> None:
    with WatchedClusterStandIn(opaque=opaque) as server:
        server.expired_form = form
        server.bookmark_seconds = 0.1
        told = Story(server, next(clusters))
        try:
            for what, number in story:
                told.tell(what, number)
            told.end()
        finally:
            told.recorder.kill()
        told.check_events()
        told.check_states()
