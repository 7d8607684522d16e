"""Whether Kubernetes can tell when a container is ready, alive, started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from knowledge.checks.base import FAIL, PASS, UNKNOWN, Check, Finding, Param, Readings
from knowledge.checks.workloads import RUNNING, Line, Workload, find, mapping, over

HANDLERS = ("httpGet", "tcpSocket", "exec", "grpc")
TOLD = "tell"


def probes(readings: Readings, params: Mapping[str, Any]) -> Finding:
    def judge(workload: Workload) -> Line:
        wanted = ["readiness", "liveness", *(["startup"] if params["startup"] == "required" else [])]
        missing, alike, told = [], [], []
        for container in workload.containers:
            name = str(container.get("name") or "")
            found = {kind: mapping(container.get(f"{kind}Probe")) for kind in ("readiness", "liveness", "startup")}
            missing += [f"{name} has no {kind} probe" for kind in wanted if not found[kind]]
            if found["liveness"] and _handler(found["liveness"]) == _handler(found["readiness"]):
                alike.append(f"{name} asks {_words(found['liveness'])} for both")
            told += [f"{kind} {_words(probe)}" for kind, probe in found.items() if probe]
        cells = ("; ".join(told) or "none",)
        if missing:
            return Line(FAIL, ", ".join(missing), cells, "Add the missing probes to the pod template.")
        if alike and params["same"] == TOLD:
            said = f"{', '.join(alike)}: whether that waits for a dependency, no cluster can tell"
            remedy = (
                "Let liveness ask the process alone (such as /livez): a liveness that waits for a dependency restarts "
                "every pod when it is away. If the one it asks does not, set the parameter same to allow."
            )
            return Line(UNKNOWN, said, cells, remedy)
        return Line(PASS, "; ".join(told), cells)

    return over(readings, find(readings, RUNNING), judge, columns=("Probes",))


def _handler(probe: Mapping[str, Any]) -> tuple[str, str]:
    kind = next((name for name in HANDLERS if probe.get(name)), "")
    return kind, repr(sorted(mapping(probe.get(kind)).items(), key=lambda pair: pair[0])) if kind else ""


def _words(probe: Mapping[str, Any]) -> str:
    for kind in HANDLERS:
        given = mapping(probe.get(kind))
        if not given:
            continue
        if kind == "httpGet":
            return f"{given.get('path') or '/'} every {probe.get('periodSeconds') or 10} s"
        if kind == "exec":
            return "by a command"
        return (
            f"{'TCP' if kind == 'tcpSocket' else 'gRPC'} {given.get('port')} every {probe.get('periodSeconds') or 10} s"
        )
    return "of an unknown kind"


CHECKS = (
    Check(
        "probes",
        "Readiness and liveness probes on every container",
        "Availability",
        "workload",
        ("apps/deployments", "apps/statefulsets", "apps/daemonsets"),
        probes,
        "Liveness that asks exactly what readiness asks is unknown: a dependency behind it would restart every pod.",
        (
            Param("startup", "Startup probe", "choice", "optional", choices=("optional", "required")),
            Param(
                "same",
                "Liveness that asks the same as readiness",
                "choice",
                TOLD,
                help="allow, once somebody knows that it asks the process alone",
                choices=(TOLD, "allow"),
            ),
        ),
    ),
)
