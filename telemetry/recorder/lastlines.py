"""The last lines of a container that ended, read while its node still has them.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#read-log
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from telemetry.collectors.kubernetes.api import LOG_RULE, KubernetesApi
from telemetry.collectors.kubernetes.connection import open_http
from telemetry.collectors.times import parse_time
from telemetry.http import Refusal, SourceError
from telemetry.observations import Budget, Connection, Status
from telemetry.redaction import Redactor

TAIL_LINES = 300
# A kubelet goes back so many lines and then stops after so many bytes: too few of these would cut off the end.
LIMIT_BYTES = 1024 * 1024
KEPT_BYTES = 128 * 1024
BUDGET = Budget(deadline_seconds=20, requests=4, bytes=4 * 1024 * 1024)
ATTEMPTS = 3
# A kubelet stamps a line when it reads it, a moment after the container wrote it.
AFTER_THE_END = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One ending whose log nobody has read yet; `id` is of its row."""

    id: int
    namespace: str
    pod: str
    container: str
    started_at: datetime | None
    finished_at: datetime
    is_previous: bool
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class LastLines:
    """What came of it: `status` as in `ContainerEnding.log_status`, "" for worth another try."""

    id: int
    status: str
    reason: str = ""
    text: str = ""
    lines: int = 0
    truncated: bool = False
    redactions: dict[str, int] = field(default_factory=dict)


def read_last_lines(connection: Connection, wanted: Wanted, redactor: Redactor) -> LastLines:
    """Never raises for the cluster's faults: the reason why there is no log is an answer too."""
    try:
        with open_http(connection, BUDGET) as http:
            api = KubernetesApi(http)
            body = _read(api, wanted, previous=wanted.is_previous)
            lines = _of_this_life(body, wanted)
            if body and not lines and not wanted.is_previous:
                # It was started again before we asked, so its log is the previous one by now.
                body = _read(api, wanted, previous=True)
                lines = _of_this_life(body, wanted)
    except SourceError as error:
        return _without(wanted, error)
    if body and not lines:
        reason = "The container had started and ended again before its log could be read."
        return LastLines(wanted.id, Status.GONE, reason)
    kept = _last(lines, KEPT_BYTES)
    truncated = len(lines) >= TAIL_LINES or len(body) >= LIMIT_BYTES or len(kept) < len(lines)
    lines = kept
    found = redactor.text("\n".join(lines))
    status = Status.COMPLETE if lines else Status.EMPTY
    reason = "" if lines else "The container wrote nothing."
    return LastLines(wanted.id, status, reason, found.text, len(lines), truncated, found.hits)


def _read(api: KubernetesApi, wanted: Wanted, *, previous: bool) -> bytes:
    params = {
        "container": wanted.container,
        "timestamps": "true",
        "tailLines": str(TAIL_LINES),
        "limitBytes": str(LIMIT_BYTES),
    }
    return api.log(wanted.namespace, wanted.pod, params | ({"previous": "true"} if previous else {}))


def _of_this_life(body: bytes, wanted: Wanted) -> list[str]:
    """Lines up to the end of this life; a line without a time belongs to the one before it.

    A log is of one life alone, so where most of it is of another time, the rest is what that life began or ended with.
    """
    kept: list[str] = []
    timed = inside = 0
    belongs = False
    for line in body.decode(errors="replace").splitlines():
        at = parse_time(line.partition(" ")[0])
        if at is not None:
            begun = wanted.started_at is None or at >= wanted.started_at - AFTER_THE_END
            belongs = begun and at <= wanted.finished_at + AFTER_THE_END
            timed, inside = timed + 1, inside + belongs
        if belongs:
            kept.append(line)
    return kept if 2 * inside >= timed else []


def _last(lines: list[str], size: int) -> list[str]:
    """The last lines that fit, at least one, which may be cut."""
    left, first = size, len(lines)
    while first and (left := left - len(lines[first - 1]) - 1) >= 0:
        first -= 1
    return lines[first:] or [line[:size] for line in lines[-1:]]


def _without(wanted: Wanted, error: SourceError) -> LastLines:
    code = error.code if isinstance(error, Refusal) else 0
    if code == 404:
        return LastLines(wanted.id, Status.GONE, "The pod was gone, and its log with it, before it could be read.")
    if code == 400:
        return LastLines(wanted.id, Status.GONE, f"The node no longer had this container: {error.reason}")
    if code == 403:
        return LastLines(wanted.id, Status.DENIED, f"{error.reason}\n{LOG_RULE}")
    if wanted.attempts + 1 < ATTEMPTS:
        return LastLines(wanted.id, "", error.reason)
    return LastLines(wanted.id, error.status, error.reason)
