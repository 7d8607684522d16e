"""One query under way: what was read, what was kept, what failed, and the outcome of it all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from telemetry.collectors.kubernetes.api import Item, KubernetesApi, Resource
from telemetry.collectors.kubernetes.selection import Selection
from telemetry.http import SourceError, outcome_of
from telemetry.observations import Observation, Outcome, Sink, Status, Window
from telemetry.redaction import Redactor

BATCH = 200
# After one of these there is no sense in asking the same server for the next list.
FINAL = frozenset({Status.UNAUTHENTICATED, Status.UNREACHABLE, Status.TIMEOUT, Status.TRUNCATED, Status.NOT_CONFIGURED})


@dataclass
class Gathering:
    """The means of one query (api, selection, window, redactor) and its running account."""

    api: KubernetesApi
    selection: Selection
    window: Window
    sink: Sink
    redactor: Redactor
    items_allowed: int
    request: str = ""
    fetched: int = 0
    kept: int = 0
    dropped: int = 0
    answered: int = 0
    warnings: list[str] = field(default_factory=list)
    failures: list[SourceError] = field(default_factory=list)
    redactions: Counter[str] = field(default_factory=Counter)
    covered_from: datetime | None = None
    _batch: list[Observation] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        return any(failure.status in FINAL for failure in self.failures)

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

    def everywhere(self, resource: Resource, **selectors: str) -> list[Item]:
        """`items` over the namespaces of the selection."""
        return [item for place in self.selection.places for item in self.items(resource, place, **selectors)]

    def trimmed(self, obj: Mapping[str, Any], *, kind: str) -> tuple[Item, dict[str, int]]:
        result = self.redactor.trim_object(obj, kind=kind)
        return result.value, result.hits

    def keep(self, observation: Observation) -> None:
        self.kept += 1
        self.redactions.update(observation.redactions)
        self._batch.append(observation)
        if len(self._batch) >= BATCH:
            self.flush()

    def flush(self) -> None:
        if self._batch:
            self.sink(self._batch)
            self._batch = []

    def outcome(self) -> Outcome:
        self.flush()
        known: dict[str, Any] = {
            "fetched": self.fetched,
            "dropped": self.dropped,
            "warnings": tuple(self.warnings),
            "request": self.request,
            "redactions": dict(self.redactions),
            "covered_from": self.covered_from or self.window.start,
            "covered_to": self.window.end,
        }
        if not self.failures:
            status = Status.COMPLETE if self.kept else Status.EMPTY
            return Outcome(status=status, kept=self.kept, **known)
        if not self.answered and not self.kept:
            return outcome_of(self._joined(), **{**known, "covered_from": None, "covered_to": None})
        truncated = next((failure for failure in self.failures if failure.status is Status.TRUNCATED), None)
        joined = self._joined()
        return Outcome(
            status=Status.TRUNCATED if truncated else Status.PARTIAL,
            reason=joined.reason,
            remedy=joined.remedy,
            retryable=joined.retryable,
            truncated_by=truncated.limit if truncated else "",
            kept=self.kept,
            **known,
        )

    def _joined(self) -> SourceError:
        """All failures as one: the first one's status, every reason, every remedy once."""
        first = self.failures[0]
        return SourceError(
            first.status,
            "; ".join(dict.fromkeys(failure.reason for failure in self.failures)),
            remedy="\n".join(dict.fromkeys(failure.remedy for failure in self.failures if failure.remedy)),
            retryable=any(failure.retryable for failure in self.failures),
            limit=first.limit,
        )

    def _too_many(self, resource: Resource) -> SourceError:
        return SourceError(
            Status.TRUNCATED,
            f"{resource.plural}: stopped at the budget of {self.items_allowed:,} items",
            remedy="Narrow the scope, or raise this source's item budget.",
            limit="items",
        )
