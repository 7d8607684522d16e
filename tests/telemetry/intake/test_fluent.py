"""Fluent Bit's and Fluentd's pushes over HTTP: every format once, refusals in words."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
import zstandard
from django.http import HttpResponse
from django.test import Client

from telemetry.collectors.fluent import FluentCollector
from telemetry.models import LogRecord, Source
from telemetry.observations import Budget, Observation, Scope, Status, Window
from telemetry.rows import RECORDS_LIMIT
from tests import database
from tests.builders import NOW, make_person, make_source, make_token
from tests.telemetry.fluent.bodies import FORMATS, RECORDS, make_record

pytestmark = pytest.mark.django_db
ARRAY = FORMATS["json"][1]


@pytest.fixture
def token(db: None) -> str:
    return make_token(make_person("ada"), "ingest")


def push(token: str, body: bytes, content_type: str = "application/json", **headers: str) -> HttpResponse:
    named = {"Authorization": f"Bearer {token}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    answer: Any = Client().post("/ingest/fluent/", body, content_type=content_type or "x/y", headers=named)
    return answer


def test_every_format_redelivered_twice_is_stored_once(token: str) -> None:
    for kind, body in FORMATS.values():
        for _ in range(3):
            answer = push(token, body, kind)
            assert (answer.status_code, json.loads(answer.content)) == (
                200,
                {"accepted": 3, "rejected": 0, "reasons": {}},
            )
    assert LogRecord.objects.count() == 3
    source = Source.objects.get()
    assert (source.kind, {row.source_id for row in LogRecord.objects.all()}) == ("fluent", {source.pk})


def test_a_line_without_a_time_is_kept_each_time_it_is_written_and_once_for_each(token: str) -> None:
    line = json.dumps(make_record()).encode()
    with time_machine.travel(NOW, tick=False) as clock:
        for seconds, rows in ((0, 1), (5, 1), (24, 1), (31, 2), (62, 3)):
            clock.move_to(NOW + timedelta(seconds=seconds))
            assert push(token, line).status_code == 200
            assert (seconds, LogRecord.objects.count()) == (seconds, rows)


def test_more_records_than_are_taken_are_refused_by_the_status_that_senders_read(token: str) -> None:
    answer = push(token, b"{}" * (RECORDS_LIMIT + 1))
    assert (answer.status_code, json.loads(answer.content)["message"]) == (
        413,
        "body: expected at most 50,000 records; send smaller batches",
    )
    assert not LogRecord.objects.exists()


def test_a_name_of_a_source_that_no_database_takes_is_refused(token: str) -> None:
    answer = push(token, ARRAY, X_Debrief_Source="a\x00b")
    assert (answer.status_code, "there is no source" in json.loads(answer.content)["message"]) == (403, True)


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstandard.ZstdCompressor().compress)],
)
def test_compressed_bodies_are_taken(token: str, encoding: str, compress: Callable[[bytes], bytes]) -> None:
    assert push(token, compress(ARRAY), Content_Encoding=encoding).status_code == 200
    assert LogRecord.objects.count() == 3
    bomb = compress(b"[" + b" " * (21 * 2**20))
    assert push(token, bomb, Content_Encoding=encoding).status_code == 413
    assert push(token, compress(ARRAY)[:-9], Content_Encoding=encoding).status_code == 400


def test_refusals_are_told_by_their_status_and_in_words(token: str) -> None:
    make_source(kind="fluent", name="On")
    make_source(kind="fluent", name="Off", enabled=False)
    cases = [
        (push("dbf_unknown", ARRAY), 401, "expected Bearer"),
        (push(make_token(make_person("ada"), "write"), ARRAY), 403, "lacks the scope ingest"),
        (push(make_token(make_person("cy"), "ingest"), ARRAY), 403, "only reads"),
        (push(token, ARRAY, X_Debrief_Source="Nobody"), 403, "there is no source"),
        (push(token, ARRAY, X_Debrief_Source="Off"), 403, "switched off"),
        (push(token, b"nonsense"), 400, "expected JSON records"),
        (push(token, b"nonsense", Content_Encoding="gzip"), 400, "expected valid gzip"),
        (push(token, b"x", Content_Encoding="snappy"), 415, "expected gzip, deflate, zstd or identity"),
        (push(token, b"x" * (21 * 2**20)), 413, "at most 20 MiB"),
    ]
    for answer, status, words in cases:
        assert (answer.status_code, words in json.loads(answer.content)["message"]) == (status, True), answer.content
    assert cases[0][0].headers["WWW-Authenticate"].startswith("Bearer")
    assert not LogRecord.objects.exists()
    assert Client().get("/ingest/fluent/").status_code == 405


def test_bad_records_are_counted_and_the_chunk_is_kept(token: str) -> None:
    body = json.dumps([*RECORDS, 7, make_record(date=5_000_000_000)]).encode()
    told = json.loads(push(token, body).content)
    assert told == {
        "accepted": 3,
        "rejected": 2,
        "reasons": {"record that is no object": 1, "record whose time is past 2100": 1},
    }


def test_a_named_source_has_its_own_rows_and_reads_them_back(token: str) -> None:
    make_source(kind="fluent", name="Edge")
    shop = make_source(kind="fluent", name="Shop")
    push(token, ARRAY, X_Debrief_Source="Shop")
    row = LogRecord.objects.earliest("at")
    window = Window(row.at, row.at.replace(minute=59))
    outcomes: dict[str, Any] = {}
    for source in Source.objects.all():
        found: list[Observation] = []
        collector = FluentCollector(source.connection())
        (query,) = collector.plan(Scope(namespaces=("shop",)), window)
        outcomes[source.name] = collector.collect(query, window, Budget(), found.extend).status, len(found)
    assert outcomes == {"Shop": (Status.COMPLETE, 1), "Edge": (Status.NOT_CONFIGURED, 0)}
    assert FluentCollector(shop.connection()).preflight()[0].detail.startswith("last ")


def test_no_secret_reaches_the_database(token: str) -> None:
    push(token, json.dumps([make_record(log="password=hunter2", auth={"token": "hunter2"})]).encode())
    assert LogRecord.objects.count() == 1
    assert database.places_of("hunter2") == []
