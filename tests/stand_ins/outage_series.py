"""What a Prometheus would have measured around the recorded outage of 2026-11-21, as functions of time.

Deterministic: the same question gets the same numbers on every run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.stand_ins.pod_logs import at

Value = Callable[[float], float | None]


@dataclass(frozen=True)
class Measured:
    labels: Mapping[str, str]
    value: Value


def clock(text: str) -> float:
    return at(text).timestamp()


IMPACT, WORST, RECOVERING, BACK = (clock(text) for text in ("06:37:20", "06:38:40", "06:42:30", "06:43:50"))
PENDING, FIRING, SILENT = (clock(text) for text in ("06:37:28", "06:37:58", "06:46:40"))
PODS = ("checkout-5bbc75684d-flwhw", "checkout-5bbc75684d-j6hpv", "checkout-5bbc75684d-krlcc")
RESTARTS = {
    PODS[0]: [clock(text) for text in ("06:37:30", "06:38:00", "06:38:30", "06:39:00", "06:40:18")],
    PODS[2]: [clock(text) for text in ("06:37:37", "06:38:07", "06:38:37", "06:39:07", "06:40:18")],
}


def noise(moment: float, size: float) -> float:
    """A number within ±size that depends on the moment alone."""
    return (int(moment) * 2_654_435_761 % 1_000 / 500 - 1) * size


def during(moment: float, usual: float, worst: float) -> float:
    """`usual` outside the outage; a steep way up to `worst`, a plateau, a way back."""
    if moment < IMPACT or moment >= BACK:
        return usual
    if moment < WORST:
        return usual + (worst - usual) * (moment - IMPACT) / (WORST - IMPACT)
    if moment < RECOVERING:
        return worst * 0.88
    return worst * 0.88 + (usual - worst * 0.88) * (moment - RECOVERING) / (BACK - RECOVERING)


def share_of_errors(moment: float) -> float:
    if abs(moment - WORST) <= 7:
        return 0.63
    value = during(moment, 0.008, 0.63)
    return min(0.62, value + noise(moment, 0.002 if value < 0.05 else 0.012))


def restarts_of(pod: str) -> Value:
    return lambda moment: float(sum(moment - 300 < when <= moment for when in RESTARTS.get(pod, [])))


def not_ready(moment: float) -> float:
    steps = ((clock("06:37:08"), 3), (clock("06:37:20"), 4), (clock("06:39:44"), 5), (RECOVERING, 2), (BACK, 0))
    return float(next((count for when, count in reversed(steps) if moment >= when), 0))


def alert(state: str, first: float, last: float) -> Measured:
    labels = {"__name__": "ALERTS", "alertname": "CheckoutErrorRateHigh", "alertstate": state}
    labels |= {"namespace": "shop", "service": "checkout", "severity": "critical"}
    return Measured(labels, lambda moment: 1.0 if first <= moment < last else None)


CHECKOUT = {"namespace": "shop", "job": "checkout"}
WEB = {"namespace": "shop", "job": "web"}

# The first entry whose mark stands in the question answers it.
OUTAGE: tuple[tuple[str, tuple[Measured, ...]], ...] = (
    ("ALERTS", (alert("pending", PENDING, FIRING), alert("firing", FIRING, SILENT))),
    ('code=~"5.."', (Measured(CHECKOUT, share_of_errors),)),
    (
        "_bucket",
        (
            Measured(CHECKOUT, lambda moment: during(moment, 0.18, 4.9) + noise(moment, 0.02)),
            Measured(WEB, lambda moment: during(moment, 0.21, 5.0) + noise(moment, 0.02)),
        ),
    ),
    (
        "http_requests_total",
        (
            Measured(CHECKOUT, lambda moment: during(moment, 42.0, 31.0) + noise(moment, 1.5)),
            Measured(WEB, lambda moment: during(moment, 64.0, 52.0) + noise(moment, 2.0)),
        ),
    ),
    (
        "restarts_total",
        tuple(Measured({"namespace": "shop", "pod": pod, "container": "checkout"}, restarts_of(pod)) for pod in PODS),
    ),
    (
        "cpu_usage",
        tuple(
            Measured(
                {"namespace": "shop", "pod": pod}, lambda moment: during(moment, 0.08, 0.02) + noise(moment, 0.005)
            )
            for pod in PODS
        ),
    ),
    (
        "memory_working_set",
        tuple(
            Measured(
                {"namespace": "shop", "pod": pod, "container": "checkout"},
                lambda moment: during(moment, 0.52, 0.31) + noise(moment, 0.01),
            )
            for pod in PODS
        ),
    ),
    ("kube_pod_status_ready", (Measured({"namespace": "shop"}, not_ready),)),
    ("up", (Measured({"__name__": "up", "job": "checkout"}, lambda moment: 1.0),)),
)


def measured(query: str) -> list[Measured]:
    """The series for a PromQL text, by its mark and its matchers on namespace, job and pod."""
    series = next((series for mark, series in OUTAGE if mark in query), ())
    matchers = re.findall(r'\b(namespace|job|pod)=~"([^"]*)"', query)
    return [
        one
        for one in series
        if all(re.fullmatch(pattern, one.labels.get(label, "")) for label, pattern in matchers if label in one.labels)
    ]
