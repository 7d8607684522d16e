"""One query under way: what was read, what was kept, what failed, and the outcome of it all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from telemetry.collectors.kubernetes.api import Item, KubernetesApi, Resource
from telemetry.collectors.kubernetes.archive import Archive, State
from telemetry.collectors.kubernetes.selection import Selection
from telemetry.coverage import Coverage, in_common
from telemetry.http import SourceError, outcome_of
from telemetry.observations import Observation, Outcome, Sink, Status, Window
from telemetry.redaction import Redactor

BATCH = 200
# A recorder that lives hears something of each resource at least once a minute.
FRESH = timedelta(minutes=2)
# After one of these there is no sense in asking the same server for the next list.
FINAL = frozenset({Status.UNAUTHENTICATED, Status.UNREACHABLE, Status.TIMEOUT, Status.TRUNCATED, Status.NOT_CONFIGURED})


@dataclass
class Gathering:
    """The means of one query (api, archive, selection, window, redactor) and its running account."""

    api: KubernetesApi
    selection: Selection
    window: Window
    sink: Sink
    redactor: Redactor
    items_allowed: int
    request: str = ""
    # When the impact began, where that is known.
    at: datetime | None = None
    archive: Archive | None = None
    fetched: int = 0
    kept: int = 0
    dropped: int = 0
    answered: int = 0
    warnings: list[str] = field(default_factory=list)
    failures: list[SourceError] = field(default_factory=list)
    # What an archive had more of than the budget allows: no reason not to ask the live API.
    cuts: list[SourceError] = field(default_factory=list)
    redactions: Counter[str] = field(default_factory=Counter)
    covered_from: datetime | None = None
    asked_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    _batch: list[Observation] = field(default_factory=list)
    _newest: dict[str, Observation] = field(default_factory=dict)
    _coverages: dict[str, Coverage] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether asking the live API for more is of no use."""
        return any(failure.status in FINAL for failure in self.failures)

    @property
    def needed_to(self) -> datetime:
        """The end of the window as far as it has come."""
        return min(self.window.end, max(self.asked_at, self.window.start))

    def coverage_of(self, resource: Resource) -> Coverage:
        """What of the window is recorded of a resource; asked for, it counts for the outcome's coverage."""
        if self.archive is None:
            return Coverage()
        if resource.name not in self._coverages:
            self._coverages[resource.name] = self.archive.coverage(resource, self.window)
        return self._coverages[resource.name]

    def is_covered(self, resource: Resource) -> bool:
        return self.coverage_of(resource).covers(self.window.start, self.needed_to)

    def states(
        self,
        resource: Resource,
        *,
        places: Sequence[str] | None = None,
        matches: Callable[[Item], bool] = lambda _: True,
        until_now: bool = False,
        **selectors: str,
    ) -> list[State]:
        """Every state of each object in the window, oldest first: archived, and as it is now where the archive ends.

        `matches` says of an archived object what `selectors` say to the API. `until_now` asks beyond the
        window's end, to know which objects still are.
        """
        places = self.selection.places if places is None else places
        covered = self.is_covered(resource) and not (until_now and not self._is_fresh(resource))
        beyond = until_now and self.asked_at > self.window.end
        reach = Window(self.window.start, self.asked_at) if beyond else self.window
        found = [state for state in self.archived(resource, places=places, window=reach) if matches(state.item)]
        if not covered:
            found += [State(item) for place in places for item in self.items(resource, place, **selectors)]
        return found

    def newest(self, resource: Resource, **wanted: Any) -> list[Item]:
        """The last state of each object that was there in the window."""
        return [state.item for state in {one.uid: one for one in self.states(resource, **wanted)}.values()]

    def within_budget(self, resource: Resource, found: list[Any]) -> list[Any]:
        """What an archive gave, counted; too much is cut and put on the account."""
        self.answered += 1
        if len(found) > self.items_allowed:
            found = found[: self.items_allowed]
            self.cuts.append(self._too_many(resource, "out of the archive"))
        self.fetched += len(found)
        return found

    def archived(
        self, resource: Resource, *, places: Sequence[str] | None = None, window: Window | None = None
    ) -> list[State]:
        """What the archive alone holds, oldest first."""
        if self.archive is None or self.coverage_of(resource).is_empty:
            return []
        places = self.selection.places if places is None else places
        states = self.archive.states(resource, window or self.window, places, limit=self.items_allowed)
        return self.within_budget(resource, states)

    def _is_fresh(self, resource: Resource) -> bool:
        """Whether the archive knows what is there now."""
        if self.archive is None or self.asked_at <= self.window.start:
            return False
        known = self.archive.coverage(resource, Window(self.window.start, self.asked_at))
        return known.end is not None and known.end >= self.asked_at - FRESH

    def items(self, resource: Resource, namespace: str = "", **selectors: str) -> list[Item]:
        """All items of a list, or those that came before it failed; the failure is on the account."""
        found: list[Item] = []
        if self.ended:
            return found
        try:
            for page in self.api.pages(resource, namespace, **selectors):
                if page is None:
                    found.clear()
                    continue
                found += page
                self.fetched += len(page)
                if len(found) > self.items_allowed:
                    del found[self.items_allowed :]
                    raise self._too_many(resource)
            self.answered += 1
        except SourceError as error:
            self.failures.append(error)
        return found

    def keep(self, observation: Observation) -> None:
        self.kept += 1
        self.redactions.update(observation.redactions)
        self._batch.append(observation)
        if len(self._batch) >= BATCH:
            self.flush()

    def keep_newest(self, observation: Observation) -> None:
        """Keep it unless a later state of the same object tells of the same thing."""
        self._newest[observation.dedup_key] = observation

    def flush(self) -> None:
        if self._batch:
            self.sink(self._batch)
            self._batch = []

    def outcome(self) -> Outcome:
        for observation in self._newest.values():
            self.keep(observation)
        self.flush()
        failures = [*self.failures, *self.cuts]
        known: dict[str, Any] = {
            "fetched": self.fetched,
            "dropped": self.dropped,
            "warnings": tuple(self.warnings),
            "request": self.request,
            "redactions": dict(self.redactions),
            "covered_from": self.covered_from or self.window.start,
            "covered_to": self.window.end,
            "coverage": self._coverage(),
        }
        if not failures:
            status = Status.COMPLETE if self.kept else Status.EMPTY
            return Outcome(status=status, kept=self.kept, **known)
        if not self.answered and not self.kept:
            return outcome_of(_joined(failures), **{**known, "covered_from": None, "covered_to": None})
        truncated = next((failure for failure in failures if failure.status is Status.TRUNCATED), None)
        joined = _joined(failures)
        return Outcome(
            status=Status.TRUNCATED if truncated else Status.PARTIAL,
            reason=joined.reason,
            remedy=joined.remedy,
            retryable=joined.retryable,
            truncated_by=truncated.limit if truncated else "",
            kept=self.kept,
            **known,
        )

    def _coverage(self) -> Coverage | None:
        known = in_common(self._coverages.values())
        return None if known.is_empty else known

    def _too_many(self, resource: Resource, where: str = "") -> SourceError:
        return SourceError(
            Status.TRUNCATED,
            f"{resource.plural}{where and f' {where}'}: stopped at the budget of {self.items_allowed:,} items",
            remedy="Narrow the scope, or raise this source's item budget.",
            limit="items",
        )


def _joined(failures: list[SourceError]) -> SourceError:
    """All failures as one: the first one's status, every reason, every remedy once."""
    first = failures[0]
    return SourceError(
        first.status,
        "; ".join(dict.fromkeys(failure.reason for failure in failures)),
        remedy="\n".join(dict.fromkeys(failure.remedy for failure in failures if failure.remedy)),
        retryable=any(failure.retryable for failure in failures),
        limit=first.limit,
    )
