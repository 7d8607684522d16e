"""What a backend is asked, and what it answered: plain values shared by every collector.

Nothing here knows Django. A collector turns a `Query` into `Observation`s and one `Outcome`;
the incident side turns observations into evidence and timeline lines.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from telemetry.coverage import Coverage


class InvalidWindow(ValueError):
    """A window whose end is not after its start, or whose times carry no zone."""


@dataclass(frozen=True, slots=True)
class Window:
    """The half-open time [start, end), both aware; stored and compared in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise InvalidWindow("window: start and end need a time zone")
        if self.end <= self.start:
            raise InvalidWindow("window: the end must be after the start")

    @classmethod
    def around(cls, start: datetime, end: datetime, pad: timedelta) -> Window:
        return cls(start.astimezone(UTC) - pad, end.astimezone(UTC) + pad)

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()

    def contains(self, at: datetime) -> bool:
        return self.start <= at < self.end

    def overlaps(self, first: datetime, last: datetime) -> bool:
        return first < self.end and last >= self.start


@dataclass(frozen=True, slots=True)
class Workload:
    """A Kubernetes workload as people name it: kind `Deployment`, name `checkout`."""

    kind: str
    namespace: str
    name: str
    group: str = "apps"


@dataclass(frozen=True, slots=True)
class Scope:
    """What an incident is about. Empty tuples mean "not narrowed"; `started_at` is when the impact began.

    `alerts` are the fingerprints of the alerts that belong to it, whatever their labels say.
    """

    namespaces: tuple[str, ...] = ()
    workloads: tuple[Workload, ...] = ()
    services: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    started_at: datetime | None = None

    def names(self) -> tuple[str, ...]:
        """Workload and service names, for backends that know only names."""
        return tuple(dict.fromkeys([*(w.name for w in self.workloads), *self.services]))


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that one query may use. Seconds, counts and decompressed bytes."""

    deadline_seconds: float = 45.0
    requests: int = 60
    items: int = 5_000
    bytes: int = 16 * 1024 * 1024
    series: int = 20
    points: int = 1_000


@dataclass(frozen=True, slots=True)
class Query:
    """One deterministic question to one source; `text` is what people are shown."""

    name: str
    title: str
    text: str
    params: Mapping[str, Any] = field(default_factory=dict)


class Status(StrEnum):
    COMPLETE = "complete"
    EMPTY = "empty"
    PARTIAL = "partial"
    TRUNCATED = "truncated"
    DENIED = "denied"
    UNAUTHENTICATED = "unauthenticated"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    NOT_INSTALLED = "not_installed"
    NOT_CONFIGURED = "not_configured"
    GONE = "gone"
    INVALID_QUERY = "invalid_query"
    THROTTLED = "throttled"
    ERROR = "error"


class EvidenceType(StrEnum):
    EVENT = "event"
    STATE_CHANGE = "state_change"
    LOG = "log"
    METRIC = "metric"
    TRACE = "trace"
    ALERT = "alert"
    BACKUP = "backup"
    ANNOTATION = "annotation"
    LINK = "link"


class Level(StrEnum):
    """How loud an observation is: what draws the icon, never what sorts it."""

    NORMAL = "normal"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing a source said about the window.

    `dedup_key` names the thing itself (an Event's uid, a revision, a trace id), so that asking
    again finds the same one; `payload` is what gets hashed and frozen.
    """

    type: EvidenceType
    dedup_key: str
    title: str
    first_at: datetime
    last_at: datetime
    count: int = 1
    level: Level = Level.INFO
    subject: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    links: Sequence[Mapping[str, str]] = ()
    query: str = ""
    redactions: Mapping[str, int] = field(default_factory=dict)
    flags: Mapping[str, bool] = field(default_factory=dict)

    def digest(self) -> str:
        """sha256 of what the source said, in a canonical form.

        Not of links, which are at the window that was asked for: a longer window alone is no news. A link has nothing
        else to say, so its times are left out as well.
        """
        body = asdict(self)
        del body["links"]
        if self.type is EvidenceType.LINK:
            del body["first_at"], body["last_at"]
            body["payload"] = {key: value for key, value in self.payload.items() if key != "window"}
        text = json.dumps(body, sort_keys=True, default=str, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one query ended. `reason` is a sentence for people, `remedy` what they can do.

    `coverage` is what a recording knows of the window, None where nothing is recorded.
    """

    status: Status
    reason: str = ""
    remedy: str = ""
    retryable: bool = False
    fetched: int = 0
    kept: int = 0
    dropped: int = 0
    truncated_by: str = ""
    covered_from: datetime | None = None
    covered_to: datetime | None = None
    warnings: tuple[str, ...] = ()
    request: str = ""
    redactions: Mapping[str, int] = field(default_factory=dict)
    coverage: Coverage | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a preflight: what was tried, whether it held, the server's own words."""

    name: str
    ok: bool
    detail: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one source, decrypted, for the length of one task.

    `auth` keys: `bearer`; `username` and `password`; `api_key`; `client_cert` and `client_key`
    (PEM). `options` are the source's own settings (queries, tenant, pads). `source_id` names the source whose pushed
    rows are its own, `cluster_id` the cluster whose archive belongs to it, `digest_key` is for values of its objects.
    """

    name: str
    url: str = ""
    auth: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_pem: str = ""
    verify: bool = True
    allow_private: bool = False
    kubeconfig: Mapping[str, Any] = field(default_factory=dict, repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    source_id: int | None = None
    cluster_id: int | None = None
    digest_key: bytes = field(default=b"", repr=False)


Sink = Callable[[list[Observation]], None]


@dataclass(frozen=True, slots=True)
class Facts:
    """What pages, forms and the documents say of a kind of source.

    `address` is an example of one, empty where none is needed; `of_cluster`: reached with the kubeconfig of its
    cluster. `found_by` is the API group that a cluster with it serves. `language` is that of its queries, empty
    where nobody writes any; `options` says what each option does. `gives` are the signals of a service that arrive
    there by themselves.
    """

    collects: str
    limits: str
    tested: str
    address: str = ""
    pushed: bool = False
    of_cluster: bool = False
    language: str = ""
    found_by: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    budget: Budget = Budget()
    gives: tuple[EvidenceType, ...] = ()


class Collector(Protocol):
    """One backend. Built for one task from one connection; never shared between clusters."""

    kind: str
    label: str
    facts: Facts

    def __init__(self, connection: Connection) -> None: ...

    def preflight(self) -> list[Check]:
        """Ask whether it is reachable, authenticated, permitted, and of which version."""
        ...

    def plan(self, scope: Scope, window: Window) -> list[Query]:
        """The questions for this scope, the same each time; no network."""
        ...

    def collect(self, query: Query, window: Window, budget: Budget, sink: Sink) -> Outcome:
        """Ask one question, hand batches to `sink`, and say how it went; never raises for the backend's faults."""
        ...
