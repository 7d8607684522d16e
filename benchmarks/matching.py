"""Seen before among 10,000 incidents with forty traits each, beside the bare SQL that counts shared traits."""

from __future__ import annotations

import random
from datetime import timedelta
from functools import partial

from django.db import connection
from django.utils import timezone

from accounts.models import Role, User
from benchmarks.measure import Figure, figure, medians_side_by_side
from incidents.models import Incident, Severity
from knowledge.matching import compare
from knowledge.models import Trait

INCIDENTS, TRAITS, VALUES = 10_000, 40, 30_000
KINDS = ("signal", "log", "term", "alert", "workload", "reason", "word")
BARE = """SELECT t.incident_id, count(*) AS n FROM knowledge_trait t
    WHERE (t.kind, t.value) IN (SELECT kind, value FROM knowledge_trait WHERE incident_id = %s) AND t.incident_id <> %s
    GROUP BY t.incident_id ORDER BY n DESC LIMIT 8"""


def figures() -> list[Figure]:
    _fill()
    incident = Incident.objects.filter(title__startswith="Bench ").order_by("-declared_at")[0]
    compare(incident)
    ours, bare = medians_side_by_side([partial(compare, incident), partial(_bare, incident)], times=15)
    Incident.objects.filter(title__startswith="Bench ").delete()
    title = "compare an incident with 10,000 earlier ones / bare SQL"
    return [figure(title, value=ours * 1000, floor=bare * 1000, unit="ms", aim=3.0)]


def _bare(incident: Incident) -> None:
    with connection.cursor() as cursor:
        cursor.execute(BARE, [incident.pk, incident.pk])
        assert cursor.fetchall()


def _fill() -> None:
    chance, now = random.Random(3), timezone.now()
    by = User.objects.create(username="matcher", email="matcher@example.org", role=Role.ADMIN)
    severity = Severity.objects.order_by("rank")[0]
    rows = [
        Incident(
            number=1_000_000 + place,
            title=f"Bench {place}",
            severity=severity,
            declared_by=by,
            declared_at=now - timedelta(hours=place),
        )
        for place in range(INCIDENTS)
    ]
    Incident.objects.bulk_create(rows, batch_size=1_000)
    weights = [1 / (place + 2) for place in range(VALUES)]
    values = list(range(VALUES))
    with connection.cursor() as cursor:
        with cursor.copy("COPY knowledge_trait (incident_id, kind, value, label, evidence) FROM STDIN") as copy:
            for row in rows:
                for value in set(chance.choices(values, weights, k=TRAITS)):
                    kind = KINDS[value % len(KINDS)]
                    copy.write_row((row.pk, kind, f"{kind}-{value}", f"{kind} {value}", [1]))
        cursor.execute(f"ANALYZE {Trait._meta.db_table}")
