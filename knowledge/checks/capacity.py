"""What containers ask of their nodes, and which image they run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from knowledge.checks.base import FAIL, PASS, Check, Finding, Param, Readings
from knowledge.checks.workloads import RUNNING, Line, Workload, find, mapping, objects, over

NEEDS = ("apps/deployments", "apps/statefulsets", "apps/daemonsets")
MOVING = re.compile(
    r"(?i)latest|main|master|trunk|head|develop|dev|edge|nightly|canary|stable|rolling|snapshot|staging|prod(uction)?"
    r"|release|(feature|fix|bugfix|hotfix|pr|branch)[-_/.].*"
)
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


def resources(readings: Readings, params: Mapping[str, Any]) -> Finding:
    wanted = [("requests", "cpu"), ("requests", "memory"), ("limits", "memory")]
    if params["cpu_limit"] == "required":
        wanted.append(("limits", "cpu"))

    def judge(workload: Workload) -> Line:
        missing, told = [], []
        for container in workload.containers:
            given, name = mapping(container.get("resources")), str(container.get("name") or "")
            lacks = [f"{kind}.{unit}" for kind, unit in wanted if not mapping(given.get(kind)).get(unit)]
            missing += [f"{name} has no {', '.join(lacks)}"] if lacks else []
            told += [f"{name} {kind} {_amounts(given.get(kind))}" for kind in ("requests", "limits") if given.get(kind)]
        cells = ("; ".join(told) or "none",)
        if missing:
            return Line(FAIL, "; ".join(missing), cells, "Set them from what was measured, with room for the peak.")
        return Line(PASS, "; ".join(told), cells)

    return over(readings, find(readings, RUNNING), judge, columns=("Resources",))


def _amounts(value: Any) -> str:
    return ", ".join(f"{unit} {amount}" for unit, amount in sorted(mapping(value).items()))


def images(readings: Readings, params: Mapping[str, Any]) -> Finding:
    only_digests = params["by"] == "digest"

    def judge(workload: Workload) -> Line:
        containers = [*objects(workload.pod_spec.get("initContainers")), *workload.containers]
        given = [str(container.get("image") or "") for container in containers]
        moving = [f"{image.rpartition('/')[2]} {why}" for image in given if (why := moves(image, only_digests))]
        cells = (", ".join(image.rpartition("/")[2] for image in given),)
        if moving:
            return Line(FAIL, "; ".join(moving), cells, "Name a release that never moves, or pin it by its digest.")
        return Line(PASS, f"pinned: {cells[0]}", cells)

    return over(readings, find(readings, RUNNING), judge, columns=("Images",))


def moves(image: str, only_digests: bool = False) -> str:
    """Why the same name can mean another image tomorrow, or "" where it is pinned."""
    if DIGEST.search(image):
        return ""
    if only_digests:
        return "is not pinned by a digest"
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    if not tag:
        return "has no tag, which means latest"
    return f"follows the moving tag {tag}" if MOVING.fullmatch(tag) else ""


CHECKS = (
    Check(
        "resources",
        "Requests and limits on every container",
        "Capacity",
        "workload",
        NEEDS,
        resources,
        "Requests of CPU and memory and a limit of memory; a limit of CPU where it is required.",
        (Param("cpu_limit", "Limit of CPU", "choice", "optional", choices=("optional", "required")),),
    ),
    Check(
        "images",
        "Images are pinned",
        "Capacity",
        "workload",
        NEEDS,
        images,
        "By a digest, or by a tag that does not follow a branch.",
        (Param("by", "Pinned by", "choice", "tag", help="a release's tag, or a digest", choices=("tag", "digest")),),
    ),
)
