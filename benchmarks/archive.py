"""Five million archived Events over 30 days beside fifty thousand: an incident's window, and the page of Events.

Both lie in one database, the few in a schema of their own, so that each round asks both through one connection.
"""

from __future__ import annotations

import importlib
from datetime import datetime, timedelta
from functools import partial

from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Role, User
from benchmarks.measure import Figure, figure, medians_side_by_side
from telemetry.archive import ClusterArchive
from telemetry.models import Cluster, Heartbeat, Recording
from telemetry.observations import Window
from telemetry.recorder.partitions import TABLE, ensure_partitions, partition_days, partition_name

MANY, FEW, DAYS = 5_000_000, 50_000, 30
# As many of the incident's own Events in both; the rest of the many is what an index must step over.
INCIDENT_EVENTS = 1_000
SCHEMAS = {MANY: "public", FEW: "few"}
EVENTS: str = importlib.import_module("telemetry.migrations.0002_archive").EVENTS
LOAD = """
INSERT INTO telemetry_clusterevent (cluster_id, uid, created_at, namespace, name, resource_version, first_at, last_at,
    count, highest_count, is_lower_bound, type, reason, message, action, reporter, host, about_group, about_kind,
    about_namespace, about_name, about_uid, about_field_path, signal, redactions, received_at, updated_at, gone_at)
SELECT %(cluster)s, 'event-' || %(start)s || '-' || n, at, space, 'checkout-' || n %% 5000 || '.17a', n::text,
    at - interval '40 s', at, 1 + n %% 7, 1 + n %% 7, false,
    CASE WHEN n %% 5 = 0 THEN 'Warning' ELSE 'Normal' END,
    (ARRAY['Pulled', 'Created', 'Started', 'Scheduled', 'SuccessfulCreate', 'Killing', 'BackOff', 'Unhealthy'])[1 + n %% 8],
    'Back-off restarting failed container checkout of pod checkout-' || n %% 5000, '', 'kubelet', 'node-' || n %% 40, '',
    'Pod', space, 'checkout-' || n %% 5000, 'pod-' || n %% 5000, 'spec.containers{checkout}',
    CASE WHEN n %% 40 = 0 THEN 'crash-loop' ELSE '' END, '{}', at, at, at + interval '1 hour'
FROM (
    SELECT n, %(start)s::timestamptz + (%(end)s::timestamptz - %(start)s::timestamptz) * (n::float / %(count)s) AS at,
        CASE WHEN %(space)s = '' THEN 'space-' || n %% 200 ELSE %(space)s END AS space
    FROM generate_series(0, %(count)s - 1) AS n
) AS made
"""


def figures() -> list[Figure]:
    now = timezone.now()
    cluster = Cluster.objects.create(name="bench")
    reader = User.objects.create(username="bench", email="bench@example.org", name="Bench", role=Role.VIEWER)
    Heartbeat.objects.update_or_create(name="recorder", defaults={"at": now})
    Recording.objects.create(cluster=cluster, resource="events", since=now - timedelta(days=DAYS), heard_at=now)
    incident = Window(now - timedelta(days=10), now - timedelta(days=10) + timedelta(minutes=45))
    for count in SCHEMAS:
        _fill(cluster, count, now, incident)
    client = Client()
    client.force_login(reader)
    asked = {
        "an incident's window": partial(_window, cluster, incident),
        "first page of Events": partial(_page, client, "/events/"),
        "first page of one namespace, all time": partial(_page, client, "/events/?window=all&namespace=space-7"),
    }
    found = [_compared(name, act) for name, act in asked.items()]
    _forget()
    return found


def _compared(name: str, act: partial[None]) -> Figure:
    many, few = medians_side_by_side([partial(_in, MANY, act), partial(_in, FEW, act)], times=25)
    title = f"{name}, 5,000,000 Events / 50,000"
    return figure(title, value=many * 1000, floor=few * 1000, unit="ms", aim=1.5)


def _in(count: int, act: partial[None]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET search_path = {SCHEMAS[count]}, public")
    act()


def _window(cluster: Cluster, incident: Window) -> None:
    rows = ClusterArchive(cluster.pk).events(incident, ["shop"], limit=5_000)
    assert len(rows) == INCIDENT_EVENTS, len(rows)


def _page(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.content.count(b'class="tl-row ev-row') == 50


def _fill(cluster: Cluster, count: int, now: datetime, incident: Window) -> None:
    """The tables without indexes, the rows, then the indexes: a third of the time."""
    start = now - timedelta(days=DAYS)
    statements = [line.strip() for line in EVENTS.split(";") if line.strip()]
    indexes = [line for line in statements if line.startswith(("CREATE INDEX", "CREATE UNIQUE INDEX"))]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMAS[count]}")
        cursor.execute(f"SET search_path = {SCHEMAS[count]}, public")
        cursor.execute(f"DROP TABLE IF EXISTS {SCHEMAS[count]}.{TABLE}")
        for statement in statements:
            if statement not in indexes:
                cursor.execute(statement)
    days = [start.date() + timedelta(days=place) for place in range(DAYS + 9)]
    ensure_partitions(connection.connection, days)
    with connection.cursor() as cursor:
        for day in partition_days(connection.connection):
            cursor.execute(f"ALTER TABLE {partition_name(day)} SET UNLOGGED")
        many = {"cluster": cluster.pk, "start": start, "end": now, "count": count - INCIDENT_EVENTS, "space": ""}
        own = {"start": incident.start, "end": incident.end, "count": INCIDENT_EVENTS, "space": "shop"}
        cursor.execute(LOAD, many)
        cursor.execute(LOAD, many | own)
        for index in indexes:
            cursor.execute(index)
        cursor.execute(f"ANALYZE {TABLE}")


def _forget() -> None:
    """The other benchmarks share the database."""
    with connection.cursor() as cursor:
        cursor.execute("SET search_path = public")
        cursor.execute("DROP SCHEMA few CASCADE")
        cursor.execute(f"TRUNCATE {TABLE}")
    Recording.objects.all().delete()
    Cluster.objects.filter(name="bench").delete()
