"""Choices while somebody types: namespaces and workloads that the recorder knows, open incidents."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack

from incidents.slack import blocks, finding, names
from incidents.slack.people import known
from telemetry.models import Cluster, ObjectSnapshot

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")
MOST = 50


def options(ack: Ack, body: dict[str, Any]) -> None:
    typed = " ".join(str(body.get("value", "")).split())[:100]
    name = str(body.get("action_id", "")).partition(":")[0]
    if name == names.PLACE:
        groups = _groups(typed)
        # Slack takes no empty list of groups.
        ack(option_groups=groups) if groups else ack(options=[])
    elif name == names.JOIN:
        ack(options=_incidents(typed, str((body.get("user") or {}).get("id", ""))))
    else:
        ack(options=[])


def places(typed: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(value, text) of namespaces, and of workloads; what names several clusters says which."""
    current = ObjectSnapshot.objects.filter(until_at=None, kind__in=KINDS).exclude(namespace="")
    clusters = dict(Cluster.objects.values_list("pk", "name"))
    spaces = current.filter(namespace__icontains=typed).values_list("cluster_id", "namespace").distinct()
    found = [
        (f"n:{cluster}:{space}", _placed(space, clusters, cluster))
        for cluster, space in spaces.order_by("namespace", "cluster_id")[:MOST]
    ]
    rows = current.filter(name__icontains=typed).order_by("name", "namespace", "cluster_id", "kind")
    workloads = [
        (f"o:{pk}", _placed(f"{name} in {space} ({kind})", clusters, cluster))
        for pk, name, space, kind, cluster in rows.values_list("pk", "name", "namespace", "kind", "cluster_id")[:MOST]
    ]
    return found, workloads


def scope_of(values: list[str]) -> dict[str, Any]:
    """What `declare_incident` takes for chosen places; those that are gone are left out."""
    spaces: list[str] = []
    workloads: list[dict[str, str]] = []
    clusters: set[int] = set()
    for value in values:
        kind, _, rest = value.partition(":")
        if kind == "n":
            cluster, _, space = rest.partition(":")
            if cluster.isdigit() and space:
                spaces.append(space)
                clusters.add(int(cluster))
        elif kind == "o" and rest.isdigit():
            row = ObjectSnapshot.objects.filter(pk=int(rest)).first()
            if row is not None:
                workloads.append({"kind": row.kind, "namespace": row.namespace, "name": row.name})
                spaces.append(row.namespace)
                clusters.add(row.cluster_id)
    known_clusters = list(Cluster.objects.filter(pk__in=clusters))
    return {"namespaces": list(dict.fromkeys(spaces)), "workloads": workloads, "clusters": known_clusters}


def _groups(typed: str) -> list[dict[str, Any]]:
    spaces, workloads = places(typed)
    groups = [("Namespaces", spaces), ("Workloads", workloads)]
    return [
        {"label": blocks.plain(label, 75), "options": [blocks.option(text, value) for value, text in found]}
        for label, found in groups
        if found
    ]


def _incidents(typed: str, slack_id: str) -> list[dict[str, Any]]:
    """Open ones that this person may see."""
    found = finding.visible(known(slack_id)).open().matching(typed)[:MOST]
    return [blocks.option(f"{one.key} {one.title}", str(one.number)) for one in found]


def _placed(text: str, clusters: dict[int, str], cluster: int) -> str:
    return f"{text}, {clusters.get(cluster, '?')}" if len(clusters) > 1 else text
