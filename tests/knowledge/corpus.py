"""Sixty incidents as a team of a web shop has them in a year and a half, with evidence as the collectors keep it.

Twelve are recurrences told in other words: other titles, pods, nodes, times and versions, some evidence missing, some
new. The rest are there to mislead: the same service with another cause, the same cause at another service.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from incidents.models import Evidence, Incident
from knowledge.models import Match
from tests.builders import make_evidence, make_incident

FIRST = datetime(2025, 6, 2, 9, 0, tzinfo=UTC)
LETTERS = "bcdfghjklmnpqrstvwxz2456789"

Piece = dict[str, Any]


@dataclass(frozen=True)
class Story:
    """`name` is what a later one calls it by in `again`; `pieces` are evidence, as the functions below take it."""

    title: str
    workload: str
    pieces: Sequence[Piece]
    summary: str = ""
    kind: str = "Deployment"
    again: str = ""
    name: str = ""


def stories() -> list[Story]:
    text = (Path(__file__).parent.parent / "payloads" / "incidents.yaml").read_text()
    return [Story(**fields) for fields in yaml.safe_load(text)]


def suffix(seed: int, length: int) -> str:
    return "".join(LETTERS[(seed * 7 + place * 13 + seed // 5) % len(LETTERS)] for place in range(length))


def write() -> list[tuple[Story, Incident]]:
    """Declared a week apart, in this order; each with its evidence."""
    return [(story, _write(place, story)) for place, story in enumerate(stories())]


def _write(place: int, story: Story) -> Incident:
    now = FIRST + timedelta(days=7 * place, minutes=11 * place)
    incident = make_incident(
        title=story.title,
        summary=story.summary,
        now=now,
        impact_started_at=now - timedelta(minutes=6),
        namespaces=["shop"],
        services=[story.workload],
        workloads=[{"kind": story.kind, "namespace": "shop", "name": story.workload}],
        severity=("SEV2", "SEV3", "SEV1", "SEV3")[place % 4],
    )
    for number, piece in enumerate(story.pieces):
        _evidence(incident, story, piece, now - timedelta(minutes=5) + timedelta(seconds=20 * number), place + number)
    return incident


def _evidence(incident: Incident, story: Story, piece: Piece, at: datetime, seed: int) -> Evidence:
    pod = _pod(story, seed)
    owner = {"kind": story.kind, "namespace": "shop", "name": story.workload}
    make = {"event": _event, "restart": _restart, "rollout": _rollout, "alert": _alert, "log": _log, "node": _node}
    fields = make[piece["what"]](piece, pod, owner, at)
    return make_evidence(incident, first_at=at, last_at=at, **fields)


def _pod(story: Story, seed: int) -> str:
    if story.kind == "StatefulSet":
        return f"{story.workload}-{seed % 3}"
    middle = f"{29_000_000 + seed}" if story.kind == "CronJob" else suffix(seed, 9)
    return (
        f"{story.workload}-{middle}-{suffix(seed + 3, 5)}"
        if story.kind != "Job"
        else f"{story.workload}-{suffix(seed, 5)}"
    )


def _event(piece: Piece, pod: str, owner: dict[str, str], at: datetime) -> Piece:
    name = piece.get("name") or (pod if piece.get("about", "Pod") == "Pod" else owner["name"])
    payload = {"reason": piece["reason"], "message": piece["message"], "type": "Warning"}
    if "signal" in piece:
        payload["signal"] = piece["signal"]
    subject = {"kind": piece.get("about", "Pod"), "namespace": "shop", "name": name}
    return {
        "type": "event",
        "level": piece.get("level", "error"),
        "title": f"{piece['reason']} · {subject['kind']} {name}",
        "subject": subject,
        "payload": payload,
    }


def _restart(piece: Piece, pod: str, owner: dict[str, str], at: datetime) -> Piece:
    payload = {
        "change": "restart",
        "pod": pod,
        "container": "app",
        "reason": piece["reason"],
        "exit_code": piece["code"],
        "workload": owner,
    }
    if "signal" in piece:
        payload["signal"] = piece["signal"]
    title = f"app of {pod} ended (exit code {piece['code']}, {piece['reason']})"
    return {
        "type": "state_change",
        "level": "error",
        "title": title,
        "subject": {"kind": "Pod", "name": pod},
        "payload": payload,
    }


def _rollout(piece: Piece, pod: str, owner: dict[str, str], at: datetime) -> Piece:
    diff = [{"path": path, "before": "", "after": value} for path, value in piece.get("paths", {}).items()]
    if "image" in piece:
        diff.append({"path": "image", "before": "", "after": piece["image"]})
    payload = {
        "change": "rollout",
        "workload": owner,
        "from_revision": 4,
        "to_revision": 5,
        "diff": diff,
        "rollback": False,
    }
    return {"type": "state_change", "level": "info", "title": f"{owner['name']} revision 4 → 5", "payload": payload}


def _alert(piece: Piece, pod: str, owner: dict[str, str], at: datetime) -> Piece:
    labels = {"alertname": piece["name"], "namespace": "shop", "pod": pod, **piece.get("labels", {})}
    payload = {"alertname": piece["name"], "labels": labels, "state": "firing"}
    return {"type": "alert", "level": "error", "title": f"{piece['name']} firing", "payload": payload}


def _log(piece: Piece, pod: str, owner: dict[str, str], at: datetime) -> Piece:
    patterns = [
        {"pattern": one, "level": "warning" if one.startswith("WARN") else "error", "count": 40}
        for one in piece["patterns"]
    ]
    return {"type": "log", "level": "error", "title": f"Log of app in {pod}", "payload": {"patterns": patterns}}


def _node(piece: Piece, pod: str, owner: dict[str, str], at: datetime) -> Piece:
    payload = {
        "change": "node_condition",
        "node": piece["node"],
        "condition": piece["condition"],
        "status": piece["status"],
    }
    if piece["condition"] == "Ready":
        payload["signal"] = "node-not-ready"
    return {"type": "state_change", "level": "error", "title": f"Node {piece['node']}", "payload": payload}


def rank_of(incident: Incident, earlier: Incident) -> int:
    """1 is the best match, 0 where it does not match at all."""
    found = list(Match.objects.filter(incident=incident).order_by("-score").values_list("earlier_id", flat=True))
    return found.index(earlier.pk) + 1 if earlier.pk in found else 0
