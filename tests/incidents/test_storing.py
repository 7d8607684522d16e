"""What collectors say becomes evidence and lines: once, numbered, brought up to date until frozen."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from incidents.actions.timeline import change_entry
from incidents.collecting import claim, finish, store, work
from incidents.models import CollectionRun, Evidence, Incident, TimelineEntry
from telemetry.observations import EvidenceType, Observation, Outcome, Status
from tests.builders import NOW, make_evidence, make_incident, make_observation, make_person, make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(db: None) -> Iterator[CollectionRun]:
    return make_run(make_incident())


def test_the_same_observation_is_stored_once(run: CollectionRun) -> None:
    assert store(run, [make_observation()], NOW) == 1
    assert store(run, [make_observation()], NOW + timedelta(minutes=1)) == 0
    assert Evidence.objects.get().observed_at == NOW


def test_a_known_thing_that_changed_keeps_its_number_and_line(run: CollectionRun) -> None:
    store(run, [make_observation(), make_observation(dedup_key="event:2")], NOW)
    line = TimelineEntry.objects.get(evidence__number=1)
    change_entry(entry=line, by=make_person("ada"), now=NOW, pinned=True)
    store(run, [make_observation(count=25, last_at=NOW + timedelta(minutes=9))], NOW)
    row = Evidence.objects.get(number=1)
    assert row.count == 25
    line.refresh_from_db()
    assert (line.count, line.until, line.pinned) == (25, NOW + timedelta(minutes=9), True)
    assert Evidence.objects.count() == 2


def test_what_was_frozen_stays_and_a_newer_word_becomes_a_row_beside_it(run: CollectionRun) -> None:
    store(run, [make_observation()], NOW)
    Evidence.objects.update(frozen_at=NOW)
    changed = make_observation(count=99)
    assert store(run, [changed], NOW) == 1
    assert store(run, [changed], NOW) == 0
    assert list(Evidence.objects.order_by("number").values_list("number", "count")) == [(1, 10), (2, 99)]


def test_a_link_at_a_longer_window_is_brought_up_to_date_and_is_no_news_beside_what_was_frozen(
    run: CollectionRun,
) -> None:
    def at_window(hours: int) -> list[Observation]:
        links, end = (
            ({"title": "Open in Grafana", "url": f"https://g.example/?to={hours}"},),
            NOW + timedelta(hours=hours),
        )
        payload = {"dashboard": "shop", "window": {"end": end.isoformat()}}
        dashboard = {"type": EvidenceType.LINK, "dedup_key": "dashboard:0:shop", "payload": payload}
        return [make_observation(links=links), make_observation(**dashboard, last_at=end, links=links)]

    store(run, at_window(1), NOW)
    assert store(run, at_window(2), NOW) == 2
    assert {row.links[0]["url"] for row in Evidence.objects.all()} == {"https://g.example/?to=2"}
    Evidence.objects.update(frozen_at=NOW)
    assert store(run, at_window(3), NOW) == 0
    assert Evidence.objects.count() == 2


def test_the_database_refuses_to_rewrite_frozen_evidence() -> None:
    row = make_evidence(make_incident(), frozen_at=NOW)
    for changes in (
        {"payload": {}},
        {"title": "Nothing happened"},
        {"count": 2},
        {"number": 7},
        {"frozen_at": None},
        {"first_at": NOW - timedelta(hours=1)},
        {"sha256": "f" * 64},
    ):
        with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
            Evidence.objects.filter(pk=row.pk).update(**changes)


def test_the_hash_is_of_what_was_said(run: CollectionRun) -> None:
    observation = make_observation()
    store(run, [observation], NOW)
    assert Evidence.objects.get().sha256 == observation.digest()
    assert replace(observation, count=11).digest() != observation.digest()


def test_runs_of_many_workers_at_once_give_each_item_its_own_number(committed: None) -> None:
    incident = make_incident()
    runs = [make_run(incident, query_name=f"query {place}", idempotency_key=f"key {place}") for place in range(6)]

    def keep(place: int) -> None:
        try:
            for part in range(5):
                store(runs[place], [make_observation(dedup_key=f"{place}:{part}:{one}") for one in range(8)], NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(keep, range(6)))
    numbers = sorted(Evidence.objects.values_list("number", flat=True))
    assert numbers == list(range(1, 241))
    assert Incident.objects.get().evidence_count == 240


def test_a_run_is_claimed_by_one_worker_until_its_lease_runs_out(run: CollectionRun) -> None:
    now = timezone.now()
    assert claim(run.pk, now) is not None
    assert claim(run.pk, now + timedelta(seconds=5)) is None
    again = claim(run.pk, now + timedelta(seconds=20))
    assert again is not None
    assert again.attempts == 2
    finish(again, Outcome(Status.EMPTY), now)
    assert claim(run.pk, now + timedelta(hours=1)) is None


def test_the_last_run_closes_its_collection(run: CollectionRun) -> None:
    other = make_run(run.incident, collection=run.collection, query_name="other", idempotency_key="other")
    finish(run, Outcome(Status.COMPLETE), NOW)
    run.collection.refresh_from_db()
    assert run.collection.finished_at is None
    finish(other, Outcome(Status.DENIED, reason="no"), NOW)
    run.collection.refresh_from_db()
    assert run.collection.finished_at == NOW


def test_a_source_that_was_removed_is_an_outcome(run: CollectionRun) -> None:
    claimed = claim(run.pk, timezone.now())
    assert claimed is not None
    assert work(claimed).status is Status.NOT_CONFIGURED


def test_hostile_names_and_control_characters_are_stored_as_text(run: CollectionRun) -> None:
    observation = make_observation(
        type=EvidenceType.LOG,
        title="pod <script>alert(1)</script>\u202e",
        payload={"lines": ["a\x1b[31mred", "\ud83d\ude00"], "patterns": []},
    )
    assert store(run, [observation], NOW) == 1


def test_a_span_never_ends_before_it_starts(run: CollectionRun) -> None:
    store(run, [make_observation()], NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        TimelineEntry.objects.filter(evidence__isnull=False).update(until=NOW - timedelta(hours=1))
