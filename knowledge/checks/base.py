"""What a check is, what it may read, and what it finds: plain values."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from telemetry.collectors.kubernetes.api import Item
from telemetry.observations import EvidenceType
from telemetry.recorder.resources import Recorded

PASS, FAIL, UNKNOWN = "pass", "fail", "unknown"
ROWS = 100
LONGEST_CELL = 300


class InvalidParam(ValueError):
    """`name` is the parameter, `expected` what should stand there."""

    def __init__(self, name: str, expected: str) -> None:
        super().__init__(f"{name}: {expected}")
        self.name = name
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Place:
    """What a check looks at; empty parts do not narrow it."""

    cluster: str = ""
    namespace: str = ""
    workload_kind: str = ""
    workload_name: str = ""
    service: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name in (self.workload_name, self.service) if name))

    @property
    def words(self) -> str:
        what = f"{self.workload_kind.lower()}/{self.workload_name}" if self.workload_name else self.service
        return f"{what} in {self.namespace}" if what and self.namespace else what or self.namespace or "this place"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a verdict was read from. `source` says where, such as "prod-eu" or "prod-eu, as recorded at 10:02"."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    request: str = ""
    source: str = ""
    observed_at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        shown = [[cell[:LONGEST_CELL] for cell in row] for row in self.rows[:ROWS]]
        at = self.observed_at.isoformat() if self.observed_at else ""
        left = {"left_out": len(self.rows) - ROWS} if len(self.rows) > ROWS else {}
        told = {"columns": list(self.columns), "rows": shown, "request": self.request, "source": self.source}
        return {**told, "observed_at": at, **left}


@dataclass(frozen=True, slots=True)
class Finding:
    """`reason` is a sentence for people, `remedy` what they can do, if need be as YAML."""

    verdict: str
    reason: str
    remedy: str = ""
    facts: Facts = Facts()


@dataclass(frozen=True, slots=True)
class Listing:
    """The objects of one list, or in `reason` why they are not known. `is_served`: False where the cluster has no such API."""

    items: tuple[Item, ...] = ()
    reason: str = ""
    remedy: str = ""
    is_served: bool = True
    api: str = ""
    source: str = ""
    request: str = ""
    observed_at: datetime | None = None

    @property
    def is_read(self) -> bool:
        """Absence counts as read: where an API is not served there is no object of it."""
        return not self.reason or not self.is_served


@dataclass(frozen=True, slots=True)
class Answer:
    """What one source of metrics answered: `rows` as it sent them, or in `reason` why there are none to be had."""

    source: str
    rows: tuple[Mapping[str, Any], ...] = ()
    reason: str = ""
    remedy: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """How much of a signal one source holds of the last `minutes`."""

    source: str
    count: int = 0
    minutes: int = 0
    newest_at: datetime | None = None
    reason: str = ""
    remedy: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that Debrief itself knows: an alert that arrived, a drill that brought data back."""

    title: str
    at: datetime
    source: str = ""


class Readings(Protocol):
    """What the judges ask. Each question is put to a backend at most once for all checks of a run."""

    place: Place
    now: datetime
    rpo_seconds: int | None

    def listing(self, wanted: Recorded) -> Listing: ...

    def instant(self, expr: str) -> list[Answer]: ...

    def alert_rules(self) -> list[Answer]: ...

    def arrivals(self, signal: EvidenceType, minutes: int) -> list[Arrival]: ...

    def alerts_seen(self) -> tuple[list[str], list[Seen]]:
        """The names of the sources that alerts are pushed to, and the alerts of the place that they brought."""
        ...

    def drills(self) -> list[Seen]: ...


@dataclass(frozen=True, slots=True)
class Param:
    """`kind` is whole, number, text or choice. A text may be empty unless it is `required`."""

    name: str
    label: str
    kind: str = "whole"
    default: Any = ""
    help: str = ""
    least: float = 0
    most: float = 100_000
    choices: tuple[str, ...] = ()
    required: bool = False
    longest: int = 300

    def clean(self, value: Any) -> Any:
        if self.kind in {"whole", "number"}:
            return self._number(value)
        text = str(value).strip()
        if self.kind == "choice":
            if text not in self.choices:
                raise InvalidParam(self.name, f"is {text[:60]!r}; expected one of {', '.join(self.choices)}")
            return text
        if self.required and not text:
            raise InvalidParam(self.name, f"is empty; expected {self.help or 'some text'}")
        if len(text) > self.longest:
            raise InvalidParam(self.name, f"has {len(text):,} characters; expected at most {self.longest:,}")
        return text

    def _number(self, value: Any) -> int | float:
        what = "a whole number" if self.kind == "whole" else "a number"
        expected = f"expected {what} from {self.least:g} to {self.most:g}"
        try:
            number = float(str(value).strip())
        except ValueError:
            raise InvalidParam(self.name, f"is {str(value)[:60]!r}; {expected}") from None
        if not math.isfinite(number) or not self.least <= number <= self.most:
            raise InvalidParam(self.name, f"is {str(value)[:60]}; {expected}")
        if self.kind == "whole" and number != int(number):
            raise InvalidParam(self.name, f"is {str(value)[:60]}; {expected}")
        return int(number) if self.kind == "whole" else number


Judge = Callable[[Readings, Mapping[str, Any]], Finding]


@dataclass(frozen=True, slots=True)
class Check:
    """`group` is where a checklist shows it, `about` the kind of place it judges, `needs` what it reads."""

    name: str
    label: str
    group: str
    about: str
    needs: tuple[str, ...]
    judge: Judge
    help: str = ""
    params: tuple[Param, ...] = field(default=())

    def clean(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters, with what is not given by default; raises `InvalidParam`."""
        known = {param.name: param for param in self.params}
        if unknown := [name for name in given if name not in known]:
            expected = f"expected {', '.join(known)}" if known else "this check takes none"
            raise InvalidParam(str(unknown[0])[:60], f"is not a parameter of “{self.label}”; {expected}")
        return {name: param.clean(given.get(name, param.default)) for name, param in known.items()}


def names_in(rows: Sequence[str], most: int = 3) -> str:
    """`a, b, c and 2 more`."""
    more = f" and {len(rows) - most} more" if len(rows) > most else ""
    return ", ".join(rows[:most]) + more


def plural(count: int, noun: str, many: str = "") -> str:
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def parsed(text: Any) -> list[dict[str, Any]]:
    """A list of objects that stands as JSON in an annotation; empty for anything else."""
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return []
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
