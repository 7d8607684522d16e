"""Search among 100,000 documents and two million archived Events, beside the bare SQL that ranks and counts nothing
else: forty questions from rare to common, the slowest of twenty by p95.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Role, User
from benchmarks.archive import LOAD, TABLE
from benchmarks.measure import Figure, figure
from incidents.actions.incident import declare_incident
from incidents.models import Incident, Severity
from knowledge.models import SearchDocument
from knowledge.search.events import search_events
from knowledge.search.parsing import parse
from knowledge.search.querying import search
from telemetry.browsing import WORDS
from telemetry.models import Cluster
from telemetry.recorder.partitions import ensure_partitions, partition_days, partition_name

DOCUMENTS, EVENTS, INCIDENTS, DAYS = 100_000, 2_000_000, 400, 30
VOCABULARY, LENGTH, QUESTIONS, ROUNDS = 20_000, 60, 40, 5
COLUMNS = "kind, ref, incident_id, key, title, keywords, body, url, severity, status, services, namespaces, reasons, at, version"
BARE = """SELECT id, ts_rank(vector, q) AS rank FROM knowledge_searchdocument, websearch_to_tsquery('english', %s) q
    WHERE vector @@ q {filter} ORDER BY rank DESC LIMIT 20"""
BARE_EVENTS = f"SELECT * FROM {TABLE} WHERE {WORDS} @@ websearch_to_tsquery('simple', %s) LIMIT 5"


def figures() -> list[Figure]:
    now, chance = timezone.now(), random.Random(7)
    reader = User.objects.create(username="seeker", email="seeker@example.org", name="Seeker", role=Role.VIEWER)
    admin = User.objects.create(username="declarer", email="declarer@example.org", role=Role.ADMIN)
    words = [_word(chance) for _ in range(VOCABULARY)]
    _fill_documents(words, chance, _incidents(admin, now), now)
    _fill_events(now)
    questions = _questions(words, chance)
    client = Client()
    client.force_login(reader)
    found = [
        _compared("search, first page", partial(_ours, reader), questions),
        _compared("search, the whole page over HTTP", partial(_page, client), questions),
    ]
    _forget()
    return found


def _compared(name: str, act: Callable[[str], None], questions: list[str]) -> Figure:
    taken: dict[Callable[[str], None], list[float]] = {act: [], _bare: []}
    for round_ in range(ROUNDS + 1):
        for question in questions:
            for one, kept in taken.items():
                start = time.perf_counter()
                one(question)
                if round_:
                    kept.append(time.perf_counter() - start)
    value, floor = (statistics.quantiles(kept, n=20)[-1] * 1000 for kept in taken.values())
    return figure(
        f"{name}, p95 of 100,000 documents and 2,000,000 Events / bare SQL",
        value=value,
        floor=floor,
        unit="ms",
        aim=2.0,
    )


def _ours(reader: User, question: str) -> None:
    asked = parse(question)
    search(asked, reader)
    if not asked.only("service"):
        search_events(asked)


def _page(client: Client, question: str) -> None:
    assert client.get("/search/", {"q": question}).status_code == 200


def _bare(question: str) -> None:
    words, _, service = question.partition(" service:")
    with connection.cursor() as cursor:
        cursor.execute(
            BARE.format(filter="AND services && %s::varchar[]" if service else ""),
            [words, [service]][: 1 + bool(service)],
        )
        cursor.fetchall()
        if not service:
            cursor.execute(BARE_EVENTS, [words])
            cursor.fetchall()


def _word(chance: random.Random) -> str:
    return "".join(chance.choice("bcdfglmnprstv") + chance.choice("aeiou") for _ in range(chance.randint(2, 4)))


def _questions(words: list[str], chance: random.Random) -> list[str]:
    """One word or two, from those that nearly every text has to those of a few; some with a filter."""
    found = []
    for place in range(QUESTIONS):
        word = words[min(VOCABULARY - 1, int(3 + (place / QUESTIONS) ** 3 * VOCABULARY))]
        more = [f" {words[chance.randint(20, 400)]}", "", " service:service-3", ""][place % 4]
        found.append(f"{word}{more}")
    return [*found, "BackOff checkout-17", "restarting failed container"]


def _incidents(admin: User, now: datetime) -> list[int]:
    severity = Severity.objects.order_by("rank").first()
    for place in range(INCIDENTS):
        declare_incident(
            title=f"Bench {place}",
            by=admin,
            now=now - timedelta(days=place),
            severity=severity,
            visibility="restricted" if place % 10 == 0 else "internal",
            services=[f"service-{place % 20}"],
        )
    return list(Incident.objects.values_list("pk", flat=True))


def _fill_documents(words: list[str], chance: random.Random, incidents: list[int], now: datetime) -> None:
    kinds = ["evidence"] * 7 + ["timeline"] * 2 + ["postmortem"]
    weights = [1 / (place + 1) for place in range(VOCABULARY)]
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE knowledge_searchdocument")
        with cursor.copy(f"COPY knowledge_searchdocument ({COLUMNS}) FROM STDIN") as copy:
            for place in range(DOCUMENTS):
                text = chance.choices(words, weights, k=LENGTH)
                number = place % len(incidents)
                service = [f"service-{number % 20}"]
                row = (kinds[place % 10], place, incidents[number], f"INC-{number}", " ".join(text[:6]), service[0])
                more = (" ".join(text), f"/incidents/{number}/", "SEV2", "", service, ["shop"], [text[0]])
                copy.write_row((*row, *more, now - timedelta(minutes=place), 1))
        cursor.execute("ANALYZE knowledge_searchdocument")


def _fill_events(now: datetime) -> None:
    cluster = Cluster.objects.create(name="bench search")
    start = now - timedelta(days=DAYS)
    ensure_partitions(connection.connection, [start.date() + timedelta(days=place) for place in range(DAYS + 2)])
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s", [TABLE])
        indexes = dict(cursor.fetchall())
        for name in indexes:
            cursor.execute(f"DROP INDEX {name}")
        for day in partition_days(connection.connection):
            cursor.execute(f"ALTER TABLE {partition_name(day)} SET UNLOGGED")
        cursor.execute(LOAD, {"cluster": cluster.pk, "start": start, "end": now, "count": EVENTS, "space": ""})
        for definition in indexes.values():
            cursor.execute(definition.replace(" ON ONLY ", " ON "))
        cursor.execute(f"ANALYZE {TABLE}")


def _forget() -> None:
    """The other benchmarks share the database."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {TABLE}")
    SearchDocument.objects.all().delete()
    Incident.objects.filter(title__startswith="Bench ").delete()
    Cluster.objects.filter(name="bench search").delete()
