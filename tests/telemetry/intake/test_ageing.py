"""What was pushed goes when it is too old or too much, and the outcome of a window says so."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.problems import InvalidInput
from telemetry import ageing
from telemetry.actions.source import delete_source, save_source
from telemetry.collectors.fluent import FluentCollector
from telemetry.models import Alert, LogRecord, MetricPoint, MetricSeries, Removal, Source, Span
from telemetry.models.intake import SERIES_LOCK
from telemetry.observations import Budget, Observation, Outcome, Scope, Status, Window
from tests.builders import NOW, make_person, make_source

pytestmark = pytest.mark.django_db


def make_pushed(**options: Any) -> Source:
    return make_source(kind="fluent", name="Fluent", options=options)


def make_record(source: Source | None, minutes_ago: float, **overrides: Any) -> LogRecord:
    at = NOW - timedelta(minutes=minutes_ago)
    fields = {"source": source, "at": at, "received_at": at, "service": "checkout", "body": "x", "digest": uuid.uuid4()}
    return LogRecord.objects.create(**(fields | overrides))


def let_go() -> dict[str, int]:
    return ageing.let_go(now=NOW, seconds=30)


def asked(source: Source, minutes_ago: float) -> tuple[Outcome, list[Observation]]:
    """What the source says of the window that begins so long ago."""
    found: list[Observation] = []
    collector = FluentCollector(source.connection())
    window = Window(NOW - timedelta(minutes=minutes_ago), NOW + timedelta(minutes=1))
    (query,) = collector.plan(Scope(services=("checkout",)), window)
    return collector.collect(query, window, Budget(), found.extend), found


def test_days_and_rows_of_a_source_are_its_own() -> None:
    old, few = make_pushed(keep_days=1), make_source(kind="otlp", name="OpenTelemetry", options={"keep_rows": 2})
    make_record(old, 2_000)
    make_record(old, 1_000)
    for minutes in (2_000, 30, 20, 10):
        make_record(few, minutes)
    assert let_go()["logs"] == 3
    assert LogRecord.objects.filter(source=old).count() == 1
    assert [(NOW - row.at).seconds // 60 for row in LogRecord.objects.filter(source=few).order_by("at")] == [20, 10]
    assert let_go()["logs"] == 0


def test_a_window_that_a_quota_cut_is_gone_or_partial_and_never_empty() -> None:
    source = make_pushed(keep_rows=2)
    for minutes in (30, 20, 10, 5):
        make_record(source, minutes)
    let_go()
    removal = Removal.objects.get()
    assert (removal.what, removal.because, removal.rows) == ("logs", "quota", 2)
    assert removal.until_at == NOW - timedelta(minutes=20)
    outcome, found = asked(source, 25)
    assert (outcome.status, found[0].count) == (Status.PARTIAL, 2)
    assert "2 until now" in outcome.reason
    assert outcome.covered_from == removal.until_at
    assert asked(source, 15)[0].status is Status.COMPLETE
    LogRecord.objects.all().delete()
    outcome, found = asked(source, 25)
    assert (outcome.status, found) == (Status.GONE, [])
    assert outcome.remedy == "Raise keep_rows of this source to keep more."


def test_a_window_past_the_days_is_gone() -> None:
    source = make_pushed(keep_days=1)
    make_record(source, 2_000)
    let_go()
    outcome, _ = asked(source, 3_000)
    assert outcome.status is Status.GONE
    assert "past the days" in outcome.reason


def test_a_clock_that_ran_ahead_does_not_make_the_future_look_cut() -> None:
    source = make_pushed(keep_rows=1)
    make_record(source, 30, at=NOW + timedelta(days=400))
    make_record(source, 10)
    let_go()
    assert asked(source, 20)[0].status is Status.COMPLETE


def test_rows_of_a_removed_source_go_and_those_of_before_belong_to_the_first_otlp_source() -> None:
    source, first = make_pushed(), make_source(kind="otlp", name="OpenTelemetry", options={"keep_rows": 1})
    make_record(source, 5)
    make_record(None, 10)
    make_record(None, 5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ageing, "CHUNK", 1)
        delete_source(source=source, by=make_person("root"), now=NOW)
        assert let_go()["logs"] == 2
    assert [row.source_id for row in LogRecord.objects.all()] == [None]
    assert Removal.objects.get().source == first


def test_spans_points_and_series_without_points_go_too() -> None:
    source = make_source(kind="otlp", name="OpenTelemetry", options={"keep_days": 1})
    long_ago = NOW - timedelta(days=2)
    Span.objects.create(
        source=source,
        trace_id="a" * 32,
        span_id="b" * 16,
        service="s",
        name="n",
        start_at=long_ago,
        end_at=long_ago,
        received_at=long_ago,
    )
    series = MetricSeries.objects.create(
        source=source, digest=uuid.uuid4(), name="n", kind="gauge", service="s", created_at=long_ago
    )
    MetricPoint.objects.create(source=source, series=series, at=long_ago, value=1.0, received_at=long_ago)
    assert let_go() == {"logs": 0, "spans": 1, "points": 1, "alerts": 0, "series": 1}


@contextmanager
def pushing(seconds: float) -> Iterator[None]:
    """Somebody adds points for so long, on a connection of their own."""
    other = connection.copy()
    other.inc_thread_sharing()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(%s)", [SERIES_LOCK])
    done = threading.Timer(seconds, other.close)
    done.start()
    try:
        yield
    finally:
        done.join()


@pytest.mark.parametrize(("seconds", "gone"), [(0.1, 1), (0.4, 0)])
def test_series_without_points_go_between_two_pushes(
    monkeypatch: pytest.MonkeyPatch, seconds: float, gone: int
) -> None:
    monkeypatch.setattr(ageing, "LONGEST_WAIT", "250ms")
    source, long_ago = make_source(kind="otlp", name="OpenTelemetry"), NOW - timedelta(days=2)
    MetricSeries.objects.create(source=source, digest=uuid.uuid4(), name="n", kind="gauge", created_at=long_ago)
    with pushing(seconds):
        assert let_go()["series"] == gone
    assert MetricSeries.objects.count() == 1 - gone


def test_alerts_go_when_they_have_ended_for_long() -> None:
    source = make_source(kind="webhook", name="Hook", options={"keep_days": 1})
    long_ago = NOW - timedelta(days=2)
    common = {"source": source, "starts_at": long_ago, "received_at": long_ago, "changed_at": long_ago, "title": "t"}
    Alert.objects.create(fingerprint="ended", status="resolved", ends_at=long_ago, **common)
    Alert.objects.create(fingerprint="fires", **common)
    assert let_go()["alerts"] == 1
    assert Alert.objects.get().fingerprint == "fires"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"keep_days": 0}, "options.keep_days"),
        ({"keep_rows": "5"}, "options.keep_rows"),
        ({"max_series": True}, "options.max_series"),
    ],
)
def test_limits_that_are_none_are_refused_by_name(options: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        save_source(kind="fluent", name="F", options=options, by=make_person("root"), now=NOW)
    assert list(refused.value.errors) == [field]
